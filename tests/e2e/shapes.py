"""DAGs of many shapes, each twice: with the audit lock around its work, and, named ``…_plain``, without one.

This is a DAG file that every supported Airflow reads; ``shapes.json`` beside it holds what only the test knows. A shape
is a function that defines the tasks of one DAG; it is given what opens a lock, which in the plain DAG does nothing.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

try:
    from airflow.providers.standard.operators.branch import BaseBranchOperator
    from airflow.providers.standard.operators.empty import EmptyOperator
    from airflow.providers.standard.operators.python import ShortCircuitOperator
except ImportError:  # Airflow 2
    from airflow.operators.branch import BaseBranchOperator  # type: ignore[no-redef, attr-defined]
    from airflow.operators.empty import EmptyOperator  # type: ignore[no-redef]
    from airflow.operators.python import ShortCircuitOperator  # type: ignore[no-redef]
try:
    from airflow.sdk import get_parsing_context, task_group
except ImportError:
    from airflow.decorators import task_group  # type: ignore[no-redef]
    from airflow.utils.dag_parsing_context import get_parsing_context  # type: ignore[no-redef]

from elt_redshift.airflow_compat import DAG, AirflowFailException, AirflowSkipException, BaseOperator, TaskGroup
from elt_redshift.dag import elt_dag
from elt_redshift.job.model import EltJob
from elt_redshift.operators.audit_lock import AuditLock
from elt_redshift.operators.redshift_sql import RedshiftSqlOperator

GIVEN = json.loads(Path(__file__).with_suffix(".json").read_text())
TABLE: str = GIVEN["table"]
WAREHOUSE: dict[str, Any] = GIVEN["warehouse"]
FIRST = datetime(2026, 1, 1, tzinfo=UTC)

OpenLock = Callable[..., AbstractContextManager[Any]]

ok = EmptyOperator


class Do(BaseOperator):
    """A task that fails, is skipped, waits until it is killed, or succeeds."""

    def __init__(self, *, how: str, **options: Any) -> None:
        super().__init__(**options)
        self.how = how

    def execute(self, context: Any) -> None:
        if self.how == "fail":
            raise ValueError("no")
        if self.how == "fail at once":
            raise AirflowFailException("no")
        if self.how == "skip":
            raise AirflowSkipException("not today")
        if self.how == "fail first" and context["ti"].try_number == 1:
            raise ValueError("not yet")
        while self.how == "wait":
            signal.pause()


class Branch(BaseBranchOperator):
    """Goes on with one task."""

    def __init__(self, *, to: str, **options: Any) -> None:
        super().__init__(**options)
        self.to = to

    def choose_branch(self, context: Any) -> str:
        return self.to


def fail(task_id: str, **options: Any) -> Do:
    return Do(task_id=task_id, how="fail", **options)


def skip(task_id: str, **options: Any) -> Do:
    return Do(task_id=task_id, how="skip", **options)


def sql(task_id: str, text: str = "select 1", **options: Any) -> RedshiftSqlOperator:
    return RedshiftSqlOperator(task_id=task_id, sql=text, poll_interval=0.2, **WAREHOUSE, **options)


def failing_sql(task_id: str) -> RedshiftSqlOperator:
    """It waits on its worker. A worker that is resumed before a scheduler of ninety runs has heard that the one before
    deferred is failed by Airflow, which tells nothing of the SQL (https://github.com/apache/airflow/issues/67287)."""
    return sql(task_id, "select 1 / 0", deferrable=False)


def success(lock: OpenLock) -> None:
    with lock():
        ok(task_id="a") >> Do(task_id="b", how="ok")


def failure(lock: OpenLock) -> None:
    with lock():
        fail("a")


def failure_of_the_first(lock: OpenLock) -> None:
    with lock():
        fail("a") >> ok(task_id="b") >> ok(task_id="c")


def failure_of_the_last(lock: OpenLock) -> None:
    with lock():
        ok(task_id="a") >> Do(task_id="b", how="fail at once")


def one_of_two_leaves(lock: OpenLock) -> None:
    with lock():
        ok(task_id="a") >> [ok(task_id="b"), fail("c")]


def skip_of_the_last(lock: OpenLock) -> None:
    with lock():
        ok(task_id="a") >> skip("b")


def skip_of_the_first(lock: OpenLock) -> None:
    with lock():
        skip("a") >> ok(task_id="b")


def failure_and_skip(lock: OpenLock) -> None:
    with lock():
        fail("a")
        skip("b") >> ok(task_id="c")


def dealt_with_by_all_done(lock: OpenLock) -> None:
    with lock():
        fail("a") >> ok(task_id="b", trigger_rule="all_done")


def dealt_with_by_one_failed(lock: OpenLock) -> None:
    with lock():
        [fail("a"), ok(task_id="b")] >> ok(task_id="alarm", trigger_rule="one_failed")


def alarm_beside_the_rest(lock: OpenLock) -> None:
    with lock():
        fail("a") >> [ok(task_id="b"), ok(task_id="alarm", trigger_rule="one_failed")]


def one_success(lock: OpenLock) -> None:
    with lock():
        [fail("a"), ok(task_id="b")] >> ok(task_id="c", trigger_rule="one_success")


def none_failed(lock: OpenLock) -> None:
    with lock():
        [skip("a"), ok(task_id="b")] >> ok(task_id="c", trigger_rule="none_failed_min_one_success")


def branch(lock: OpenLock) -> None:
    with lock():
        ways = [ok(task_id="left"), ok(task_id="right")]
        Branch(task_id="choose", to="left") >> ways >> ok(task_id="join", trigger_rule="none_failed_min_one_success")


def branch_that_fails(lock: OpenLock) -> None:
    with lock():
        Branch(task_id="choose", to="left") >> [fail("left"), ok(task_id="right")]


def short_circuit(lock: OpenLock) -> None:
    with lock():
        ShortCircuitOperator(task_id="ask", python_callable=bool) >> ok(task_id="a") >> ok(task_id="b")


def tried_again(lock: OpenLock) -> None:
    with lock():
        Do(task_id="a", how="fail first", retries=1, retry_delay=timedelta(0)) >> ok(task_id="b")


def mapped(lock: OpenLock) -> None:
    with lock():
        Do.partial(task_id="a").expand(how=["ok", "ok"]) >> ok(task_id="b")


def mapped_failure(lock: OpenLock) -> None:
    with lock():
        ok(task_id="a_1")  # named like an instance
        Do.partial(task_id="a").expand(how=["ok", "fail"])


def mapped_failure_dealt_with(lock: OpenLock) -> None:
    with lock():
        Do.partial(task_id="a").expand(how=["fail", "ok"]) >> ok(task_id="b", trigger_rule="all_done")


def groups(lock: OpenLock) -> None:
    with lock(), TaskGroup("outer"):
        with TaskGroup("first") as first:
            ok(task_id="a")
        with TaskGroup("second") as second:
            fail("b")
        first >> second >> ok(task_id="c")


def lock_in_a_group(lock: OpenLock) -> None:
    with TaskGroup("group") as group, lock():
        fail("a")
    group >> ok(task_id="b")


def two_locks(lock: OpenLock) -> None:
    with lock():
        a = fail("a")
    with lock("other"):
        b = ok(task_id="b")
    with lock("third"):
        ok(task_id="c")
    a >> b


def the_same_lock_twice(lock: OpenLock) -> None:
    """The second waits for the first, which is another one, though of the same run and job."""
    with lock(when_locked="wait"):
        Do(task_id="a", how="ok")
    with lock(when_locked="wait"):
        Do(task_id="b", how="ok")


def nested_locks(lock: OpenLock) -> None:
    with lock():
        ok(task_id="a")
        with lock("inner"):
            fail("b")
        ok(task_id="c")


def failure_before_the_lock(lock: OpenLock) -> None:
    extract = fail("extract")
    with lock():
        extract >> ok(task_id="a")


def failure_before_a_task_behind(lock: OpenLock) -> None:
    publish = ok(task_id="publish")
    with lock():
        fail("a") >> publish


def dealt_with_behind_the_lock(lock: OpenLock) -> None:
    publish = ok(task_id="publish", trigger_rule="all_done")
    with lock():
        fail("a") >> publish


def failing_behind_the_lock(lock: OpenLock) -> None:
    publish = fail("publish")
    with lock():
        ok(task_id="a") >> publish


def teardown_that_is_ignored(lock: OpenLock) -> None:
    with lock():
        begin, end = ok(task_id="begin"), fail("end").as_teardown()
        begin.as_setup() >> ok(task_id="a") >> end
        begin >> end


def teardown_that_counts(lock: OpenLock) -> None:
    with lock():
        begin, end = ok(task_id="begin"), fail("end").as_teardown(on_failure_fail_dagrun=True)
        begin.as_setup() >> ok(task_id="a") >> end
        begin >> end


def work_before_a_teardown(lock: OpenLock) -> None:
    with lock():
        begin, end = ok(task_id="begin"), ok(task_id="end").as_teardown()
        begin.as_setup() >> fail("a") >> end
        begin >> end


def timeout(lock: OpenLock) -> None:
    with lock():
        Do(task_id="a", how="wait", execution_timeout=timedelta(seconds=1)) >> ok(task_id="b")


def templated(lock: OpenLock) -> None:
    with lock("_{{ dag.dag_id }}"):
        sql("a") >> failing_sql("b")


def sql_success(lock: OpenLock) -> None:
    with lock():
        sql("a") >> sql("b", deferrable=False)


def sql_failure(lock: OpenLock) -> None:
    with lock():
        failing_sql("a") >> sql("b")


def sql_mapped(lock: OpenLock) -> None:
    with lock():
        RedshiftSqlOperator.partial(task_id="a", poll_interval=0.2, **WAREHOUSE).expand(
            sql=["select 1", "select 1 / 0"]
        )


def a_lock_for_each_instance(lock: OpenLock) -> None:
    @task_group
    def load(how: str) -> None:
        with lock("{{ ti.map_index }}"):
            Do(task_id="a", how=how)

    load.expand(how=["ok", "fail"])


def marked_first(lock: OpenLock) -> None:
    with lock():
        Do(task_id="a", how="wait") >> ok(task_id="b")


def marked_last(lock: OpenLock) -> None:
    with lock():
        ok(task_id="x") >> Do(task_id="a", how="wait")


def marked_before_a_retry(lock: OpenLock) -> None:
    with lock():
        fail("a", retries=1, retry_delay=timedelta(days=1)) >> ok(task_id="b")


def marked_sql(lock: OpenLock) -> None:
    with lock():
        sql("a", "select pg_sleep(3000)", deferrable=True) >> sql("b")


SHAPES: dict[str, Callable[[OpenLock], None]] = {
    shape.__name__: shape
    for shape in (
        *(success, failure, failure_of_the_first, failure_of_the_last, one_of_two_leaves),
        *(skip_of_the_last, skip_of_the_first, failure_and_skip, dealt_with_by_all_done, dealt_with_by_one_failed),
        *(alarm_beside_the_rest, one_success, none_failed, branch, branch_that_fails, short_circuit, tried_again),
        *(mapped, mapped_failure, mapped_failure_dealt_with, groups, lock_in_a_group, two_locks, the_same_lock_twice),
        *(nested_locks, failure_before_the_lock, failure_before_a_task_behind, dealt_with_behind_the_lock),
        *(failing_behind_the_lock, teardown_that_is_ignored, teardown_that_counts, work_before_a_teardown, timeout),
        *(templated, sql_success, sql_failure, sql_mapped, a_lock_for_each_instance),
    )
}


#: Somebody ends these, in the way that their names tell.
DRIVEN: dict[str, Callable[[OpenLock], None]] = {
    "run_failed_in_its_first_task": marked_first,
    "run_failed_in_its_last_task": marked_last,
    "run_failed_before_a_retry": marked_before_a_retry,
    "run_failed_in_sql": marked_sql,
    "run_succeeded": marked_first,
    "task_failed": marked_first,
    "run_timed_out": marked_first,
}


#: The DAG that a task's process reads the file for, which makes no other; None where one process runs all.
WANTED: str | None = get_parsing_context().dag_id if GIVEN["apart"] else None


def _keep(dag_id: str, make: Callable[[], DAG]) -> None:
    """Make a DAG that is wanted, where Airflow finds it."""
    if WANTED in (None, dag_id):
        globals()[dag_id] = make()


def _dag(dag_id: str, name: str, shape: Callable[[OpenLock], None], locked: bool) -> DAG:
    def lock(suffix: str = "", **options: Any) -> AbstractContextManager[Any]:
        options.setdefault("lease", timedelta(hours=1))
        return AuditLock(job_id=f"{name}{suffix}", table_name=TABLE, **options) if locked else nullcontext()

    limit = timedelta(hours=1) if name == "run_timed_out" else None
    with DAG(dag_id, schedule=None, start_date=FIRST, dagrun_timeout=limit, catchup=False) as dag:
        shape(lock)
    return dag


for _name, _shape in (SHAPES | DRIVEN).items():
    _keep(_name, partial(_dag, _name, _name, _shape, locked=True))
    _keep(f"{_name}_plain", partial(_dag, f"{_name}_plain", _name, _shape, locked=False))


def _job_of_sql(job: EltJob, dag_id: str) -> DAG:
    """The tasks of a job, without a lock."""
    with DAG(dag_id, schedule=None, start_date=FIRST, catchup=False) as dag:
        tasks = {task.name: sql(task.name, task.statements[0].text) for task in job.tasks}
        for task in job.tasks:
            tasks[task.name].set_upstream([tasks[up] for up in task.upstream])
    return dag


#: Jobs by name, run by both engines and by plain operators.
for _name, _path in GIVEN["jobs"].items():
    _job = EltJob.load(_path)
    _made = partial(elt_dag, _job, poll_interval=0.2)
    _native = partial(_made, engine="airflow", audit_table=TABLE, warehouse=WAREHOUSE)
    _keep(f"{_name}_mirrors", partial(_made, dag_id=f"{_name}_mirrors"))
    _keep(f"{_name}_native", partial(_native, dag_id=f"{_name}_native"))
    _keep(f"{_name}_plain", partial(_job_of_sql, _job, f"{_name}_plain"))
