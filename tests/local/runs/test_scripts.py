"""The simulation and the embedded AWS agree: the same definition, moves and faults come to the same after every move.

``ELT_REDSHIFT_SCRIPTS`` says how many scripts are played; ``make chaos`` plays more than CI does.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import NamedTuple

import pytest

from elt_redshift.aws.execution_status import Execution
from elt_redshift.job.model import EltJob, Layout, LockPolicy, Wait
from elt_redshift.protocol import audit
from elt_redshift.testing import Subject
from elt_redshift.testing.scripts import Scene, Snapshot, Step, script, shown
from tests import bounds
from tests.local.conftest import ClientFactory
from tests.local.runs.conftest import Barrier, DeployedJob, closed_barrier
from tests.local.runs.test_resuming import resumer
from tests.local.waiting import wait_for
from tests.unit.asl.jobs import task

Graph = Mapping[str, tuple[str, ...]]

SCRIPTS = int(os.environ.get("ELT_REDSHIFT_SCRIPTS", "8"))

#: Seconds between two looks. Looking is what an idle script costs.
PAUSE = 0.15

CHAIN: Graph = {"a": (), "b": ("a",), "c": ("b",)}
#: What stands beside b ends before b's failure ends the run, or b could end it in the midst of anything.
SETTLING: Graph = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}


class Form(NamedTuple):
    """How a stage's job is made."""

    wait: Wait = "long_poll"
    layout: Layout = "unrolled"
    lock: LockPolicy = LockPolicy()
    settles: bool = False

    def job(self, number: int, sql: Callable[[str], tuple[str, ...]]) -> EltJob:
        """:param sql: of a task."""
        graph = SETTLING if self.settles else CHAIN
        tasks = [task(name, *ups, sql=sql(name), wait=self.wait) for name, ups in graph.items()]
        return EltJob(
            job_id=f"9{number:02d}",
            name=f"scripted_{number}",
            tasks=tasks,
            lock=self.lock,
            layout=self.layout,
            on_task_failure="finish_independent" if self.settles else "stop",
        )


FORMS = (
    Form(),
    Form(layout="map"),
    Form("event"),
    Form(layout="map", settles=True),
    Form("poll", lock=LockPolicy(when_locked="fail")),
    Form(lock=LockPolicy(after_failure="release")),
    Form("event", settles=True),
    Form("poll", "map", LockPolicy(after_failure="release")),
)

#: One stage of each form; their scripts are played side by side, since they mostly wait.
STAGES = min(SCRIPTS, len(FORMS))


class Stage:
    """A job that is deployed, on which scripts are played one after the other.

    b hangs while its barrier is closed, and fails while there are rows in a table.
    """

    def __init__(self, aws: ClientFactory, number: int, barrier: Barrier) -> None:
        self._barrier, self._flaw = barrier, f"{barrier.table}_flaw"
        flawed = f"select 1 / (case when count(*) > 0 then 0 else 1 end) from {self._flaw}"
        self.job = FORMS[number].job(number, lambda name: (barrier.pass_, flawed) if name == "b" else ("select 1",))
        self._deployed = DeployedJob(self.job, aws)
        self._deployed.sql(f"create table {self._flaw} (x int)")
        self._prefix = ""

    def play(self, seed: int) -> None:
        """Play the script of a seed, and look after each move."""
        self._prefix = f"s{seed}"
        for place, scene in enumerate(script(Subject.of(self.job), seed, "b")):
            self._move(scene.step, scene.execution)
            self._compare(scene, f"script {seed}, move {place}")
        key = {audit.JOB_ID: {"S": self.job.job_id}}
        self._deployed.client("dynamodb").delete_item(TableName=self._deployed.audit.table, Key=key)

    def _move(self, step: Step, execution: str) -> None:
        deployed, about = self._deployed, self._arn(execution)
        match step:
            case "start":
                deployed.executions.start(self._name(execution), {})
            case "stop":
                deployed.executions.stop(about, "the script says so")
            case "redrive":
                deployed.client("stepfunctions").redrive_execution(executionArn=about)
            case "resume":
                resumer(deployed).resume(self._origin(execution), self._name(execution), "script")
            case "unlock":
                deployed.audit.unlock(deployed.item, by="script", reason="it says so")
            case "hang":
                self._barrier.close()
            case "open":
                self._barrier.open()
            case "break":
                deployed.sql(f"insert into {self._flaw} values (1)")
            case "mend":
                deployed.sql(f"delete from {self._flaw}")

    def _origin(self, execution: str) -> Execution:
        """The newest before ``execution`` that ended badly."""
        numbers = range(int(execution.removeprefix("e")) - 1, 0, -1)
        described = (self._deployed.executions.describe(self._arn(f"e{number}")) for number in numbers)
        return next(one for one in described if one.ended and not one.succeeded)

    def _compare(self, scene: Scene, where: str) -> None:
        expected = scene.after

        def same() -> bool:
            return self._snapshot(expected) == expected

        try:
            wait_for(same, f"{where}: {scene.step} {scene.execution}", bounds.ANSWER, PAUSE)
        except AssertionError as error:
            error.add_note(f"the simulation:   {expected}\nthe embedded AWS: {self._snapshot(expected)}")
            raise

    def _snapshot(self, expected: Snapshot) -> Snapshot:
        deployed, short = self._deployed, self._prefix
        found = deployed.audit.read(self.job.job_id)
        owner = str(found.owner or "").rpartition(":")[2].removeprefix(short) if found else ""
        started = {one.name.removeprefix(short): one.status for one in deployed.executions.recent()}
        return Snapshot(
            {name: started.get(name, "") for name in expected.executions},
            {
                "/".join(one["StatementName"].split("/")[1:4]).removeprefix(short): shown(one["Status"])
                for one in deployed.statements_named(f"{self.job.job_id}/{short}e")
            },
            ((found.state or "", owner, found.after or "") if found else ("", "", "")),
        )

    def _name(self, execution: str) -> str:
        return self._prefix + execution

    def _arn(self, execution: str) -> str:
        return self._deployed.state_machine_execution(self._name(execution))


@pytest.fixture(scope="module")
def stages(aws: ClientFactory) -> Iterator[list[Stage]]:
    with ExitStack() as barriers:
        made = []
        for number in range(STAGES):
            barrier = barriers.enter_context(closed_barrier(aws))
            barrier.open()
            made.append(Stage(aws, number, barrier))
        yield made


@pytest.mark.exhaustive
def test_the_embedded_aws_does_what_the_simulation_does(stages: list[Stage]) -> None:
    """After each move of each script the executions, the statements and the audit item are the same."""

    def play(stage: int) -> None:
        for seed in range(stage, SCRIPTS, STAGES):
            stages[stage].play(seed)

    with ThreadPoolExecutor(STAGES) as pool:
        list(pool.map(play, range(STAGES)))
