"""Random graphs, stopped again and again while they run: every task still runs once, behind its upstreams."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable

import pytest

from elt_redshift.job.model import EltJob, Layout, OnTaskFailure, Wait
from tests.cases import exhaustive
from tests.local.runs.conftest import DeployedJob
from tests.local.runs.test_joins import assert_edges_respected, random_graph
from tests.unit.asl.jobs import job, task

#: Between two stops the execution is looked at up to so many times, so that they come at any moment.
TASKS, STOPS, LOOKS = 14, 25, 8

WAITS = [("unrolled", "long_poll"), ("unrolled", "event"), ("map", "long_poll")]
ENDS = ("stop", "finish_independent")
#: One graph or another: how its tasks wait and what a failure leads to is what tells these apart.
CASES = [(seed, *wait, end) for wait in WAITS for seed, end in zip((2, 1), ENDS, strict=True)]
#: What the others have, others do quickly: tests/unit/testing stops each state of each.
QUICK = [(1, "map", "long_poll", "finish_independent")]


@pytest.mark.parametrize(("seed", "layout", "wait", "on_task_failure"), exhaustive(CASES, QUICK))
def test_a_run_that_is_stopped_anywhere_goes_on(
    deploy: Callable[[EltJob], DeployedJob],
    ledger: str,
    seed: int,
    layout: Layout,
    wait: Wait,
    on_task_failure: OnTaskFailure,
) -> None:
    """Whatever a stop interrupts, be it a submission, a wait, an announcement or the release of the lock: after the
    last redrive the run succeeds, each task has written once, and no task was submitted before its upstreams' ends."""
    rng, graph = random.Random(seed), random_graph(TASKS, seed)
    note = f"insert into {ledger} values ('%s')"
    tasks = [task(name, *ups, sql=("select pg_sleep(0.1)", note % name), wait=wait) for name, ups in graph.items()]
    deployed = deploy(job(*tasks, layout=layout, on_task_failure=on_task_failure))
    arn = deployed.start()
    for _ in range(STOPS):
        looks = deployed.executions.follow(arn, (), interval=0.001)
        *_, snapshot = itertools.islice(looks, rng.randint(1, LOOKS))
        if snapshot.execution.status != "RUNNING":
            break
        deployed.executions.stop(arn, "test")
        if deployed.executions.describe(arn).status != "ABORTED":  # it was faster
            break
        deployed.executions.redrive(arn, deployed.audit, "101")
    ended = deployed.end(arn)
    assert (ended.status, ended.cause) == ("SUCCEEDED", None)
    assert deployed.statuses(arn) == dict.fromkeys(graph, "succeeded")
    assert deployed.ran(ledger) == Counter(graph.keys())
    assert_edges_respected(deployed, arn, graph)
    assert deployed.item.state == "Ready"
