"""The steps of the demo."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from elt_redshift.aws.account import Account
from elt_redshift.aws.audit import AuditStore
from elt_redshift.aws.execution_status import execution_name
from elt_redshift.aws.waiting import until
from elt_redshift.cli.commands import INTERRUPTED
from elt_redshift.cli.watch import failure, watch
from elt_redshift.demo import airflow_home, data
from elt_redshift.demo.setup import WAREHOUSE, load_staging
from elt_redshift.exceptions import EltError
from elt_redshift.job.keys import START_TASK
from elt_redshift.job.model import EltJob
from elt_redshift.local.leash import Leash
from elt_redshift.protocol.audit import FAILED, READY, RUNNING
from elt_redshift.runs.history import TaskRun, TaskRuns

STACK = "DemoETLOrchestration"
#: For hangs only: ten times and more what an idle machine needs for any step.
AWAIT_SECONDS = 600.0
LOG_LINES = 40

ROW_COUNTS = """select 'customer',count(*) from public.customer
union all
select 'fact_yearly_sale',count(*) from public.fact_yearly_sale
union all
select 'supplier',count(*) from public.supplier"""


class AuditTrail(threading.Thread):
    """Notes every JobState that an audit item passes through."""

    def __init__(self, store: AuditStore, job_id: str) -> None:
        super().__init__(daemon=True)
        self._store, self._job_id, self._over = store, job_id, threading.Event()
        self.states: list[str] = []

    def run(self) -> None:
        over = False
        while not over:
            over = self._over.wait(0.05)
            item = self._store.read(self._job_id)
            if item and item.state and self.states[-1:] != [item.state]:
                self.states.append(item.state)

    def end(self) -> str:
        """Stop, and give the states as one line."""
        self._over.set()
        self.join()
        return " -> ".join(self.states)


Main = Callable[[Sequence[str]], int]


class Walkthrough:
    """The whole demo against the AWS that the environment points to.

    :param main: runs a command line, as a user's shell would.
    :param leash: with which all ends that it starts.
    :param folder: a scratch folder.
    :param dags: the folder of the DAG files.
    :param scale_factor: TPC-H's.
    """

    def __init__(
        self, console: Console, main: Main, leash: Leash, folder: Path, dags: Path, scale_factor: float
    ) -> None:
        self.console, self.main, self.leash, self.folder = console, main, leash, folder
        self.dags, self.scale_factor = dags, scale_factor
        self.claims: list[tuple[str, bool]] = []
        self.account = Account.here("us-east-1")
        self.job = EltJob.load("yearly_sales")
        self.started = time.monotonic()

    def run(self) -> None:
        """All steps, in order."""
        self._load_staging()
        self._deploy()
        self._dag_run()
        self._second_start()
        self._failure_and_recovery()
        self._wrong_sql_and_its_fix()

    def summary(self) -> int:
        """Print what held; gives the exit status."""
        self._title("What was shown")
        for claim, held in self.claims:
            self.console.print(f"{'[green]ok  [/green]' if held else '[red]FAIL[/red]'} {escape(claim)}")
        self.console.print(f"The demo took {time.monotonic() - self.started:.0f} s.")
        return 0 if all(held for _, held in self.claims) else 1

    def _title(self, text: str) -> None:
        self.console.print(f"\n[bold]{text}[/bold]")

    def _claim(self, text: str, held: bool) -> None:
        self.claims.append((text, held))

    def _command(self, *arguments: str) -> bool:
        """Run elt-redshift as a user would; whether it exited with 0."""
        self.console.print(f"$ elt-redshift {' '.join(arguments)}", soft_wrap=True)
        status = self.main(arguments)
        if status == INTERRUPTED:
            raise KeyboardInterrupt
        return status == 0

    def _load_staging(self) -> None:
        self._title(f"Loading TPC-H (scale factor {self.scale_factor}) from S3 into the staging tables")
        load_staging(self.account, self.job, self.folder, self.scale_factor)

    @property
    def _scripts(self) -> Path:
        return self.job.base / "setup"

    def _deploy(self) -> None:
        self._title(f"Deploying stack {STACK}")
        options = ["--cluster", "demo-cluster", "--user", "awsuser", "--database", "dev"]
        if not self._command("deploy", self.job.name, "--stack", STACK, *options):
            raise EltError("The stack could not be deployed.")
        deployed = self.account.stacks.find(self.job.name)
        self.executions = self.account.executions(deployed.state_machine_arn)
        self.audit = self.account.audit(deployed.audit_table)
        item = self.audit.read(self.job.job_id)
        self._claim("the job's item is Ready before the first run", item is not None and item.state == READY)

    def _dag_run(self) -> None:
        self._title("Airflow runs the DAG yearly_sales, which starts the execution and mirrors its tasks")
        trail = AuditTrail(self.audit, self.job.job_id)
        trail.start()
        home = airflow_home.prepare(self.folder / "airflow", self.dags)
        log = self.folder / "airflow.log"
        with log.open("w") as output:
            process = airflow_home.dags_test(self.leash, home, self.job.name, output=output)
        arn = self._await(lambda: self._started_by(process), "Airflow starts an execution", log)
        status = watch(self.job, self.executions, arn)
        passed = self._await(lambda: process.poll() is not None, "Airflow's run ends", log) and process.returncode == 0
        mirrored = self._mirrors(Path(home["AIRFLOW_HOME"]) / "airflow.db")
        if not passed:
            self.console.print(escape(log.read_text()))
        states = trail.end()
        self.console.print(f"Airflow: {', '.join(f'{task} {state}' for task, state in mirrored.items())}")
        self.console.print(f"Audit item {self.job.job_id}: {states}")
        self._timeline(self._tasks(arn))
        counts = self._query(ROW_COUNTS)
        for table, count in counts:
            self.console.print(f"{table:20} {count:>8}")
        tasks = (START_TASK, *self.job.task_names)
        shown = all(mirrored.get(task) == "success" for task in tasks)
        self._claim("the execution succeeded, and the DAG run shows every task of it", passed and status == 0 and shown)
        self._claim("the audit item went Ready -> Running -> Ready", states == "Ready -> Running -> Ready")
        self._claim("the dimension and fact tables have rows", len(counts) == 3 and all(row[1] > 0 for row in counts))

    def _started_by(self, process: subprocess.Popen[Any]) -> str | None:
        """The execution that Airflow has started; None while there is none.

        :raises EltError: Airflow has ended, without one.
        """
        ended = process.poll() is not None
        arn = next((one.arn for one in self.executions.recent()), None)
        if ended and arn is None:
            raise EltError(f"Airflow ended with {process.returncode} and started no execution.")
        return arn

    def _mirrors(self, database: Path) -> dict[str, str]:
        """The states of the DAG run's tasks, from Airflow's own database."""
        with closing(sqlite3.connect(database)) as connection:
            return dict(connection.execute("select task_id, state from task_instance order by start_date"))

    def _second_start(self) -> None:
        self._title("A second start while the job is Running")
        with self._table_locked("public.customer"):
            first = self._start("first")
            self._await(
                lambda: (item := self.audit.read(self.job.job_id)) and item.state == RUNNING, "the lock is taken"
            )
            before = self.audit.read(self.job.job_id)
            second = self._start("second")
            watch(self.job, self.executions, second)
            untouched = self.audit.read(self.job.job_id) == before
        watch(self.job, self.executions, first)
        waiting = all(run.status == "waiting" for run in self._tasks(second))
        skipped = self.executions.describe(second).skipped is not None
        self._claim("a second start while Running ended untouched", skipped and waiting and untouched)
        self._claim("the first one ended well", self.executions.describe(first).succeeded)

    def _failure_and_recovery(self) -> None:
        self._title("A failing run: the fact table is away")
        data.run_script(self.account.client("redshift-data"), WAREHOUSE, self._scripts / "break.sql")
        arn = self._start("failing")
        failed = watch(self.job, self.executions, arn) == 1
        run = {task.name: task for task in self._tasks(arn)}["load_fact_yearly_sale"]
        item = self.audit.read(self.job.job_id)
        self._command("status")
        message = failure(self.job, run) if run.status == "failed" else ""
        self._claim("the failure names file, line and Redshift's message", failed and "does not exist" in message)
        self._claim(
            "the audit item records it",
            item is not None and item.state == FAILED and item.failed_task == run.name and item.owner == arn,
        )
        self._title("Mended, and redriven: only the failed task runs again")
        before = {task.name: task.statement_id for task in self._tasks(arn)}
        data.run_script(self.account.client("redshift-data"), WAREHOUSE, self._scripts / "mend.sql")
        recovered = self._command("redrive", self.job.name, "--watch")
        after = {task.name: task.statement_id for task in self._tasks(arn)}
        again = [name for name in after if after[name] != before[name]]
        item = self.audit.read(self.job.job_id)
        self._claim("the redrive recovered the run", recovered and item is not None and item.state == READY)
        self._claim("only the failed task was submitted again", again == ["load_fact_yearly_sale"])

    def _wrong_sql_and_its_fix(self) -> None:
        self._title("Wrong SQL: it is mended and deployed, and the run goes on behind what is done")
        folder = shutil.copytree(self.job.base, self.folder / "mended" / self.job.name)
        script = folder / "load_fact_yearly_sale.sql"
        right = script.read_text()
        script.write_text(f"{right}\nselect no_such_column from public.customer;\n")
        self._command("deploy", str(folder), "--stack", STACK)
        failed = not self._command("run", str(folder), "--watch")
        script.write_text(right)
        self._command("deploy", str(folder), "--stack", STACK)
        went_on = failed and self._command("redrive", str(folder), "--watch")
        tasks = self._tasks(self.executions.recent(1)[0].arn)
        kept = {task.name for task in tasks if task.kept_from}
        ran = {task.name for task in tasks if not task.kept_from}
        self._claim("the mended SQL ran, in a new execution", went_on and ran == {"load_fact_yearly_sale"})
        self._claim("it kept the tasks that were done", kept == {"load_supplier", "load_customer"})

    def _start(self, name: str) -> str:
        return self.executions.start(execution_name(name, datetime.now(UTC)), self.job.values({}))

    def _tasks(self, arn: str) -> tuple[TaskRun, ...]:
        return self.executions.look(arn, TaskRuns(self.job.task_names)).tasks

    @contextmanager
    def _table_locked(self, table: str) -> Iterator[None]:
        """Hold a table with an open transaction in a session of the Data API, so that a load of it waits."""
        client = self.account.client("redshift-data")
        opened = client.execute_statement(**WAREHOUSE, Sql="begin", SessionKeepAliveSeconds=300, WaitTimeSeconds=30)
        session = {"SessionId": opened["SessionId"], "WaitTimeSeconds": 30}
        client.execute_statement(**session, Sql=f"lock table {table}")
        try:
            yield
        finally:
            client.execute_statement(**session, Sql="rollback")

    def _query(self, sql: str) -> list[tuple[str, int]]:
        client = self.account.client("redshift-data")
        statement = client.execute_statement(**WAREHOUSE, Sql=sql, WaitTimeSeconds=30)
        records = client.get_statement_result(Id=statement["Id"])["Records"]
        return [(row[0]["stringValue"], row[1]["longValue"]) for row in records]

    def _timeline(self, tasks: tuple[TaskRun, ...], width: int = 40) -> None:
        """Each task as a bar over the run's length."""
        timed = [task for task in tasks if task.started and task.ended]
        if not timed:
            return
        begin, end = min(task.started for task in timed), max(task.ended for task in timed)  # type: ignore[type-var]
        scale = width / max((end - begin).total_seconds(), 0.001)  # type: ignore[operator]
        for task in timed:
            offset = int((task.started - begin).total_seconds() * scale)  # type: ignore[operator]
            length = max(1, round((task.seconds or 0) * scale))
            self.console.print(f"{task.name:24} {' ' * offset}{'█' * length} {task.seconds:.2f} s")

    def _await(self, look: Any, what: str, log: Path | None = None) -> Any:
        """Look until there is something.

        :param log: of what is waited for.
        :raises EltError: it took too long, or ``look`` says why it will never be; the end of the log is printed.
        """
        try:
            if found := until(look, AWAIT_SECONDS, pause=0.05):
                return found
            raise EltError(f"It took more than {AWAIT_SECONDS:.0f} s until {what}.")
        except EltError:
            if log:
                self.console.print(escape("\n".join(log.read_text().splitlines()[-LOG_LINES:])))
            raise
