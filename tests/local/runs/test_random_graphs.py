"""Random graphs, executed in either layout: every edge is respected, every task runs once, none waits without need."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

import pytest

from elt_redshift.graph.order import Order, bits
from elt_redshift.job.model import EltJob, Layout
from tests.cases import exhaustive
from tests.local.runs.conftest import Barrier, DeployedJob
from tests.unit.asl.jobs import task

Graph = Mapping[str, Sequence[str]]


def random_graph(rng: random.Random) -> Graph:
    """Up to 60 tasks, in an order of their own, each with up to four upstreams."""
    names = [f"t{number}" for number in range(rng.randint(20, 60))]
    near = rng.choice([3, 10, 60])
    graph = {
        name: sorted(rng.sample(names[max(0, index - near) : index], min(index, near, rng.choice([0, 1, 1, 2, 3, 4]))))
        for index, name in enumerate(names)
    }
    written = list(graph)
    rng.shuffle(written)
    return {name: graph[name] for name in written}


def gated(rng: random.Random, order: Order) -> tuple[str, set[str]]:
    """A task to be held back, and all that may not wait for it; both as many as can be."""
    number = max(range(len(order.tasks)), key=lambda one: (order.after[one].bit_count() > 0, rng.random()))
    held = {number, *bits(order.after[number])}
    return order.tasks[number], {name for index, name in enumerate(order.tasks) if index not in held}


@pytest.mark.parametrize(
    ("seed", "layout"), exhaustive([(1, "unrolled"), (1, "map"), (2, "unrolled"), (2, "map")], quick=[(2, "unrolled")])
)
def test_a_random_graph_runs_as_it_is_written(
    deploy: Callable[[EltJob], DeployedJob], barrier: Barrier, ledger: str, seed: int, layout: Layout
) -> None:
    """While one task is held back, everything that does not depend on it runs to its end; no task begins before its
    upstreams have ended, by the database's clock; each runs exactly once."""
    rng = random.Random(seed)
    graph = random_graph(rng)
    held, free = gated(rng, Order(graph))
    note = f"insert into {ledger} select '%s ' || (extract(epoch from clock_timestamp()) * 1000000)::bigint"

    def sql(name: str) -> tuple[str, ...]:
        return (note % f"{name} begins", *([barrier.pass_] if name == held else []), note % f"{name} ends")

    tasks = [task(name, *ups, sql=sql(name)) for name, ups in graph.items()]
    deployed = deploy(EltJob(job_id="101", name="sample", tasks=tasks, layout=layout))
    arn = deployed.start()
    deployed.until(arn, lambda runs: {name for name, run in runs.items() if run.status == "succeeded"} == free)
    barrier.open()
    ended = deployed.end(arn)
    assert (ended.status, ended.cause) == ("SUCCEEDED", None)
    lines = [str(row[0]).split() for row in deployed.sql(f"select task from {ledger}")]
    assert sorted(line[:2] for line in lines) == sorted([name, what] for name in graph for what in ("begins", "ends"))
    at = {(name, what): int(when) for name, what, when in lines}
    early = [(up, name) for name, ups in graph.items() for up in ups if at[up, "ends"] > at[name, "begins"]]
    assert not early
