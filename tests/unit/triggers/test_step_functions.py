"""The trigger, as Airflow's real class, over a Step Functions in memory."""

from __future__ import annotations

import asyncio
import inspect
import json
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pkgutil import resolve_name
from typing import Any

import pytest
from airflow.triggers.base import BaseTrigger

from elt_redshift import triggers
from elt_redshift.aws.executions import Executions
from elt_redshift.hooks import step_functions as hooks
from elt_redshift.triggers.step_functions import TaskTrigger
from tests.unit.fake_step_functions import MACHINE, FakeExecution, FakeStepFunctions

SAMPLES = {"str": "text", "str | None": "other", "float": 1.5, "int": 2, "bool": True}


def _classes() -> Iterator[type[BaseTrigger]]:
    for module in pkgutil.walk_packages(triggers.__path__, f"{triggers.__name__}."):
        for found in vars(import_module(module.name)).values():
            if inspect.isclass(found) and issubclass(found, BaseTrigger) and found.__module__ == module.name:
                yield found


@pytest.mark.parametrize("cls", _classes(), ids=lambda cls: cls.__name__)
def test_every_trigger_survives_serialization(cls: Any) -> None:
    """Any trigger of the package is rebuilt equal from its class path and JSON arguments, all of which it gives."""
    wanted = inspect.signature(cls.__init__).parameters
    given = {name: SAMPLES[parameter.annotation] for name, parameter in wanted.items() if name != "self"}
    path, kwargs = cls(**given).serialize()
    assert kwargs == given
    assert resolve_name(path) is cls
    assert resolve_name(path)(**json.loads(json.dumps(kwargs))).serialize() == (path, kwargs)


def test_the_discovery_finds_something() -> None:
    """The test above tests the trigger that there is."""
    assert TaskTrigger in set(_classes())


class FakeHook:
    """Stands for the hook; counts how many are made."""

    client: FakeStepFunctions
    made = 0

    def __init__(self, **_: Any) -> None:
        type(self).made += 1

    def executions(self) -> Executions:
        return Executions(self.client, MACHINE)

    def rows(self, statement_id: str) -> int | None:
        return {"s-1": 7}.get(statement_id)


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> type[FakeHook]:
    made = type("Hook", (FakeHook,), {"client": FakeStepFunctions()})
    monkeypatch.setattr(hooks, "EltHook", made)
    return made


async def _event(trigger: TaskTrigger) -> dict[str, Any]:
    """The first event, as `airflow dags test` takes it: the generator is not resumed."""
    return dict((await anext(trigger.run())).payload)


def test_the_event_tells_how_the_task_ended(hook: type[FakeHook]) -> None:
    """A success comes with statement, seconds and rows."""
    execution = FakeExecution("run").succeed("load")
    hook.client.executions[execution.arn] = execution
    event = asyncio.run(_event(TaskTrigger(execution.arn, "load")))
    assert event == {
        "status": "succeeded",
        "message": None,
        "statement_id": "s-1",
        "seconds": 2.0,
        "rows": 7,
        "attempt": 1,
    }


def test_triggers_of_one_execution_share_hook_and_looks(hook: type[FakeHook]) -> None:
    """Twenty triggers make one hook and look once; those of another connection look for themselves."""
    execution = FakeExecution("run").end("ABORTED")
    hook.client.executions[execution.arn] = execution

    async def all_events(*connections: str) -> list[dict[str, Any]]:
        waiting = [TaskTrigger(execution.arn, f"t{n}", conn) for n in range(20) for conn in connections]
        return await asyncio.gather(*map(_event, waiting))

    events = asyncio.run(all_events("a"))
    assert ({event["status"] for event in events}, len(events)) == ({"aborted"}, 20)
    assert (hook.made, hook.client.calls["DescribeExecution"]) == (1, 1)
    asyncio.run(all_events("a", "b"))
    assert (hook.made, hook.client.calls["DescribeExecution"]) == (3, 3)


def test_an_execution_that_may_not_be_seen_ends_the_wait(hook: type[FakeHook]) -> None:
    """What AWS will not tell is an event too, with its words."""
    hook.client.errors = ["AccessDeniedException"]
    event = asyncio.run(_event(TaskTrigger(f"{MACHINE}:run", "load")))
    assert event["status"] == "unknown"
    assert "AccessDeniedException" in event["message"]
