"""A run whose tasks stand in the histories of its parts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from elt_redshift.asl.language.names import in_states
from elt_redshift.aws.execution_status import Snapshot
from elt_redshift.aws.executions import Executions
from elt_redshift.runs import pages
from elt_redshift.runs.history import TaskRun, TaskRuns
from elt_redshift.triggers.outcome import outcome_of
from tests.unit.fake_step_functions import BEGIN, MACHINE, FakeExecution, FakeStepFunctions, definition, gate_failed

TASKS = ["a", "b", "c", "d"]


class Run:
    """A run of two parts, and who looks at it all the time."""

    def __init__(self, *known: str) -> None:
        self.own = FakeExecution("run", given='{"resume": {"from": "arn:before"}}')
        self.client = FakeStepFunctions(self.own)
        self.executions = Executions(self.client, MACHINE)
        self.runs = TaskRuns(known or None)
        self.one, self.two = (self.own.start_part(number) for number in (1, 2))

    def begin(self, *parts: FakeExecution) -> None:
        self.client.executions |= {part.arn: part for part in parts}

    def redrive(self) -> None:
        self.own.later = timedelta(hours=1)
        self.own.redrive("again")

    def look(self) -> Snapshot:
        """As who has looked before sees it; whoever comes now sees the same."""
        seen = self.executions.look(self.own.arn, self.runs)
        assert self.executions.look(self.own.arn, TaskRuns(TASKS)).tasks == tuple(
            next((run for run in seen.tasks if run.name == name), fresh)
            for name, fresh in zip(TASKS, TaskRuns(TASKS).all(), strict=True)
        )
        assert self.kept(seen.execution.status) == seen.tasks
        return seen

    def kept(self, status: str) -> tuple[TaskRun, ...]:
        """By what the history table keeps of it."""
        runs = TaskRuns([run.name for run in self.runs.all()])
        of_parts = {
            part.arn.split(":")[6]: pages.kept(part.events)
            for part in (self.one, self.two)
            if part.arn in self.client.executions
        }
        pages.read(runs, pages.kept(self.own.events), [], status, of_parts)
        return runs.all()

    def told(self) -> dict[str, str]:
        return {run.name: run.status for run in self.look().tasks}


def failed() -> Run:
    """The first part has failed with the task ``a`` and stopped ``b``; the second was stopped while ``d`` ran."""
    run = Run()
    run.begin(run.one.submit("b", "s-b").fail("a", "ERROR: no", "s-a"), run.two.succeed("c", "s-c").submit("d", "s-d"))
    run.one.end("FAILED", **gate_failed("a: status", "Task a failed: ERROR: no."))
    run.two.end("ABORTED")
    run.own.end("FAILED", **gate_failed("part 1: failed", "Task a failed: ERROR: no."))
    return run


def test_the_tasks_of_all_parts_are_those_of_the_run() -> None:
    """In the order of the job's tasks, each with its part; a part that is not there yet tells nothing."""
    run = Run(*TASKS)
    assert set(run.told().values()) == {"waiting"}
    run.begin(run.one.submit("b", "s-b").succeed("a", "s-a"))
    assert run.told() == {"a": "succeeded", "b": "running", "c": "waiting", "d": "waiting"}
    run.begin(run.two.submit("d", "s-d"))
    seen = {one.name: (one.status, one.statement_id, one.part) for one in run.look().tasks}
    assert seen["a"] == ("succeeded", "s-a", run.one.arn)
    assert seen["d"] == ("running", "s-d", run.two.arn)
    assert list(seen) == TASKS


def test_a_failure_in_a_part_is_that_of_its_task() -> None:
    """It has the database's words; what ran in any part was stopped; all are told of with the part's own page."""
    run = failed()
    assert run.told() == {"b": "aborted", "a": "failed", "c": "succeeded", "d": "aborted"}
    failure, stopped = (outcome_of(task, run.look()) for task in ("a", "d"))
    assert failure
    assert (failure.message, failure.execution_arn) == ("ERROR: no", run.one.arn)
    assert stopped
    assert (stopped.message or "").startswith("Task d was stopped, because a failed: ERROR: no.")
    assert stopped.execution_arn == run.two.arn


def test_a_part_that_outlives_its_run_is_not_told_to_run() -> None:
    """What had not ended when the run did counts as stopped, also where the part goes on."""
    run = Run()
    run.begin(run.one.submit("a"))
    run.own.end("ABORTED")
    assert run.told() == {"a": "aborted"}


