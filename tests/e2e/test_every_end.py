"""Every way in which Airflow ends a task, on real processes: what becomes of the statement, the execution and the lock.

The rows of the table in docs/airflow.md ("Every end of a task"). Lost workers and triggerers, and what is failed by
hand, are in test_airflow_processes.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from elt_redshift.job.model import EltJob
from elt_redshift.local.process import LocalAws
from elt_redshift.protocol.owners import Owner
from tests.cases import exhaustive
from tests.e2e.airflow_processes import Airflow, Run, wait_for
from tests.local.conftest import client_factory
from tests.local.runs.conftest import Barrier, DeployedJob

#: What triggers and operators do at each of these ends is tested without processes, in tests/unit and tests/local.
pytestmark = pytest.mark.exhaustive

MIRRORED = ["overdue", "overdue_on_worker", "green_by_hand", "cleared", "late_run"]
QUEUED = ["queued_green_by_hand", "queued_overdue"]
NATIVE = ["native_green_by_hand", "native_cleared", "native_late_run"]

DAGS = """
# Airflow reads only files that speak of it.
import json
from datetime import timedelta

from elt_redshift.dag import elt_dag
from elt_redshift.job.model import EltJob

for name, table in {tables!r}.items():
    native = dict(
        engine="airflow",
        audit_table=table,
        warehouse={{"cluster_identifier": "warehouse", "db_user": "awsuser", "database": "dev"}},
        default_args={{"retry_delay": timedelta(seconds=1)}},
    )
    dag = globals()[name] = elt_dag(
        EltJob.load({folder!r} + "/" + name),
        poll_interval=0.5,
        deferrable=name != "overdue_on_worker",
        dagrun_timeout=timedelta(hours=1),
        **(native if name.startswith("native") else {{}}),
    )
    if name == "overdue":  # the test brings its end forward
        dag.get_task("slow").execution_timeout = timedelta(hours=1)
    if name == "queued_overdue":
        dag.get_task("start_execution").execution_timeout = timedelta(hours=1)
        dag.get_task("start_execution").retries = 0
    if name == "overdue_on_worker":
        dag.get_task("slow").execution_timeout = timedelta(seconds=10)
"""
JOB = """
job_id: "{name}"
name: {name}
lock: {{when_locked: {when_locked}}}
tasks:
  slow: {{statement: "{slow}"}}
  last: {{statement: "select 1", upstream: [slow]}}
"""
LONG_AGO = "2020-01-01 00:00:00+00"


class Ends:
    """Jobs of two tasks, of which the first waits at a barrier, and their DAGs in a real Airflow."""

    def __init__(self, aws: LocalAws, folder: Path) -> None:
        client = client_factory(aws.endpoint)
        self.barrier = Barrier(client("redshift-data"))
        self.jobs: dict[str, DeployedJob] = {}
        for name in (*MIRRORED, *QUEUED, *NATIVE):
            (folder / name).mkdir()
            given = {"name": name, "slow": self.barrier.pass_, "when_locked": "wait" if name in QUEUED else "skip"}
            (folder / name / "job.yaml").write_text(JOB.format(**given))
            self.jobs[name] = DeployedJob(EltJob.load(folder / name), client)
        tables = {name: job.audit.table for name, job in self.jobs.items()}
        self.dags = DAGS.format(tables=tables, folder=str(folder))


@pytest.fixture(scope="module")
def ends(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Ends:
    return Ends(aws, tmp_path_factory.mktemp("jobs"))


@pytest.fixture(scope="module")
def airflow(airflow: Airflow, ends: Ends) -> Airflow:
    """Airflow, with the jobs' DAGs."""
    airflow.add("every_end.py", ends.dags, *ends.jobs)
    return airflow


@pytest.fixture(autouse=True)
def barrier(ends: Ends) -> Iterator[Barrier]:
    """The barrier, closed until a test opens it."""
    ends.barrier.close()
    yield ends.barrier
    ends.barrier.open()


