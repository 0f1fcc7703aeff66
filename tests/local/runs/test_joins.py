"""Graphs that cannot be nested, executed: branches wait for each other by joins."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

import pytest

from elt_redshift.graph.layout import arrange
from elt_redshift.job.model import EltJob
from elt_redshift.local.faults import Faults
from elt_redshift.local.process import LocalAws
from tests import bounds
from tests.local.runs.conftest import Barrier, DeployedJob
from tests.local.waiting import wait_for
from tests.unit.asl.jobs import job, task

Deploy = Callable[[EltJob], DeployedJob]
Graph = Mapping[str, Sequence[str]]

N: Graph = {"a": (), "b": (), "c": ("a", "b"), "d": ("b",)}


def random_graph(tasks: int, seed: int) -> Graph:
    """Each task waits for up to three of those before it."""
    rng = random.Random(seed)
    names = [f"t{number}" for number in range(tasks)]
    return {name: sorted(rng.sample(names[:index], min(index, rng.randint(0, 3)))) for index, name in enumerate(names)}


def noting(ledger: str, graph: Graph, **first: str) -> EltJob:
    """Every task writes its name into the ledger, after the statement that ``first`` gives for it."""
    note = f"insert into {ledger} values ('%s')"
    return job(
        *(task(name, *ups, sql=(*([first[name]] if name in first else []), note % name)) for name, ups in graph.items())
    )


def noted(deployed: DeployedJob, ledger: str) -> list[str]:
    """The names in the ledger."""
    return [str(row[0]) for row in deployed.sql(f"select task from {ledger}")]


def assert_edges_respected(deployed: DeployedJob, arn: str, graph: Graph) -> None:
    """No task was submitted before its upstreams' statements had ended."""
    runs = deployed.tasks(arn)
    for name, ups in graph.items():
        started = deployed.data.describe_statement(Id=(runs[name].statement_id or "").partition(":")[0])["CreatedAt"]
        for up in ups:
            ended = deployed.data.describe_statement(Id=(runs[up].statement_id or "").partition(":")[0])["UpdatedAt"]
            assert ended <= started, f"{name} was submitted at {started}, before {up} ended at {ended}"


@pytest.mark.parametrize("graph", [N, random_graph(16, seed=3)], ids=["n", "random"])
def test_every_task_runs_once_behind_its_upstreams(deploy: Deploy, ledger: str, graph: Graph) -> None:
    """The execution succeeds, each task's statement ran exactly once, and every edge of the graph was respected."""
    assert arrange(graph).joins
    deployed = deploy(noting(ledger, graph))
    execution = deployed.run()
    assert (execution.status, execution.cause) == ("SUCCEEDED", None)
    assert sorted(noted(deployed, ledger)) == sorted(graph)
    assert_edges_respected(deployed, execution.arn, graph)


@pytest.mark.parametrize("slow", ["a", "b"])
def test_a_waiter_goes_on_whichever_upstream_is_last(deploy: Deploy, barrier: Barrier, ledger: str, slow: str) -> None:
    """The join holds c back until the slower of a and b has ended, and holds nothing else back."""
    deployed = deploy(noting(ledger, N, **{slow: barrier.pass_}))
    arn = deployed.start()
    done = {"b", "d"} if slow == "a" else {"a"}
    deployed.until(arn, lambda tasks: {name for name, run in tasks.items() if run.status == "succeeded"} == done)
    assert sorted(noted(deployed, ledger)) == sorted(done)
    barrier.open()
    assert deployed.end(arn).status == "SUCCEEDED"
    assert sorted(noted(deployed, ledger)) == sorted(N)


@pytest.mark.parametrize("waited_for", ["a", "b"])
def test_a_redrive_joins_again(deploy: Deploy, barrier: Barrier, ledger: str, waited_for: str) -> None:
    """A failure in one branch aborts the waits of the others; after the redrive they wait anew, keep what was announced
    before, and nothing runs twice."""
    graph: Graph = {"a": (), "b": (), "x": (), "c": ("a", "b"), "d": ("b",), "e": ("x", "a"), "f": ("c", "e")}
    first = {waited_for: barrier.pass_, "x": f"insert into {ledger}_missing values ('x')"}
    deployed = deploy(noting(ledger, graph, **first))
    arn = deployed.start()
    failed = deployed.end(arn)
    assert failed.status == "FAILED"
    assert deployed.item.failed_task == "x"
    deployed.sql(f"create table {ledger}_missing (x varchar(9))")
    deployed.executions.redrive(arn, deployed.audit, "101")
    deployed.until(arn, lambda tasks: tasks["x"].status == "succeeded")
    barrier.open()
    ended = deployed.end(arn)
    assert (ended.status, ended.cause) == ("SUCCEEDED", None)
    assert sorted(noted(deployed, ledger)) == sorted(graph)
    assert_edges_respected(deployed, arn, graph)
    assert deployed.item.state == "Ready"


