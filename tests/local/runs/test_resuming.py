"""An execution goes on with the work of an earlier one, whose job was mended and deployed anew meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from elt_redshift.aws.execution_status import Execution, execution_name
from elt_redshift.aws.resuming import Resumer
from elt_redshift.aws.resumption import Resumption
from elt_redshift.job.model import EltJob
from tests.cases import exhaustive
from tests.local.runs.conftest import Barrier, DeployedJob
from tests.unit.asl.jobs import job, task

Deploy = Callable[[EltJob], DeployedJob]

#: Whatever way a job's tasks are run: layout, how they wait, and what a failure leads to.
FORMS = [
    {"layout": layout, "wait": wait, "on_task_failure": failure}
    for layout, wait in (("unrolled", "long_poll"), ("unrolled", "poll"), ("unrolled", "event"), ("map", "long_poll"))
    for failure in ("stop", "finish_independent")
]
#: Each layout, each way to wait and both ends of a failure are among them.
QUICK_FORMS = (2, 5, 6)


def forms(quick: Sequence[int], more: Sequence[int]) -> pytest.MarkDecorator:
    """Forms by their numbers, of which `make test` runs the quick ones. Which tasks a resumption skips and which run is
    the same to a form in each of these tests: the first goes through all forms there, the others through those that
    have little in common."""
    cases = exhaustive([FORMS[number] for number in (*quick, *more)], [FORMS[number] for number in quick])
    return pytest.mark.parametrize("form", cases, ids=lambda form: "-".join(form.values()))


def resumer(deployed: DeployedJob) -> Resumer:
    definitions = deployed.account.definitions
    return Resumer(deployed.executions, definitions, lambda: deployed.audit, deployed.job.job_id)


def resume(deployed: DeployedJob, origin: Execution, cleared: Collection[str] = ()) -> tuple[Execution, Resumption]:
    """Let the work of ``origin`` go on, to its end."""
    origin = deployed.executions.describe(origin.arn)
    name = execution_name("resumed", datetime.now(UTC))
    arn, resumption = resumer(deployed).resume(origin, name, "test", cleared)
    return deployed.end(arn), resumption


def made(form: dict[str, Any], graph: dict[str, tuple[str, ...]], sql: Callable[[str], str]) -> EltJob:
    more = {name: value for name, value in form.items() if name != "wait"}
    return job(*(task(name, *ups, sql=(sql(name),), wait=form["wait"]) for name, ups in graph.items()), **more)


#: b fails at first; c and d stand beside it, e behind it, and f joins what stands in two branches.
GRAPH = {"a": (), "b": ("a",), "c": ("a",), "d": (), "e": ("b",), "f": ("c", "d")}


@forms(QUICK_FORMS, more=(0, 1, 3, 4, 7))
def test_what_is_done_is_kept_and_what_was_mended_runs(deploy: Deploy, ledger: str, form: dict[str, Any]) -> None:
    """The done tasks ran once, the failed one runs with its new SQL, and so does what is behind it."""
    note = f"insert into {ledger} values ('%s')"
    deployed = deploy(made(form, GRAPH, lambda name: f"select 1 / 0 -- {name}" if name == "b" else note % name))
    failed = deployed.run()
    assert (failed.status, deployed.item.state) == ("FAILED", "Failed")
    before = deployed.ran(ledger)
    deployed.redeploy(made(form, GRAPH, lambda name: note % name))
    ended, resumption = resume(deployed, failed)
    assert (ended.status, ended.cause) == ("SUCCEEDED", None)
    assert deployed.ran(ledger) == Counter(GRAPH.keys())
    assert deployed.statuses(ended.arn) == dict.fromkeys(GRAPH, "succeeded")
    kept = {name for name, run in deployed.tasks(ended.arn).items() if run.kept_from}
    assert set(resumption.kept) <= kept
    assert kept == {*before}
    assert not set(deployed.submissions(ended.arn)) & kept
    calling = {f"{name}: {step}" for name in kept for step in ("finish", "describe", "find", "await")}
    assert not calling & set(deployed.states(ended.arn))  # nor is a statement asked about, that may be forgotten by now
    assert (deployed.item.state, deployed.item.reserved_for, deployed.item.failed_task) == ("Ready", None, None)


@forms([6], more=[1])
def test_a_done_task_whose_sql_has_changed_runs_again_with_what_is_behind(
    deploy: Deploy, ledger: str, form: dict[str, Any]
) -> None:
    """A change to a done task is a wish to have it run; what does not depend on it is kept."""
    note = f"insert into {ledger} values ('%s')"
    deployed = deploy(made(form, GRAPH, lambda name: f"select 1 / 0 -- {name}" if name == "e" else note % name))
    failed = deployed.run()
    deployed.until_ledger(ledger, Counter(dict.fromkeys("abcdf", 1)))
    deployed.redeploy(made(form, GRAPH, lambda name: (note % name) + (" -- better" if name == "c" else "")))
    ended, resumption = resume(deployed, failed)
    assert (ended.status, ended.cause) == ("SUCCEEDED", None)
    assert deployed.ran(ledger) == Counter(a=1, b=1, c=2, d=1, e=1, f=2)
    assert resumption.again["c"] == "its SQL has changed"
    assert resumption.again["f"] in ("it is behind c, which has changed", "it had not succeeded")


@forms([5], more=[6])
def test_cleared_tasks_run_again_and_no_others(deploy: Deploy, ledger: str, form: dict[str, Any]) -> None:
    """Of a run that has succeeded, exactly the tasks that somebody names are run again."""
    note = f"insert into {ledger} values ('%s')"
    deployed = deploy(made(form, GRAPH, lambda name: note % name))
    first = deployed.run()
    ended, _ = resume(deployed, first, cleared={"c", "f"})
    assert (ended.status, deployed.ran(ledger)) == ("SUCCEEDED", Counter(a=1, b=1, c=2, d=1, e=1, f=2))
    again, _ = resume(deployed, ended, cleared={"e"})
    assert (again.status, deployed.ran(ledger)) == ("SUCCEEDED", Counter(a=1, b=1, c=2, d=1, e=2, f=2))


@forms([2], more=[0, 5, 7])
@pytest.mark.parametrize("finishes", [True, False])
def test_a_statement_that_outlived_its_execution_is_settled_first(
    deploy: Deploy, barrier: Barrier, ledger: str, form: dict[str, Any], finishes: bool
) -> None:
    """One that has finished since is done, and its task is kept; one that still runs is cancelled, and runs again."""
    sql = f"insert into {ledger} select 'a' from (select count(*) from {barrier.table}) as waited"
    deployed = deploy(made(form, {"a": (), "b": ("a",)}, lambda name: sql if name == "a" else "select 1"))
    arn = deployed.start()
    deployed.until_submitted(arn, "a")
    deployed.executions.stop(arn, "test")
    if finishes:
        barrier.open()
        deployed.until_ledger(ledger, Counter(a=1))
        ended, resumption = resume(deployed, deployed.executions.describe(arn))
    else:
        name = execution_name("resumed", datetime.now(UTC))
        origin = deployed.executions.describe(arn)
        resumed, resumption = resumer(deployed).resume(origin, name, "test")
        deployed.until_submitted(resumed, "a")
        barrier.open()
        ended = deployed.end(resumed)
    assert resumption.open == ("a",)
    assert (ended.status, deployed.ran(ledger)) == ("SUCCEEDED", Counter(a=1))
    assert bool(deployed.tasks(ended.arn)["a"].kept_from) == finishes


def test_a_held_item_is_handed_to_the_reserved_execution_only(deploy: Deploy) -> None:
    """Another run that comes meanwhile does not get the lock of the failed one."""
    deployed = deploy(job(task("a", sql=("select 1 / 0",))))
    failed = deployed.run()
    name = execution_name("resumed", datetime.now(UTC))
    deployed.audit.reserve(deployed.item, deployed.state_machine_execution(name))
    deployed.run()
    assert (deployed.item.state, deployed.item.owner) == ("Failed", failed.arn)
    deployed.redeploy(job(task("a", sql=("select 1",))))
    ended, _ = resume(deployed, failed)
    assert (ended.status, deployed.item.state) == ("SUCCEEDED", "Ready")


def test_a_redrive_ends_the_reservation(deploy: Deploy, ledger: str) -> None:
    """Who redrove the failed run in the meantime has the lock, and the late resumption does nothing beside it."""
    deployed = deploy(job(task("a", sql=(f"insert into {ledger}_missing values (1)",))))
    failed = deployed.run()
    item = deployed.item
    deployed.audit.reserve(item, "arn:of:somebody")
    deployed.sql(f"create table {ledger}_missing (x int)")
    deployed.executions.redrive(failed.arn, deployed.audit, "101")
    assert deployed.end(failed.arn).status == "SUCCEEDED"
    assert deployed.item.reserved_for is None
