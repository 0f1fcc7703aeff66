"""What an execution is told that goes on with the work of another one, as Python finds it out."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from elt_redshift.asl import fingerprints
from elt_redshift.asl.language.names import RUN_TASKS
from elt_redshift.aws.definitions import Definition
from elt_redshift.aws.execution_status import Execution as Described
from elt_redshift.aws.resumption import plan
from elt_redshift.protocol import joins
from elt_redshift.protocol.audit import Assumption
from elt_redshift.runs.history import TaskRun, TaskRuns, TaskStatus
from elt_redshift.runs.progress import reports
from elt_redshift.testing.executions import Execution
from elt_redshift.testing.functions import iso
from elt_redshift.testing.subject import JOIN_TABLE, Version
from elt_redshift.testing.world import World


def resumption(world: World, origin: Execution, assumed: Mapping[str, Assumption] | None = None) -> dict[str, Any]:
    """What goes on with the work of ``origin``.

    :param assumed: what somebody says that tasks are to be taken for of which nobody can know.
    :raises UnknowableError: nobody can know, or says, whether some of its tasks are done.
    """
    old, new = world.subject.versions[origin.version], world.version
    runs = _mapped(world, origin, old) if old.machine.job_file else [_run(origin, task) for task in old.tasks]
    described = Described(
        origin.arn, origin.name, origin.status, _moment(origin.started), input=json.dumps(origin.input)
    )
    before, now = (Definition("", fingerprints.of_job(version.job), {}) for version in (old, new))
    return plan(described, runs, before, now).assuming(runs, assumed or {}, _moment(world.clock.now)).given("simulated")


def _mapped(world: World, origin: Execution, version: Version) -> Collection[TaskRun]:
    """What the tasks of the map layout have told of themselves."""
    runs = TaskRuns({task: print.upstream for task, print in version.prints.items()})
    runs.apply({"id": number, **event} for number, event in enumerate(_history(origin), 1))
    if runs.items:
        runs.report(reports(world.dynamodb.items_of(JOIN_TABLE, joins.RUN_KEY, runs.items.run)))
    runs.finish(origin.status)
    return runs.all()


def _history(origin: Execution) -> Iterator[dict[str, Any]]:
    """As much of the execution's history as there is of the map layout."""
    yield {"type": "ExecutionStarted", "executionStartedEventDetails": {"input": json.dumps(origin.input)}}
    if RUN_TASKS in origin.begun:
        told = joins.RunItems(JOIN_TABLE, f"{origin.name}/{iso(origin.started * 1000)}").told()
        entered = {"name": RUN_TASKS, "input": json.dumps(told)}
        yield {
            "type": "MapStateEntered",
            "timestamp": _moment(origin.begun[RUN_TASKS]),
            "stateEnteredEventDetails": entered,
        }
    for moment in origin.redriven:
        yield {"type": "ExecutionRedriven", "timestamp": _moment(moment)}


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _run(run: Execution, task: str) -> TaskRun:
    statement, message = run.failed.get(task, (None, None)) if run.tasks.get(task) == "failed" else (None, None)
    began = _moment(run.begun[task]) if task in run.begun else None
    return TaskRun(task, _status(run, task), began, statement_id=statement, message=message)


def _status(run: Execution, task: str) -> TaskStatus:
    how = run.tasks.get(task)
    if how in ("succeeded", "kept"):
        return "succeeded"
    return "waiting" if how is None else "failed" if how == "failed" else "aborted"
