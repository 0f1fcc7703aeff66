"""Jobs' DAGs in a real Airflow, driven through its REST API, over the embedded AWS.

Airflow is started once for all such tests, see conftest.py. Each test has a job of its own, so that no lock is shared.

Each of these waits for what Airflow does after half a minute, or runs many tasks. So those whose behaviour has quick
tests too, without processes, are left to `make exhaustive`: of tries that find what a killed one began, of runs that
Airflow fails or that end at once, of jobs that go on after they were mended, of runs that wait in turn, of timeouts and
sessions of operators (tests/unit/operators, tests/unit/triggers, tests/local/operators, tests/local/runs).
"""

from __future__ import annotations

import os
import signal
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from elt_redshift.job.model import EltJob
from elt_redshift.local.process import LocalAws
from elt_redshift.protocol.owners import Owner
from tests.cases import exhaustive
from tests.e2e.airflow_processes import Airflow, Run, wait_for
from tests.local.conftest import ClientFactory, client_factory
from tests.local.runs.conftest import Barrier, DeployedJob

#: ``load``, then ``fact`` and ``other``, then ``last``; each notes in the ledger that it ran. ``fact`` fails for a run
#: that is forbidden, ``other`` waits at the barrier.
STEPS = """
job_id: "{name}"
name: {name}
parameters:
  run: {{default: none}}
tasks:
  load: {{sql: load.sql, group: side}}
  fact: {{sql: fact.sql, upstream: [load], group: main}}
  other: {{sql: other.sql, upstream: [load], retries: 1, group: side}}
  last: {{sql: last.sql, upstream: [fact, other], group: main}}
lock: {{when_locked: {when_locked}}}
"""
NOTE = "insert into ledger values (:run, '{task}');\n"
STEPS_SQL = {
    "load": NOTE,
    "fact": NOTE + "\nselect 1 / (1 - count(*)) from forbidden where run = :run;\n",
    "other": NOTE + "\n{barrier};\n",
    "last": NOTE,
}
ONCE = dict.fromkeys(STEPS_SQL, 1)
GREEN = dict.fromkeys(["start_execution", *STEPS_SQL], "success")
NATIVE_GREEN = dict.fromkeys(["acquire_lock", *STEPS_SQL, "release_lock"], "success")

#: It notes, in order, when the work for a year begins and ends.
YEARLY = """
job_id: yearly
name: yearly
parameters:
  year: {{}}
tasks:
  begin: {{statement: "{note}"}}
  end: {{statement: "{note}", upstream: [begin]}}
lock: {{when_locked: wait}}
"""
YEARS_NOTE = "insert into years select count(*), :year from years"

