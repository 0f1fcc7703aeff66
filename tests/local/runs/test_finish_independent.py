"""``on_task_failure: finish_independent``, executed: what does not depend on a failed task ends first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from elt_redshift.asl.patterns import joins
from elt_redshift.graph.layout import arrange
from elt_redshift.graph.of_job import graph_of
from elt_redshift.job.model import EltJob, LockPolicy, Wait
from elt_redshift.job.parts import Layout
from elt_redshift.runs.history import TaskRuns
from elt_redshift.triggers.outcome import outcome_of
from tests.cases import exhaustive
from tests.local.runs.conftest import Barrier, DeployedJob
from tests.local.runs.test_joins import Graph, random_graph
from tests.unit.asl.jobs import job, task

Deploy = Callable[[EltJob], DeployedJob]


def _job(ledger: str, slow: str, wait: Wait = "long_poll", **more: object) -> EltJob:
    """`bad` needs a table that is not there; `behind` and, by a join, `both` need `bad`; the rest does not."""
    note = f"insert into {ledger} values ('%s')"
    return job(
        task("bad", sql=(f"insert into {ledger}_missing values (1)", note % "bad"), wait=wait),
        task("slow", sql=(slow, note % "slow"), wait=wait),
        task("behind", "bad", sql=(note % "behind",), wait=wait),
        task("both", "bad", "slow", sql=(note % "both",), wait=wait),
        task("free", "slow", sql=(note % "free",), wait=wait),
        task("last", "behind", "both", "free", sql=(note % "last",), wait=wait),
        on_task_failure="finish_independent",
        **more,
    )


@pytest.mark.parametrize("wait", ["long_poll", "event"])
def test_independent_tasks_end_first(deploy: Deploy, barrier: Barrier, ledger: str, wait: Wait) -> None:
    """The failed task shows at once, others go on, nothing behind it starts, and the run fails with Redshift's message
    when the rest has ended; a redrive runs only what has not."""
    deployed = deploy(_job(ledger, barrier.pass_, wait))
    arn = deployed.start()
    deployed.until(arn, lambda tasks: tasks["bad"].status == "failed" and "bad: park" in deployed.states(arn))
    runs = TaskRuns(deployed.job.task_names)
    mirrored = {name: outcome_of(name, deployed.executions.look(arn, runs)) for name in ("bad", "slow", "behind")}
    assert mirrored["bad"] is not None
    assert (mirrored["bad"].status, mirrored["slow"], mirrored["behind"]) == ("failed", None, None)
    assert deployed.item.state == "Running"
    barrier.open()
    failed = deployed.end(arn)
    assert failed.status == "FAILED"
    assert f'Task bad failed: ERROR: relation "{ledger}_missing" does not exist' in (failed.cause or "")
    assert deployed.statuses(arn) == {
        "bad": "failed",
        "slow": "succeeded",
        "behind": "waiting",
        "both": "waiting",
        "free": "succeeded",
        "last": "waiting",
    }
    assert (deployed.item.state, deployed.item.failed_task) == ("Failed", "bad")
    assert deployed.ran(ledger) == Counter(slow=1, free=1)
    deployed.sql(f"create table {ledger}_missing (x int)")
    deployed.executions.redrive(arn, deployed.audit, "101")
    ended = deployed.end(arn)
    assert (ended.status, ended.cause) == ("SUCCEEDED", None)
    assert set(deployed.ran(ledger).values()) == {1}
    assert deployed.submissions(ended.arn) == Counter(bad=2, slow=1, behind=1, both=1, free=1, last=1)
    assert (deployed.item.state, deployed.item.failed_task) == ("Ready", None)


def test_nobody_takes_the_lock_meanwhile(deploy: Deploy, barrier: Barrier, ledger: str) -> None:
    """While independent tasks run on, another run finds the job locked, also where a failed run is to free it."""
    deployed = deploy(_job(ledger, barrier.pass_, lock=LockPolicy(after_failure="release")))
    arn = deployed.start()
    deployed.until(arn, lambda tasks: tasks["bad"].status == "failed" and "bad: park" in deployed.states(arn))
    other = deployed.run()
    assert other.status == "SUCCEEDED"
    assert arn in (other.skipped or "")
    barrier.open()
    assert deployed.end(arn).status == "FAILED"
    assert (deployed.item.owner, deployed.item.state) == (arn, "Failed")


def test_two_failures_are_both_redriven(deploy: Deploy, barrier: Barrier, gate: Barrier, ledger: str) -> None:
    """The run fails with the message of the first of two failures, whichever ends the wait; a redrive that fails again
    holds the failure back again, and the next one runs the rest."""
    note = f"insert into {ledger} values ('%s')"
    deployed = deploy(
        job(
            task("bad", sql=(f"insert into {ledger}_first values (1)", note % "bad")),
            task("worse", sql=(gate.pass_, f"insert into {ledger}_second values (1)", note % "worse")),
            task("slow", sql=(barrier.pass_, note % "slow")),
            task("behind", "bad", "worse", sql=(note % "behind",)),
            on_task_failure="finish_independent",
        )
    )
    arn = deployed.start()
    deployed.until(arn, lambda tasks: tasks["bad"].status == "failed" and "bad: park" in deployed.states(arn))
    gate.open()
    deployed.until(arn, lambda tasks: tasks["worse"].status == "failed" and "worse: park" in deployed.states(arn))
    barrier.open()
    failed = deployed.end(arn)
    assert (failed.status, deployed.item.failed_task) == ("FAILED", "bad")
    assert "Task bad failed: " in (failed.cause or "")
    assert deployed.statuses(arn) == {"bad": "failed", "worse": "failed", "slow": "succeeded", "behind": "waiting"}
    deployed.sql(f"create table {ledger}_first (x int)")
    deployed.executions.redrive(arn, deployed.audit, "101")
    again = deployed.end(arn)
    assert (again.status, deployed.item.failed_task) == ("FAILED", "worse")
    assert deployed.statuses(arn) == {"bad": "succeeded", "worse": "failed", "slow": "succeeded", "behind": "waiting"}
    deployed.sql(f"create table {ledger}_second (x int)")
    deployed.executions.redrive(arn, deployed.audit, "101")
    assert deployed.end(arn).status == "SUCCEEDED"
    assert deployed.ran(ledger) == Counter(bad=1, worse=1, slow=1, behind=1)
    assert deployed.submissions(failed.arn) == Counter(bad=2, worse=3, slow=1, behind=1)


def test_a_run_that_is_stopped_while_parked_goes_on(deploy: Deploy, barrier: Barrier, ledger: str) -> None:
    """The redrive does not park the failed task again, and waits for the statement that was running."""
    deployed = deploy(_job(ledger, barrier.pass_))
    arn = deployed.start()
    deployed.until(arn, lambda tasks: tasks["bad"].status == "failed" and "bad: park" in deployed.states(arn))
    deployed.executions.stop(arn, "test")
    deployed.sql(f"create table {ledger}_missing (x int)")
    deployed.executions.redrive(arn, deployed.audit, "101")
    deployed.until(arn, lambda tasks: tasks["behind"].status == "succeeded")
    barrier.open()
    assert deployed.end(arn).status == "SUCCEEDED"
    assert set(deployed.ran(ledger).values()) == {1}
    assert deployed.submissions(arn) == Counter(bad=2, slow=1, behind=1, both=1, free=1, last=1)


#: What a task may be about when it is redriven, and who has the lock then: the execution, or another one.
MIDSTS = [
    (f"bad: {step}", owner)
    for step in ("settle", "settle late", "announce", "announce last")
    for owner in (None, "another")
]
QUICK_MIDSTS = [MIDSTS[3], MIDSTS[4]]


@pytest.mark.parametrize(("state", "owner"), exhaustive(MIDSTS, QUICK_MIDSTS))
def test_a_redrive_that_meets_a_task_behind_its_statement_submits_nothing_without_the_lock(
    deploy: Deploy, barrier: Barrier, ledger: str, state: str, owner: str | None
) -> None:
    """The task itself may end without the lock. What is behind it runs only where the lock is still the execution's."""
    barrier.open()
    deployed = deploy(_job(ledger, barrier.pass_))
    ended = deployed.end(deployed.start_at(state, owner, redrives=-1))
    if owner:
        assert (ended.status, ended.error) == ("FAILED", "DynamoDB.ConditionalCheckFailedException")
        assert deployed.ran(ledger) == Counter()
    else:
        assert (ended.status, ended.cause) == ("SUCCEEDED", None)
        assert deployed.ran(ledger) == Counter(slow=1, behind=1, both=1, free=1, last=1)


