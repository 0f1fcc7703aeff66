"""Random graphs, failed or stopped anywhere, mended and resumed: done tasks ran once, changed ones again with what is
behind them.

`make check` tries 16; ``ELT_REDSHIFT_RESUME_SEEDS=200 pytest tests/local/runs/test_random_resuming.py`` more of them.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from elt_redshift.graph.order import Order, bits
from elt_redshift.job.model import EltJob
from tests.cases import exhaustive
from tests.local.runs.conftest import DeployedJob
from tests.local.runs.test_joins import random_graph
from tests.local.runs.test_resuming import FORMS, resume
from tests.unit.asl.jobs import job, task

TASKS, SEEDS = 10, int(os.environ.get("ELT_REDSHIFT_RESUME_SEEDS", "16"))
QUICK = (8,)  # a run that takes a few seconds

Graph = Mapping[str, Sequence[str]]


def behind(graph: Graph, tasks: set[str]) -> set[str]:
    """The tasks, and all that wait for them."""
    order = Order(graph)
    numbers = {name: number for number, name in enumerate(order.tasks)}
    found = set(tasks)
    for name in tasks:
        found |= {order.tasks[number] for number in bits(order.after[numbers[name]])}
    return found


def tried(deploy: Callable[[EltJob], DeployedJob], ledger: str, seed: int) -> None:
    """One graph in one form: it fails at a task, or is stopped at some moment; then some tasks are changed, perhaps
    twice."""
    rng, graph = random.Random(seed), random_graph(TASKS, seed)
    form: dict[str, Any] = FORMS[seed % len(FORMS)]
    failing = rng.choice(list(graph))
    stopped = rng.random() < 0.4
    note, versions = f"insert into {ledger} values ('%s')", dict.fromkeys(graph, 0)

    def made(broken: str | None) -> EltJob:
        texts = {name: f"{note % name} -- version {versions[name]}" for name in graph}
        if broken:
            texts[broken] = "select 1 / 0"
        tasks = [task(name, *ups, sql=(texts[name],), wait=form["wait"]) for name, ups in graph.items()]
        return job(*tasks, layout=form["layout"], on_task_failure=form["on_task_failure"])

    deployed = deploy(made(None if stopped else failing))
    arn = deployed.start()
    if stopped:
        for number, snapshot in enumerate(deployed.executions.follow(arn, (), interval=0.001)):
            if number >= rng.randint(1, 15) and snapshot.execution.status == "RUNNING":
                deployed.executions.stop(arn, "test")
                break
    ended = deployed.end(arn)
    for _ in range(rng.randint(1, 2)):
        flying = deployed.at_work(ended.arn)
        before = deployed.ran(ledger)
        changed = set(rng.sample(list(graph), rng.randint(0, 2)))
        for name in changed:
            versions[name] += 1
        deployed.redeploy(made(None))
        cleared = set(rng.sample(list(graph), rng.randint(0, 1)))
        ended, resumption = resume(deployed, ended, cleared)
        assert (ended.status, ended.cause) == ("SUCCEEDED", None), (seed, resumption)
        again = behind(graph, changed) | cleared | {name for name in graph if not before[name]}
        ran = deployed.ran(ledger)
        ran.subtract(before)
        assert {name for name, times in ran.items() if times} == again, (seed, resumption)
        # What was at work when it ended may have finished since, and run again if it was changed or cleared.
        assert {name for name, times in ran.items() if times > 1} <= flying & (behind(graph, changed) | cleared), seed
        assert deployed.statuses(ended.arn) == dict.fromkeys(graph, "succeeded")
        assert deployed.item.state == "Ready"


@pytest.mark.parametrize("seed", exhaustive(range(SEEDS), QUICK))
def test_a_random_run_is_mended_and_resumed(deploy: Callable[[EltJob], DeployedJob], ledger: str, seed: int) -> None:
    """The ledger shows that exactly what had not been done, what was changed with all behind it, and what was cleared
    ran again, each once."""
    tried(deploy, ledger, seed)