DAGS = """
# Airflow reads only files that speak of it.
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow.timetables.interval import CronDataIntervalTimetable

from elt_redshift.dag import elt_dag
from elt_redshift.job.model import EltJob


def hold(context, result=None):
    \"\"\"The first try of start_execution has done its work, and never comes to say so.\"\"\"
    if context["ti"].task_id == "start_execution" and context["ti"].try_number == 1:
        signal.pause()


def wait_for_go(context):
    \"\"\"The mirror of ``other`` defers when it is told to; on a worker that resumed it, it would not end.\"\"\"
    if context["ti"].task_id == "other":
        if Path({jobs!r}, "deferred").exists():
            signal.pause()
        while not Path({jobs!r}, "go").exists():
            time.sleep(0.1)
        Path({jobs!r}, "deferred").touch()


def dag(name, **options):
    return elt_dag(EltJob.load({jobs!r} + "/" + name), poll_interval=0.5, **options)


for name in {deferred!r}:
    globals()[name] = dag(name)
for name, table in {native!r}.items():
    globals()[name] = dag(
        name,
        engine="airflow",
        audit_table=table,
        warehouse={{"cluster_identifier": "warehouse", "db_user": "awsuser", "database": "dev"}},
        deferrable=name != "on_workers",
        default_args={{"retry_delay": timedelta(seconds=1)}},
    )
grouped = dag("redriven", dag_id="grouped", mirrors="groups")
raced = dag("raced", default_args={{"pre_execute": wait_for_go}})
killed = dag("killed", deferrable=False, default_args={{"post_execute": hold, "retry_delay": timedelta(seconds=1)}})
yearly = dag(
    "yearly",
    schedule=CronDataIntervalTimetable("@yearly", timezone="UTC"),
    end_date=datetime(1997, 1, 1, tzinfo=UTC),
    parameters={{"year": "{{{{ data_interval_start.year }}}}"}},
)
"""
#: What anybody's DAG makes of the operators, in the triggerer.
OPERATORS = """
# Airflow reads only files that speak of it.
from datetime import timedelta

from airflow.providers.standard.operators.python import PythonOperator

from elt_redshift.airflow_compat import DAG
from elt_redshift.operators.redshift_sql import RedshiftSqlOperator
from elt_redshift.sensors.redshift_statement import RedshiftStatementSensor

where = {"cluster_identifier": "warehouse", "db_user": "awsuser", "database": "dev"}
soon = {"retries": 1, "retry_delay": timedelta(seconds=1)}
with DAG("operators", schedule=None):
    RedshiftSqlOperator(
        task_id="too_long", sql="select pg_sleep(900)", execution_timeout=timedelta(seconds=20), **soon, **where
    )
    RedshiftSqlOperator(
        task_id="too_long_on_its_worker",
        sql="select pg_sleep(900)",
        execution_timeout=timedelta(seconds=20),
        deferrable=False,
        **where,
    )
    begin = RedshiftSqlOperator(
        task_id="begin", sql="create temp table kept as select 7 as n", session_keep_alive_seconds=600, **where
    )
    read = RedshiftSqlOperator(
        task_id="read", sql="select n from kept", session_id=begin.output["session_id"], return_result=True
    )
    start = RedshiftSqlOperator(
        task_id="start",
        sql=["select :n", "select pg_sleep(1)"],
        parameters={"n": "{{ ti.xcom_pull('read')[0][0] }}"},
        wait_for_completion=False,
        **where,
    )
    read >> start
    PythonOperator(task_id="tell", python_callable=lambda ids, seconds: [len(ids), type(seconds).__name__],
                   op_args=[begin.output, begin.output["seconds"]])
    RedshiftStatementSensor(task_id="ended", statement_id=start.output, poke_interval=0.5)
"""
DEFERRED = ["redriven", "mended", "stopped", "outlived", "queued"]
#: Jobs that Airflow's own workers run.
NATIVE = ["on_workers", "in_triggerer"]


class Jobs:
    """Jobs deployed to an embedded AWS."""

    def __init__(self, folder: Path, client: ClientFactory) -> None:
        self.folder, self._client = folder, client
        self.barrier = Barrier(client("redshift-data"))
        self.deployed = {name: self._steps(name) for name in [*DEFERRED, *NATIVE, "raced", "killed"]}
        self.deployed["yearly"] = self._deploy("yearly", YEARLY.format(note=YEARS_NOTE))
        self.sql("create table ledger (run varchar(100), task varchar(100))")
        self.sql("create table forbidden (run varchar(100))", "create table years (n int, year varchar(4))")

    def _steps(self, name: str) -> DeployedJob:
        files = {f"{task}.sql": text.format(task=task, barrier=self.barrier.pass_) for task, text in STEPS_SQL.items()}
        return self._deploy(name, STEPS.format(name=name, when_locked="wait" if name == "queued" else "skip"), files)

    def _deploy(self, name: str, job: str, files: Mapping[str, str] | None = None) -> DeployedJob:
        (self.folder / name).mkdir()
        for file, text in {"job.yaml": job, **(files or {})}.items():
            (self.folder / name / file).write_text(text)
        return DeployedJob(EltJob.load(self.folder / name), self._client)

    def mend(self, name: str, file: str, text: str) -> None:
        """Write a file of a job's anew, and deploy the job."""
        (self.folder / name / file).write_text(text)
        self.deployed[name].redeploy(EltJob.load(self.folder / name))

    def __getitem__(self, name: str) -> DeployedJob:
        return self.deployed[name]

    def sql(self, *statements: str) -> list[list[Any]]:
        return self.deployed["redriven"].sql(*statements)

    def ends(self, prefix: str, part: str) -> list[str]:
        """How statements have ended whose names begin with ``prefix`` and hold ``part``."""
        found = self._client("redshift-data").list_statements(StatementName=prefix, Status="ALL")["Statements"]
        return [one["Status"] for one in found if part in one["StatementName"]]

    def ran(self, label: str) -> Counter[str]:
        """How often each task has run for the run with that label."""
        return Counter(str(row[0]) for row in self.sql(f"select task from ledger where run = '{label}'"))

    @contextmanager
    def closed_barrier(self) -> Iterator[None]:
        """``other`` waits for the length of the block, or until somebody opens the barrier."""
        self.barrier.close()
        try:
            yield
        finally:
            self.barrier.open()