def test_a_failure_before_the_run_was_redriven_is_none() -> None:
    """The parts are redriven after their run: until then, what had failed or was stopped is on its way again."""
    run = failed()
    run.told()
    run.redrive()
    assert run.told() == {"b": "running", "a": "running", "c": "succeeded", "d": "running"}
    run.one.later = timedelta(hours=1)
    run.one.redrive("again")
    run.one.fail("a", "ERROR: still no", "s-a2")
    assert run.told() == {"b": "running", "a": "failed", "c": "succeeded", "d": "running"}
    failure = outcome_of("a", run.look())
    assert failure
    assert (failure.message, failure.statement_id) == ("ERROR: still no", "s-a2")


def test_a_failure_after_the_run_was_redriven_is_one() -> None:
    """A part that had gone on all the while may fail before it is redriven."""
    run = Run()
    run.begin(run.one.submit("a"))
    run.own.end("FAILED")
    run.redrive()
    run.one.later = timedelta(hours=2)
    run.one.fail("a", "ERROR: no")
    assert run.told() == {"a": "failed"}


def test_a_failure_in_a_part_that_began_late_is_one() -> None:
    """Its states go by a redrive below the first one: it takes the lock before anything else."""
    run = Run()
    run.begin(run.one.submit("a"))
    run.one.entered("a: status", cause="ERROR: no", statement="s-a", redrives=-1)
    assert run.told() == {"a": "failed"}


def test_the_next_look_counts_from_the_redrive() -> None:
    """The time between a failure and the redrive is no time of a task."""
    run = failed()
    run.redrive()
    (again,) = [one for one in run.look().tasks if one.name == "a"]
    assert again.started == BEGIN + timedelta(hours=1, seconds=len(run.own.events))


def test_what_a_part_kept_is_kept_from_the_runs_origin() -> None:
    """A part does not know which execution its run goes on with."""
    run = Run()
    started = {"type": "ExecutionStarted", "executionStartedEventDetails": {"input": run.own.given}}
    run.own.events.insert(0, {"id": 0.5, "timestamp": BEGIN, **started})
    begun = {"id": 0.5, "timestamp": BEGIN, "type": "ExecutionStarted"}
    run.one.events.append({**begun, "executionStartedEventDetails": {"input": '{"run": {}}'}})
    run.begin(run.one.keep("a"))
    assert [one.kept_from for one in run.look().tasks] == ["arn:before"]


def test_long_names_are_those_of_the_runs_definition() -> None:
    """States of parts bear shorter names, too; the run's definition tells of all tasks."""
    names = [f"load_{'x' * 100}_{number}" for number in range(2)]
    run = Run()
    run.own.definition = definition(*names)
    run.begin(run.two.succeed(in_states(names[0])))
    seen = run.executions.look(run.own.arn, run.runs)
    assert [one.name for one in seen.tasks] == [names[0]]
    run.two.succeed(in_states(names[1]))
    assert {one.name for one in run.executions.look(run.own.arn, run.runs).tasks} == set(names)


def test_a_look_costs_two_calls_and_one_for_each_part_that_may_go_on() -> None:
    """One that has succeeded is not read again."""
    run = Run()
    run.begin(run.one.succeed("a"), run.two.submit("d"))
    run.executions.look(run.own.arn, run.runs)
    run.one.end("SUCCEEDED")
    run.one.add("ExecutionSucceeded")
    for expected in (4, 3, 3):
        before = run.client.calls.total()
        run.executions.look(run.own.arn, run.runs)
        assert run.client.calls.total() - before == expected


def test_a_part_that_may_not_be_read_is_no_empty_part() -> None:
    """What else AWS refuses is told."""
    run = Run()
    run.begin(run.one)
    run.client.errors = [None, None, "AccessDeniedException"]
    with pytest.raises(Exception, match="AccessDenied"):
        run.executions.look(run.own.arn, run.runs)


def test_a_success_is_told_of_parts_that_are_not_there_any_more() -> None:
    """A success has done all tasks; of a failure, those of such parts may have done more than is told."""
    run = Run(*TASKS)
    run.begin(run.one.submit("b", "s-b").succeed("a", "s-a"))
    run.look()
    assert run.runs.lost
    run.begin(run.two)
    run.look()
    assert not run.runs.lost
    del run.client.executions[run.two.arn]
    run.own.end("SUCCEEDED")
    run.one.succeed("b", "s-b")
    told = {one.name: one.status for one in run.executions.look(run.own.arn, run.runs).tasks}
    assert told == dict.fromkeys(TASKS, "succeeded")