def _waiting(airflow: Airflow, ends: Ends, name: str, state: str = "deferred") -> tuple[Run, str, str]:
    """A run whose task waits, with its trigger if it has one; its owner of the lock and its statement."""
    run, job = airflow.trigger(name), ends.jobs[name]
    if name in NATIVE:
        owner = Owner.dag_run(name, run.run_id)
    else:
        owner = str(wait_for(lambda: run.xcom("start_execution", "execution_arn"), "the execution is started"))
    run.wait_for_task("slow", state)
    if state == "deferred":
        wait_for(lambda: "starting" in run.log("slow"), "the trigger runs")
    found = wait_for(lambda: job.statements(owner, "slow", "STARTED"), "the statement runs")
    return run, owner, str(found[0]["Id"])


def _status(job: DeployedJob, statement: str) -> str:
    return str(job.data.describe_statement(Id=statement)["Status"])


def _stopped(job: DeployedJob, arn: str, statement: str) -> None:
    """The execution is stopped, its statement cancelled, and the next run may begin."""
    wait_for(lambda: job.executions.describe(arn).status == "ABORTED", "the execution is stopped")
    wait_for(lambda: _status(job, statement) == "ABORTED", "its statement is cancelled")
    wait_for(lambda: (job.item.state, job.item.after) == ("Failed", "release"), "the lock is let go")


@pytest.mark.parametrize(
    ("name", "state"),
    exhaustive([("overdue", "deferred"), ("overdue_on_worker", "running")], quick=[("overdue", "deferred")]),
)
def test_a_mirror_past_its_execution_timeout(airflow: Airflow, ends: Ends, name: str, state: str) -> None:
    """The execution is stopped, the statement cancelled, the lock let go; the mirror says what its bound was."""
    run, arn, statement = _waiting(airflow, ends, name, state)
    limit = "1:00:00" if name == "overdue" else "0:00:10"
    if name == "overdue":
        timeout = "update task_instance set trigger_timeout = %s where run_id = %s and task_id = 'slow'"
        airflow.database.execute(timeout, LONG_AGO, run.run_id)
    _stopped(ends.jobs[name], arn, statement)
    assert run.wait() == "failed"
    assert run.states() == {"start_execution": "success", "slow": "failed", "last": "upstream_failed"}
    assert f"Task slow had not ended within its execution_timeout of {limit}, so execution" in run.log("slow")
    assert f"it ran longer than its execution_timeout of {limit}." in str(ends.jobs[name].item.failure_message)


def test_a_run_past_its_dagrun_timeout(airflow: Airflow, ends: Ends) -> None:
    """As when the run is failed by hand."""
    run, arn, statement = _waiting(airflow, ends, "late_run")
    airflow.database.execute("update dag_run set start_date = %s where run_id = %s", LONG_AGO, run.run_id)
    assert run.wait() == "failed"
    _stopped(ends.jobs["late_run"], arn, statement)
    assert run.states()["slow"] == "skipped"


def test_a_mirror_that_is_marked_as_a_success(airflow: Airflow, ends: Ends, barrier: Barrier) -> None:
    """The execution goes on, and the next mirror shows what its own task does."""
    run, arn, statement = _waiting(airflow, ends, "green_by_hand")
    run.succeed_task("slow")
    run.wait_for_task("last", "deferred")
    assert _status(ends.jobs["green_by_hand"], statement) == "STARTED"
    barrier.open()
    assert run.wait() == "success"
    assert ends.jobs["green_by_hand"].executions.describe(arn).status == "SUCCEEDED"


def _queued(airflow: Airflow, ends: Ends, name: str) -> tuple[Run, Run]:
    """A run that works, and the next one, which waits for its end."""
    first, second = (airflow.trigger(name, f"2026-01-0{day}T00:00:00Z") for day in (1, 2))
    first.wait_for_task("slow", "deferred")
    second.wait_for_task("start_execution", "deferred")
    return first, second