@pytest.fixture(scope="module")
def jobs(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Jobs:
    """The jobs, deployed."""
    return Jobs(tmp_path_factory.mktemp("jobs"), client_factory(aws.endpoint))


@pytest.fixture(scope="module")
def airflow(airflow: Airflow, jobs: Jobs) -> Airflow:
    """Airflow, with the jobs' DAGs."""
    native = {name: jobs[name].audit.table for name in NATIVE}
    airflow.add("operators.py", OPERATORS, "operators")
    dags = DAGS.format(jobs=str(jobs.folder), deferred=DEFERRED, native=native)
    airflow.add("jobs.py", dags, *jobs.deployed, "grouped")
    return airflow


@pytest.fixture
def label() -> str:
    """Tells the runs of a test in the ledger."""
    return f"r{uuid.uuid4().hex[:12]}"


def _execution(run: Run) -> str:
    """The ARN of the run's execution, once it is started."""
    return str(wait_for(lambda: run.xcom("start_execution", "execution_arn"), f"an execution of {run.run_id}"))


def _statement(job: DeployedJob, owner: str, task: str) -> str:
    """The statement that a task runs at this moment, for an execution or a DAG run that owns the lock."""
    found = wait_for(lambda: job.statements(owner, task, "STARTED"), f"a statement of {task} runs")
    return str(found[0]["Id"])


def _redrives(job: DeployedJob, arn: str) -> int:
    events = job.executions.new_events(arn, after=0)
    return sum(event["type"] == "ExecutionRedriven" for event in events)


def test_a_failure_is_told_and_clearing_it_redrives_once(airflow: Airflow, jobs: Jobs, label: str) -> None:
    """A failed mirror's log has the file, Redshift's message and the statement, its rendered templates the SQL and its
    values; a green one's log has them. All failed mirrors, cleared at once, lead to one redrive, after which nothing
    has run twice."""
    job = jobs["redriven"]
    jobs.sql(f"insert into forbidden values ('{label}')")
    with jobs.closed_barrier():
        run = airflow.trigger("redriven", run=label)
        assert run.wait() == "failed"
        states = {"load": "success", "fact": "failed", "other": "failed", "last": "upstream_failed"}
        assert run.states() == {"start_execution": "success", **states}
        statement = run.xcom("fact", "return_value")["statement_id"]
        assert f"Task fact failed at fact.sql:3: ERROR: division by zero (statement {statement})" in run.log("fact")
        assert "Task other was stopped, because fact failed: ERROR: division by zero" in run.log("other")
        shown = run.task("fact")["rendered_fields"]
        assert shown["parameters"] == {"run": label}
        assert shown["sql"].startswith("-- fact.sql:1\ninsert into ledger values (:run, 'fact');")
        log = run.log("load")
        assert all(text in log for text in ("insert into ledger values (:run, 'load')", label, "FINISHED, 1 row, "))
        assert "Found credentials" not in log + run.log("start_execution") + run.log("fact")
        jobs.sql(f"delete from forbidden where run = '{label}'")
        run.clear_failed()
        run.wait_for_task("fact", "success")
    assert run.wait() == "success"
    assert run.states() == GREEN
    arn = _execution(run)
    assert (_redrives(job, arn), jobs.ran(label)) == (1, ONCE)


@pytest.mark.exhaustive
def test_a_group_is_told_task_by_task_and_clearing_it_redrives_once(airflow: Airflow, jobs: Jobs, label: str) -> None:
    """Groups run beside each other and log each of their tasks; one fails by its own failure, one as it was stopped,
    and what is behind them all does not begin. Cleared, they lead to one redrive of what had not succeeded."""
    jobs.sql(f"insert into forbidden values ('{label}')")
    with jobs.closed_barrier():
        run = airflow.trigger("grouped", run=label)
        assert run.wait() == "failed"
        failed = {"side": "failed", "main": "failed", "end_execution": "upstream_failed"}
        assert run.states() == {"start_execution": "success", **failed}
        main, side = run.log("main"), run.log("side")
        assert "Task fact failed at fact.sql:3: ERROR: division by zero" in main
        assert "0 of 2 tasks of group main have succeeded." in main
        assert "Task load succeeded at " in side
        assert "1 of 2 tasks of group side have succeeded. Task other was stopped, because fact failed" in side
        jobs.sql(f"delete from forbidden where run = '{label}'")
        run.clear_failed()
        run.wait_for_task("main", "deferred")
    assert run.wait() == "success"
    assert set(run.states().values()) == {"success"}
    assert (_redrives(jobs["redriven"], _execution(run)), jobs.ran(label)) == (1, ONCE)
    assert "Task last succeeded at " in run.log("main")


@pytest.mark.exhaustive
def test_a_mended_job_goes_on_where_it_stopped(airflow: Airflow, jobs: Jobs, label: str) -> None:
    """The SQL is mended and deployed, the failed tasks are cleared: the new SQL runs, and what is done is kept. Then a
    green task is cleared, and runs again, alone. The logs say which and why."""
    note = NOTE.format(task="fact")
    jobs.mend("mended", "fact.sql", note + "select 1 / 0;\n")
    run = airflow.trigger("mended", run=label)
    assert run.wait() == "failed"
    assert "division by zero" in run.log("fact")
    jobs.mend("mended", "fact.sql", note)
    run.clear_failed()
    assert run.wait() == "success"
    assert (run.states(), jobs.ran(label)) == (GREEN, Counter(ONCE))
    resumed = [run.log(task) for task in ("fact", "other", "last")]
    assert any("The job was deployed anew" in log and "Kept from execution" in log for log in resumed)
    run.clear("load", downstream=False)
    assert run.wait() == "success"
    assert (run.states(), jobs.ran(label)) == (GREEN, Counter({**ONCE, "load": 2}))
    assert "Cleared although done: load." in run.log("load")
    arn = jobs["mended"].executions.recent(1)[0].arn
    assert {task for task, told in jobs["mended"].tasks(arn).items() if told.kept_from} == {"fact", "other", "last"}


@pytest.mark.exhaustive
def test_a_success_before_the_scheduler_hears_of_the_deferral(airflow: Airflow, jobs: Jobs, label: str) -> None:
    """A scheduler that was busy while a mirror deferred and its task succeeded does not take the mirror for killed."""
    with jobs.closed_barrier():
        run = airflow.trigger("raced", run=label)
        run.wait_for_task("other", "running")
        with airflow.scheduler.paused():
            (jobs.folder / "go").touch()  # it defers, and its worker ends
            run.wait_for_task("other", "deferred")
            jobs.barrier.open()
            other = run.wait_for_task("other", "success", "scheduled")
        # A worker that it is resumed on does not end: what the trigger saw instead of the end is in its log.
        assert other["state"] == "success", run.log("other")
    assert run.wait() == "success"
    assert run.task("other")["try_number"] == 1


@pytest.mark.exhaustive
def test_failing_a_run_or_a_mirror_stops_the_execution(airflow: Airflow, jobs: Jobs, label: str) -> None:
    """Either way the execution is aborted, its statement cancelled and the lock let go: the next run succeeds."""
    job = jobs["stopped"]
    for fail in (Run.fail, lambda run: run.fail_task("other")):
        with jobs.closed_barrier():
            run = airflow.trigger("stopped", run=label)
            run.wait_for_task("other", "deferred")
            arn = _execution(run)
            statement = _statement(job, arn, "other")
            wait_for(lambda run=run: "starting" in run.log("other"), "the mirror's trigger runs")
            fail(run)
            wait_for(lambda arn=arn: job.executions.describe(arn).status == "ABORTED", "the execution is aborted")
            ended = wait_for(lambda id=statement: _ended(job, id), "its statement has ended")
            assert ended["Status"] == "ABORTED"
            wait_for(lambda: job.item.state == "Failed", "the lock is let go")
        assert run.wait() == "failed"
    run = airflow.trigger("stopped", run=f"{label}-next")
    assert run.wait() == "success"
    assert jobs.ran(f"{label}-next") == ONCE


def _ended(job: DeployedJob, statement: str) -> dict[str, Any] | None:
    described = job.data.describe_statement(Id=statement)
    return described if described["Status"] in ("FINISHED", "FAILED", "ABORTED") else None


@pytest.mark.exhaustive
def test_killed_workers_change_nothing(airflow: Airflow, jobs: Jobs, label: str) -> None:
    """A worker that is killed after it started the execution, and one that waits for a task, are made up for by their
    next tries: they find the execution that there is, and nothing runs twice."""
    job = jobs["killed"]
    with jobs.closed_barrier():
        run = airflow.trigger("killed", run=label)
        wait_for(lambda: run.xcom("start_execution", "run"), "the execution is started")
        _kill_worker(run.task("start_execution"))
        started = run.wait_for_task("start_execution", "success")
        assert started["try_number"] == 2
        arn = _execution(run)
        _statement(job, arn, "other")
        waiting = run.wait_for_task("other", "running")
        os.kill(waiting["pid"], signal.SIGKILL)
        wait_for(lambda: run.task("other")["try_number"] == 2, "the mirror is tried again")
    assert run.wait() == "success"
    assert run.states() == GREEN
    assert [execution.arn for execution in job.executions.recent()] == [arn]
    assert jobs.ran(label) == ONCE


def _kill_worker(task: dict[str, Any]) -> None:
    """Kill the executor's process and the one in which it runs the task, as when their machine is lost."""
    found = psutil.Process(task["pid"])
    for one in (found.parent(), found):
        assert one is not None
        one.kill()


@pytest.mark.parametrize(
    ("name", "green", "executions"),
    exhaustive([("outlived", GREEN, 1), ("in_triggerer", NATIVE_GREEN, 0)]),
)
def test_a_killed_triggerer_changes_nothing(
    airflow: Airflow, jobs: Jobs, label: str, name: str, green: dict[str, str], executions: int
) -> None:
    """Whatever happens while no triggerer is there is seen by the next one."""
    with jobs.closed_barrier():
        run = airflow.trigger(name, run=label)
        run.wait_for_task("other", "deferred")
        airflow.triggerer.kill()
    airflow.triggerer.start()
    assert run.wait() == "success"
    assert run.states() == green
    assert (len(jobs[name].executions.recent()), jobs.ran(label)) == (executions, ONCE)


@pytest.mark.exhaustive
def test_a_killed_worker_leaves_its_statement_to_the_next_try(airflow: Airflow, jobs: Jobs, label: str) -> None:
    """Where Airflow's workers run the SQL, too: the statement goes on, the next try finds it and waits for its end."""
    job = jobs["on_workers"]
    with jobs.closed_barrier():
        run = airflow.trigger("on_workers", run=label)
        owner = Owner.dag_run("on_workers", run.run_id)
        statement = _statement(job, owner, "other")
        _kill_worker(run.task("other"))
        wait_for(lambda: "Going on with statement" in run.log("other"), "the next try has found the statement")
        assert _statement(job, owner, "other") == statement
        assert job.item.owner == owner
    assert run.wait() == "success"
    assert (run.states(), run.task("other")["try_number"]) == (NATIVE_GREEN, 2)
    assert (jobs.ran(label), job.item.state) == (ONCE, "Ready")


@pytest.mark.exhaustive
def test_failing_a_run_of_workers_cancels_its_statement(airflow: Airflow, jobs: Jobs, label: str) -> None:
    """The teardown tells in the audit item what has failed; the lock is held until the run is cleared."""
    job = jobs["in_triggerer"]
    with jobs.closed_barrier():
        run = airflow.trigger("in_triggerer", run=label)
        owner = Owner.dag_run("in_triggerer", run.run_id)
        statement = _statement(job, owner, "other")
        run.wait_for_task("fact", "success")
        run.wait_for_task("other", "deferred")
        wait_for(lambda: "starting" in run.log("other"), "the trigger runs")
        run.fail()
        ended = wait_for(lambda: _ended(job, statement), "the statement has ended")
        assert ended["Status"] == "ABORTED"
        run.wait_for_task("release_lock", "failed")
    assert run.wait() == "failed"
    assert "Task other failed: it and the DAG run were marked as failed" in run.log("release_lock")
    assert (job.item.state, job.item.owner, job.item.failed_task) == ("Failed", owner, "other")
    run.clear("other")
    assert run.wait() == "success"
    assert (jobs.ran(label), job.item.state) == (ONCE, "Ready")


@pytest.mark.exhaustive
def test_waiting_for_the_lock_holds_no_worker(airflow: Airflow, jobs: Jobs, label: str) -> None:
    """A run that finds the job locked waits with all its mirrors in the triggerer, and has its turn."""
    with jobs.closed_barrier():
        first = airflow.trigger("queued", run=label)
        first.wait_for_task("other", "deferred")
        second = airflow.trigger("queued", run=f"{label}-second")
        second.wait_for_task("load", "deferred")
        wait_for(lambda: airflow.slots_in_use() == 0, "no worker is busy")
        assert jobs.ran(f"{label}-second") == {}
    for run, ran in ((first, label), (second, f"{label}-second")):
        assert run.wait() == "success"
        assert jobs.ran(ran) == ONCE


@pytest.mark.exhaustive
def test_a_backfill_runs_in_order_one_at_a_time(airflow: Airflow, jobs: Jobs) -> None:
    """Each interval has a run with its own year, and a year begins when the one before has ended."""
    years = [str(year) for year in range(1992, 1997)]
    airflow.backfill("yearly", f"{years[0]}-01-01T00:00:00Z", f"{years[-1]}-12-31T00:00:00Z", max_active_runs=5)
    runs = wait_for(lambda: airflow.runs("yearly"), "the backfill's runs")
    assert [run.wait() for run in runs] == ["success"] * 5
    assert [row[0] for row in jobs.sql("select year from years order by n")] == [y for y in years for _ in range(2)]


@pytest.mark.exhaustive
def test_operators_in_the_triggerer(airflow: Airflow, jobs: Jobs) -> None:
    """``execution_timeout`` ends a deferred task and its statement, with a try more where there is one; sessions, ids
    and results go from task to task, whoever ended it."""
    run = airflow.trigger("operators")
    assert run.wait() == "failed"
    states = run.states()
    assert (states.pop("too_long"), states.pop("too_long_on_its_worker")) == ("failed", "failed")
    assert set(states.values()) == {"success"}, states
    assert run.task("too_long")["try_number"] == 2
    for task in ("too_long", "too_long_on_its_worker"):
        assert "execution_timeout of 0:00:20 and was cancelled" in run.log(task)
    assert jobs.ends("operators/", "/too_long/") == ["ABORTED", "ABORTED"]
    assert jobs.ends("operators/", "/too_long_on_its_worker/") == ["ABORTED"]
    assert run.xcom("read", "return_value") == [[7]]
    assert run.xcom("tell", "return_value") == [1, "float"]