def test_a_child_of_a_map_is_parked_like_any_task(deploy: Deploy, barrier: Barrier, ledger: str) -> None:
    """In the map layout, too, the failed task shows at once, others go on, and a redrive runs only what has not."""
    deployed = deploy(_job(ledger, barrier.pass_, layout="map"))
    arn = deployed.start()
    deployed.until(arn, lambda tasks: tasks["bad"].status == "failed")
    assert deployed.item.state == "Running"
    assert deployed.ran(ledger) == Counter()
    barrier.open()
    assert deployed.end(arn).status == "FAILED"
    assert {name for name, status in deployed.statuses(arn).items() if status == "succeeded"} == {"slow", "free"}
    assert deployed.item.failed_task == "bad"
    deployed.sql(f"create table {ledger}_missing (x int)")
    deployed.executions.redrive(arn, deployed.audit, "101")
    assert deployed.end(arn).status == "SUCCEEDED"
    assert set(deployed.ran(ledger).values()) == {1}


def test_a_parked_task_looks_again_by_itself(
    deploy: Deploy, barrier: Barrier, ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wait that nobody ends is over after a while, and the task looks at the sets and waits anew."""
    monkeypatch.setattr(joins, "LONGEST_WAIT", 1)
    deployed = deploy(_job(ledger, barrier.pass_))
    arn = deployed.start()
    deployed.until(arn, lambda _: deployed.states(arn).count("bad: park") > 1)
    assert deployed.statuses(arn)["bad"] == "failed"
    barrier.open()
    assert deployed.end(arn).status == "FAILED"
    assert deployed.ran(ledger) == Counter(slow=1, free=1)


@pytest.mark.parametrize("bad", ["first", "last"])
def test_where_nothing_is_independent_the_run_fails_at_once(deploy: Deploy, ledger: str, bad: str) -> None:
    """A failed task that everything else is before or behind of is not parked, and is counted nowhere."""
    sql = {bad: (f"insert into {ledger}_missing values (1)",)}
    deployed = deploy(
        job(
            task("first", sql=sql.get("first", ("select 1",))),
            task("a", "first", sql=("select 1",)),
            task("b", "first", sql=("select 1",)),
            task("last", "a", "b", sql=sql.get("last", ("select 1",))),
            on_task_failure="finish_independent",
        )
    )
    execution = deployed.run()
    assert (execution.status, deployed.item.failed_task) == ("FAILED", bad)
    steps = Counter(name.partition(": ")[2] for name in deployed.states(execution.arn))
    assert steps["settle"] == (0 if bad == "first" else 2)
    assert steps["settle late"] == steps["block"] == 0


def test_a_healthy_task_costs_one_transition_more(deploy: Deploy, ledger: str) -> None:
    """As the documentation says; with nothing failed, no task looks at the others."""
    deployed = deploy(
        job(*(task(name, sql=("select 1",)) for name in ("a", "b", "c")), on_task_failure="finish_independent")
    )
    states = deployed.states(deployed.run().arn)
    steps = Counter(name.partition(": ")[2] for name in states)
    assert (steps["settle"], steps["settle late"]) == (3, 0)


def _behind(graph: Graph, tasks: set[str]) -> set[str]:
    """The given tasks and all that wait for one of them."""
    found = set(tasks)
    while more := {name for name, ups in graph.items() if found & set(ups)} - found:
        found |= more
    return found


QUICK_LAYOUTS = [("unrolled", None), ("map", 3)]


@pytest.mark.parametrize(("layout", "lanes"), exhaustive([*QUICK_LAYOUTS, ("unrolled", 3)], QUICK_LAYOUTS))
def test_any_graph_keeps_the_promise(deploy: Deploy, ledger: str, layout: Layout, lanes: int | None) -> None:
    """Of a graph with joins in which several tasks fail, exactly those run that neither fail nor wait for a failed one,
    lanes included; after mending them, a redrive runs all others. Nothing runs twice."""
    graph = random_graph(18, seed=5)
    note = f"insert into {ledger} values ('%s')"
    bad = {"t4", "t9", "t11"}
    mended = {name: f"insert into {ledger}_{name} values (1)" for name in bad}
    made = job(
        *(task(name, *ups, sql=(*filter(None, [mended.get(name)]), note % name)) for name, ups in graph.items()),
        on_task_failure="finish_independent",
        max_active_statements=lanes,
        layout=layout,
    )
    kept = graph_of(made)
    assert arrange(kept).joins
    deployed = deploy(made)
    arn = deployed.start()
    assert deployed.end(arn).status == "FAILED"
    failed = {name for name, status in deployed.statuses(arn).items() if status == "failed"}
    assert failed
    assert failed <= bad
    assert bad <= _behind(kept, failed)
    assert deployed.ran(ledger) == Counter(set(graph) - _behind(kept, failed))
    for name in bad:
        deployed.sql(f"create table {ledger}_{name} (x int)")
    deployed.executions.redrive(arn, deployed.audit, "101")
    ended = deployed.end(arn)
    assert (ended.status, ended.cause) == ("SUCCEEDED", None)
    assert deployed.ran(ledger) == Counter(graph.keys())
    assert deployed.submissions(ended.arn) == Counter(graph.keys()) + Counter(failed)