def test_a_start_that_is_marked_as_a_success(airflow: Airflow, ends: Ends, barrier: Barrier) -> None:
    """Nothing was started, so the mirrors fail, and say what to clear."""
    first, second = _queued(airflow, ends, "queued_green_by_hand")
    second.succeed_task("start_execution")
    assert second.wait() == "failed"
    assert second.states() == {"start_execution": "success", "slow": "failed", "last": "upstream_failed"}
    assert "Task start_execution has started no execution. Clear it." in second.log("slow")
    barrier.open()
    assert first.wait() == "success"
    assert len(ends.jobs["queued_green_by_hand"].executions.recent()) == 1


def test_a_start_past_its_execution_timeout(airflow: Airflow, ends: Ends, barrier: Barrier) -> None:
    """It fails and says so; nothing was started, and the run before goes on."""
    first, second = _queued(airflow, ends, "queued_overdue")
    timeout = "update task_instance set trigger_timeout = %s where run_id = %s and task_id = 'start_execution'"
    airflow.database.execute(timeout, LONG_AGO, second.run_id)
    assert second.wait() == "failed"
    assert second.states() == {"start_execution": "failed", "slow": "upstream_failed", "last": "upstream_failed"}
    assert "The run before had not ended within 1:00:00, so nothing was started." in second.log("start_execution")
    barrier.open()
    assert first.wait() == "success"
    assert len(ends.jobs["queued_overdue"].executions.recent()) == 1


def test_a_mirror_that_is_cleared_while_it_waits(airflow: Airflow, ends: Ends, barrier: Barrier) -> None:
    """It waits again for the same statement of the same execution."""
    run, arn, statement = _waiting(airflow, ends, "cleared")
    run.clear("slow")
    wait_for(lambda: run.task("slow")["try_number"] == 2, "it is tried again")
    wait_for(lambda: "Waiting for task slow" in run.log("slow"), "it waits again")
    assert _status(ends.jobs["cleared"], statement) == "STARTED"
    barrier.open()
    assert run.wait() == "success"
    assert [execution.arn for execution in ends.jobs["cleared"].executions.recent()] == [arn]


def test_a_native_task_that_is_marked_as_a_success(airflow: Airflow, ends: Ends) -> None:
    """Its statement is cancelled, since nobody waits for it any more; the run goes on and gives the lock back."""
    run, _, statement = _waiting(airflow, ends, "native_green_by_hand")
    run.succeed_task("slow")
    wait_for(lambda: _status(ends.jobs["native_green_by_hand"], statement) == "ABORTED", "the statement is cancelled")
    assert run.wait() == "success"
    assert ends.jobs["native_green_by_hand"].item.state == "Ready"


def test_a_native_task_that_is_cleared_while_it_runs(airflow: Airflow, ends: Ends, barrier: Barrier) -> None:
    """Its statement is cancelled, and the next try submits another one."""
    run, owner, statement = _waiting(airflow, ends, "native_cleared")
    run.clear("slow")
    wait_for(lambda: _status(ends.jobs["native_cleared"], statement) == "ABORTED", "the statement is cancelled")
    job = ends.jobs["native_cleared"]
    wait_for(lambda: len(job.statements(owner, "slow")) == 2, "another one is submitted")
    barrier.open()
    assert run.wait() == "success"
    assert job.item.state == "Ready"


def test_a_native_run_past_its_dagrun_timeout(airflow: Airflow, ends: Ends) -> None:
    """Its statement is cancelled; Airflow skips the teardown, so the lock is left to its lease."""
    run, owner, statement = _waiting(airflow, ends, "native_late_run")
    airflow.database.execute("update dag_run set start_date = %s where run_id = %s", LONG_AGO, run.run_id)
    assert run.wait() == "failed"
    job = ends.jobs["native_late_run"]
    wait_for(lambda: _status(job, statement) == "ABORTED", "the statement is cancelled")
    tasks = {"slow": "skipped", "last": "skipped", "release_lock": "skipped"}
    assert run.states() == {"acquire_lock": "success", **tasks}
    assert (job.item.state, job.item.owner) == ("Running", owner)
