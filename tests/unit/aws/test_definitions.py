"""What a deployed definition tells of its tasks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from elt_redshift.asl import cutting
from elt_redshift.asl.compiler import compile_job
from elt_redshift.asl.machine import StateMachine
from elt_redshift.asl.target import Target
from elt_redshift.aws.definitions import Definitions
from elt_redshift.operators.drift import drift
from tests.unit.asl.jobs import job, task

PREFIX = "arn:aws:states:eu-west-1:123456789012:stateMachine:"
RUN, PARTS = f"{PREFIX}run", f"{PREFIX}part"


class _Deployed:
    """Step Functions with a job in parts; notes which definitions it was asked for."""

    def __init__(self, machine: StateMachine) -> None:
        self.asked: list[str] = []
        run = json.dumps(machine.definition())
        for part in machine.parts:
            run = run.replace(Target.part(part.number), f"{PARTS}{part.number}")
        own = {f"{PARTS}{part.number}": json.dumps(part.definition()) for part in machine.parts}
        self._definitions = {RUN: run, **own}

    def describe_state_machine(self, **request: Any) -> dict[str, str]:
        self.asked.append(request["stateMachineArn"])
        return {"definition": self._definitions[request["stateMachineArn"]]}

    def describe_state_machine_for_execution(self, **request: Any) -> dict[str, str]:
        machine, _, _ = request["executionArn"].replace(":execution:", ":stateMachine:").rpartition(":")
        return self.describe_state_machine(stateMachineArn=machine)


def _definitions(monkeypatch: pytest.MonkeyPatch, **sql: tuple[str, ...]) -> tuple[_Deployed, Definitions]:
    monkeypatch.setattr(cutting, "AUTO_DEFINITION", 14_000)
    machine = compile_job(job(*(task(name, sql=text) for name, text in sql.items()), layout="parts"))
    assert len(machine.parts) > 1
    client = _Deployed(machine)
    return client, Definitions(client, dict)


def test_the_sql_of_a_job_in_parts_is_read_from_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only where it is asked for, once each; of a run, as that had it."""
    texts = {name: (f"select '{name}'", "select 2") for name in "abcde"}
    client, definitions = _definitions(monkeypatch, **texts)
    deployed = definitions.deployed(RUN)
    assert client.asked == [RUN]
    assert {name: deployed.statements(name) for name in "abcde"} == texts
    assert deployed.statements("none") == ()
    assert len(client.asked) == len({*client.asked})
    of_run = definitions.of_run(RUN.replace(":stateMachine:", ":execution:") + ":name")
    assert {name: of_run.statements(name) for name in "abcde"} == texts


def test_drift_shows_the_deployed_sql_of_a_job_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the task that is another in the DAG."""
    _, definitions = _definitions(monkeypatch, **{name: (f"select '{name}'",) for name in "abcde"})
    ours = job(*(task(name, sql=(f"select '{name if name != 'c' else 'x'}'",)) for name in "abcde"))
    found = drift(ours, definitions.deployed(RUN))
    assert found
    assert found.sql == {"c": "select 'c';"}