def test_an_aborted_wait_begins_anew(deploy: Deploy, barrier: Barrier, gate: Barrier, ledger: str) -> None:
    """A wait that a failure elsewhere has ended is entered again by the redrive, and its upstream wakes it."""
    graph: Graph = {**N, "x": ()}
    ((waiter, (awaited,)),) = arrange(graph).joins.items()
    job = noting(ledger, graph, **{awaited: barrier.pass_, "x": f"select 1 / count(*) from {gate.table}"})
    deployed = deploy(job)
    arn = deployed.start()
    deployed.until(arn, lambda _: f"{waiter}: join" in deployed.states(arn))
    gate.open()
    assert deployed.end(arn).status == "FAILED"
    deployed.sql(f"insert into {gate.table} values (1)")
    deployed.executions.redrive(arn, deployed.audit, "101")
    deployed.until(arn, lambda tasks: deployed.states(arn).count(f"{waiter}: join") == 2)
    barrier.open()
    assert deployed.end(arn).status == "SUCCEEDED"
    assert sorted(noted(deployed, ledger)) == sorted(graph)
    assert f"{waiter}: reclaim" in deployed.states(arn)


def test_many_waiters_are_told_at_once(deploy: Deploy, ledger: str) -> None:
    """An upstream that several branches wait for tells all of them by one transaction."""
    sources = [f"s{number}" for number in range(4)]
    graph: Graph = {"hub": (), **dict.fromkeys(sources, ()), **{f"t{name}": ("hub", name) for name in sources}}
    arrangement = arrange(graph)
    assert max(map(len, arrangement.told_by().values())) > 1
    deployed = deploy(noting(ledger, graph))
    execution = deployed.run()
    assert (execution.status, execution.cause) == ("SUCCEEDED", None)
    assert sorted(noted(deployed, ledger)) == sorted(graph)
    assert_edges_respected(deployed, execution.arn, graph)


def errors_of_calls(deployed: DeployedJob, arn: str) -> set[str]:
    """With which errors an execution's calls were refused."""
    events = deployed.executions.new_events(arn, after=0)
    return {event["taskFailedEventDetails"]["error"] for event in events if "taskFailedEventDetails" in event}


@pytest.mark.parametrize(
    ("hubs", "refused"),
    [(1, "DynamoDb.TransactionConflictException"), (4, "DynamoDb.TransactionCanceledException")],
    ids=["waiters", "upstreams"],
)
def test_who_meets_a_transaction_goes_on_behind_it(
    deploy: Deploy, barrier: Barrier, local_aws: LocalAws, ledger: str, hubs: int, refused: str
) -> None:
    """Where upstreams tell the same tasks at the same time, or those begin to wait then, DynamoDB refuses one of them:
    it asks again, each task runs once, and the execution ends."""
    above, sources = [f"hub{number}" for number in range(hubs)], [f"s{number}" for number in range(3)]
    graph: Graph = {**dict.fromkeys([*above, *sources], ()), **{f"t{name}": (*above, name) for name in sources}}
    assert set(above) <= {up for up, told in arrange(graph).told_by().items() if len(told) > 1}
    deployed = deploy(noting(ledger, graph, **dict.fromkeys(sources, barrier.pass_)))
    with Faults(local_aws) as faults:
        faults.let_conflict("TransactWriteItems", seconds=bounds.ANSWER, times=max(1, hubs - 2))
        arn = deployed.start()
        wait_for(lambda: faults.met() != [0], "a transaction is under way")
        barrier.open()
        execution = deployed.end(arn)
        assert faults.met() == [max(1, hubs - 2)]
    assert (execution.status, execution.cause) == ("SUCCEEDED", None)
    assert refused in errors_of_calls(deployed, arn)
    assert sorted(noted(deployed, ledger)) == sorted(graph)
    assert_edges_respected(deployed, arn, graph)


def test_a_join_costs_what_the_documentation_says(deploy: Deploy, ledger: str) -> None:
    """One transition for each upstream that is joined, one for the task that waits, two for waking it if it waits."""
    deployed = deploy(noting(ledger, N))
    states = deployed.states(deployed.run().arn)
    woken = ["b: announce last", "b: wake"] if "b: wake" in states else []
    assert sorted(state for state in states if ": " in state and not state.startswith("together")) == sorted(
        ["a: finish", "b: finish", "b: announce", "c: join", "c: finish", "d: finish", *woken]
    )
