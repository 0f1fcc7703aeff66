"""The trigger that waits for the executions of a DAG run, over a Step Functions in memory."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from elt_redshift.aws.attempts import run_execution_name
from elt_redshift.aws.executions import Executions
from elt_redshift.hooks import step_functions as hooks
from elt_redshift.triggers import base
from elt_redshift.triggers.execution import ExecutionTrigger
from tests.unit.fake_step_functions import MACHINE, FakeExecution, FakeStepFunctions


class Looks(FakeStepFunctions):
    """Counts the looks; at the third one the earlier run's execution is started, at the fifth it ends."""

    def __init__(self) -> None:
        super().__init__()
        self.execution = FakeExecution(run_execution_name("sales", "r1", "start_execution", 1))

    def describe_execution(self, executionArn: str) -> dict[str, Any]:
        if executionArn == self.execution.arn and self.calls["DescribeExecution"] >= 2:
            self.executions[executionArn] = self.execution
        if self.calls["DescribeExecution"] >= 5:
            self.execution.end("FAILED")
        return super().describe_execution(executionArn)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    client = Looks()

    class Hook:
        def __init__(self, **_: Any) -> None: ...

        def executions(self, state_machine_arn: str) -> Executions:
            return Executions(client, state_machine_arn)

    monkeypatch.setattr(hooks, "EltHook", Hook)
    monkeypatch.setattr(base, "RESUME_AFTER", 0.0)
    return client


async def _event(timeout: float = 60.0) -> Any:
    trigger = ExecutionTrigger(MACHINE, None, "sales", "r1", "start_execution", timeout, poll_interval=0.001)
    return await anext(trigger.run())


def test_it_waits_until_the_execution_is_there_and_has_ended(looks: Looks) -> None:
    """An earlier run that has not come to start its execution is waited for too; how it ends does not matter."""
    assert asyncio.run(_event()).payload is None
    assert looks.execution.status == "FAILED"


def test_it_asks_back_after_a_while(looks: Looks) -> None:
    """The earlier run may have gone without an execution, which only Airflow knows."""
    assert asyncio.run(_event(timeout=0.0)).payload is None
    assert looks.execution.status == "RUNNING"


def test_a_refusal_is_left_to_the_task(looks: Looks) -> None:
    """The task's own call says why, and is tried again."""
    looks.errors = ["AccessDeniedException"]
    assert asyncio.run(_event()).payload is None
    assert looks.calls["DescribeExecution"] == 1
