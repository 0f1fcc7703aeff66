"""The model of Map Runs."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from elt_redshift.asl.compiler import compile_job
from elt_redshift.job.model import EltJob
from elt_redshift.testing import Subject, run
from elt_redshift.testing.errors import StateError
from elt_redshift.testing.executions import Execution
from elt_redshift.testing.map_runs import MapChances
from elt_redshift.testing.redshift_data import Behaviour
from elt_redshift.testing.subject import JOIN_TABLE

from ..asl.jobs import task as sql_task
from .machines import Machine, task
from .plays import QUICKLY, Play
from .test_schedules import QUIET

SELECTED = {"task": "{% $states.context.Map.Item.Value %}", "redrives": "{% $states.context.Execution.RedriveCount %}"}


def mapped(*items: str, most: int = 100, **given: Any) -> Machine:
    """One child for each item, whose only state makes the call of that name; so many at a time."""
    choices = [{"Condition": f"{{% $states.input.task = '{name}' %}}", "Next": name} for name in items]
    told = {"told": "{% $states.context.Execution.Input.redrives %}", "sees": SELECTED["redrives"]}
    calls = {name: task(name, Arguments=told) for name in items}
    states = {
        "map": {
            "Type": "Map",
            "Label": "tasks",
            "ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "Arguments": {"Key": "k"}},
            "ItemSelector": SELECTED,
            "MaxConcurrency": most,
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "begin",
                "States": {"begin": {"Type": "Choice", "Choices": choices}, **calls},
            },
            "Retry": [{"ErrorEquals": ["States.ItemReaderFailed"], "MaxAttempts": 1}],
            "End": True,
        }
    }
    return Machine(states, **{"getObject": [[*items]], **given})


def children(execution: Execution) -> list[Execution | None]:
    assert execution.root.map_run
    return execution.root.map_run.children


def calls(machine: Machine) -> list[str]:
    return sorted(name for name, _ in machine.calls if name != "getObject")


def test_each_item_has_a_child_with_its_own_input_and_count() -> None:
    """The run gives what the children give, in the items' order."""
    machine = mapped("a", "b", a=[{"x": 1}], b=[{"x": 2}])
    execution = machine.run()
    assert (execution.status, execution.root.output) == ("SUCCEEDED", [{"x": 1}, {"x": 2}])


def test_items_that_cannot_be_read_are_read_again() -> None:
    """As the state's Retry says, and then the execution fails with the name of that error."""
    machine = mapped("a", getObject=[StateError("S3.SlowDown"), ["a"]])
    assert machine.run().status == "SUCCEEDED"
    failed = mapped("a", getObject=[StateError("S3.SlowDown", "Slow down")] * 2).run()
    assert str(failed.error) == "States.ItemReaderFailed: Slow down"


def test_a_failure_ends_the_other_children_and_a_redrive_goes_on_with_all_of_these() -> None:
    """Under their ARNs, with counts of their own; what had succeeded does not run again."""
    answers = {"good": [{}], "bad": [StateError("Svc.No"), {}], "slow": [None, {}]}
    machine = mapped("good", "bad", "slow", **answers)
    execution = machine.run(30)
    assert (execution.status, execution.error and execution.error.name) == (
        "FAILED",
        "States.ExceedToleratedFailureThreshold",
    )
    before = [child and (child.arn, child.status) for child in children(execution)]
    assert [one and one[1] for one in before] == ["SUCCEEDED", "FAILED", "ABORTED"]
    machine.service.redrive(execution.arn)
    machine.clock.run(60)
    assert execution.status == "SUCCEEDED"
    assert calls(machine) == ["bad", "bad", "good", "slow", "slow"]
    assert [asked["sees"] for name, asked in machine.calls if name in ("bad", "slow")] == [0, 0, 1, 1]


def test_children_go_on_for_a_while_after_a_stop_and_a_redrive_waits_for_them() -> None:
    """https://docs.aws.amazon.com/step-functions/latest/dg/redrive-map-run.html"""
    machine = mapped("a", chances=MapChances(Random(2), ending=8.0), a=[None, {}])
    execution = machine.run(5)
    machine.service.stop(execution.arn)
    (child,) = children(execution)
    assert child is not None
    assert child.status == "RUNNING"
    machine.service.redrive(execution.arn)
    machine.clock.run(5.5)
    assert (child.redrives, calls(machine)) == (0, ["a"])
    machine.clock.run(30)
    assert (execution.status, child.redrives, calls(machine)) == ("SUCCEEDED", 1, ["a", "a"])


@pytest.mark.parametrize("in_order", [True, False])
def test_so_many_children_are_there_at_a_time(in_order: bool) -> None:
    """The next one is started when one ends, in the items' order or in another one; and so in a redrive."""
    stuck: dict[str, Any] = {name: [None, {}] for name in "cde"}
    machine = mapped(*"abcdef", most=3, chances=MapChances(Random(3), in_order=in_order), **stuck)
    execution = machine.run(30)
    assert sum(child is not None and child.running for child in children(execution)) == 3
    assert (calls(machine) == [*"abcde"]) == in_order
    machine.service.stop(execution.arn)
    machine.clock.run(60)
    machine.service.redrive(execution.arn)
    machine.clock.run(90)
    assert (execution.status, calls(machine)) == ("SUCCEEDED", sorted("abcdef" + "cde"))


@pytest.mark.parametrize("anew", [True, False])
def test_a_child_that_a_redrive_starts_may_be_told_of_it_or_not(anew: bool) -> None:
    """AWS leaves open when the ItemSelector is evaluated; its own count begins at 0 either way."""
    machine = mapped("a", chances=MapChances(Random(0), starting=100.0, selects_anew=anew))
    execution = machine.run(1)
    machine.service.stop(execution.arn)
    machine.service.redrive(execution.arn)
    machine.clock.run(200)
    assert machine.calls[-1] == ("a", {"told": int(anew), "sees": 0})


@pytest.mark.parametrize(("then", "in_parts"), [("stop", False), ("finish_independent", True)])
def test_a_job_of_many_tasks_is_simulated_in_the_layout_that_it_is_deployed_in(then: Any, in_parts: bool) -> None:
    """One whose definition would be too large has followed statements by itself, or is cut into parts."""
    tasks = [sql_task(f"t{number}", *([f"t{number - 1}"] if number else [])) for number in range(90)]
    job = EltJob(job_id="101", name="many", tasks=tasks, on_task_failure=then)
    machine = compile_job(job)
    assert (machine.follows, bool(machine.parts)) == (True, in_parts)
    assert run(Subject.of(job), 1, QUIET).findings == ()


def test_a_failure_is_not_told_anew_after_a_redrive() -> None:
    """A task that was stopped while it told of its failure goes on to another attempt. Told later than the redrive, the
    failure would count as that attempt's, whose statement nobody would then look for."""
    play = Play(Subject.of(EltJob(job_id="1", name="map", layout="map", tasks=[sql_task("a")])))
    play.behaves = lambda name, before: QUICKLY if before else Behaviour(1.0, "fails")
    play.fares("task: report failure", *["throttled"] * 6)
    play.world.on_entered = lambda state: play.halt() if state == "task: report failure" else None
    play.start(3600.0)
    play.go_on_for(60)
    told: list[Any] = []
    play.world.on_entered = lambda state: told.append(
        [item.get("TaskStatus") for (table, _), item in play.world.dynamodb.items.items() if table == JOIN_TABLE]
    )
    play.redrive(3600.0)
    (run,) = play.world.step_functions.executions.values()
    assert run.status == "SUCCEEDED"
    assert {"S": "failed"} not in [status for statuses in told for status in statuses]
