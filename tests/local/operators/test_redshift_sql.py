"""What RedshiftSqlOperator takes and gives, as Amazon's operator does, over the embedded AWS."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from elt_redshift.airflow_compat import DAG, AirflowException, AirflowFailException, task_timeout
from elt_redshift.aws.errors import AwsError
from elt_redshift.aws.statements import Statements, Submission
from elt_redshift.job.parts import Parameter, SqlStatement
from elt_redshift.operators.lock_outcome import FAILURE
from elt_redshift.operators.redshift_sql import RedshiftSqlOperator
from elt_redshift.triggers import base
from tests.local.operators.standins import DATA_API, WHERE, FakeTaskInstance, Hook, rows
from tests.unit.airflow_names import TaskDeferred


def _sql(sql: Any = None, **options: Any) -> RedshiftSqlOperator:
    given = {"deferrable": False, "retries": 2, **WHERE, **options}
    return RedshiftSqlOperator(task_id="load", sql=sql, **given)


def _execute(operator: RedshiftSqlOperator, ti: FakeTaskInstance | None = None) -> Any:
    return operator.execute({"ti": ti or FakeTaskInstance()})  # type: ignore[typeddict-item]


@pytest.fixture
def people(hook: Hook, ledger: str) -> str:
    """An empty table with a number and a name."""
    name = f"people_{uuid.uuid4().hex}"
    rows(hook, f"create table {name} (n int, name varchar(20))")
    return name


@pytest.mark.parametrize(
    ("parameters", "stored"),
    [
        ({"n": None, "name": None}, [None, None]),
        ({"n": 7, "name": ""}, [7, ""]),
        ([{"name": "n", "value": "1"}, {"name": "name", "value": "o'hara :n"}], [1, "o'hara :n"]),
        ([{"name": "n", "value": None}, {"name": "name", "value": "x"}], [None, "x"]),
        ({"n": Decimal("3"), "name": date(2026, 1, 2)}, [3, "2026-01-02"]),
        ({"n": 1, "name": True}, [1, "true"]),
    ],
)
def test_values_of_all_kinds_are_stored_as_they_are(hook: Hook, people: str, parameters: Any, stored: Any) -> None:
    """None is NULL and an empty text an empty text, wherever no literal or comment holds the name; others are bound."""
    sql = f"insert into {people} values (:n, :name); /* :n */ select n, name, ':name' as \":n\" from {people} -- :name"
    assert _execute(_sql(sql, parameters=parameters, return_result=True)) == [[*stored, ":name"]]
    assert rows(hook, f"select * from {people}") == [stored]


def test_a_value_that_sql_has_none_for_is_refused(hook: Hook, ledger: str) -> None:
    """A list is no value; it is named, and nothing is submitted."""
    operator = _sql("select :n", parameters="{{ made }}")
    operator.parameters = {"n": [1]}  # what a native template has made of it
    with pytest.raises(AirflowFailException, match="parameter 'n' is of type list"):
        _execute(operator)


DECLARED = [
    Parameter(name="year", type="integer", default="1998"),
    Parameter(name="full", type="boolean", default="false"),
    Parameter(name="region", choices=("ASIA", "EUROPE"), default="ASIA"),
]


def _of_job(text: str, **values: Any) -> RedshiftSqlOperator:
    """A job's task as the engine airflow makes it."""
    statement = SqlStatement(text=text, parameters=("year", "full", "region"), place="load.sql:1")
    return _sql(statements=[statement], declared=DECLARED, parameters=values, return_result=True)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"year": None}, "The value of 'year' is null, and NULL is no value of a job's parameter"),
        ({"year": ""}, "The value of 'year' is empty, which the Redshift Data API refuses"),
        ({"year": "next"}, "The value of 'year' is 'next', not an integer"),
        ({"region": "MARS"}, "The value of 'region' is 'MARS', not one of its choices"),
    ],
)
def test_a_jobs_inputs_are_what_the_job_says(hook: Hook, ledger: str, values: Any, message: str) -> None:
    """A job's task on Airflow's workers refuses by name, and for good, what start_execution would refuse."""
    with pytest.raises(AirflowFailException, match=message):
        _execute(_of_job("select :year, :full, :region", **values))


@pytest.mark.parametrize("values", [{"year": 1997, "full": True}, {"year": "1997", "full": "True"}])
def test_a_jobs_inputs_are_text(hook: Hook, ledger: str, values: Any) -> None:
    """Whether templates gave text or native objects, the SQL gets the texts of the types."""
    found = _execute(_of_job("select :year || '', :full || '', :region || ''", **values))
    assert found == [["1997", "true", "ASIA"]]


@pytest.mark.parametrize("form", [list, tuple])
def test_a_list_of_scripts(hook: Hook, ledger: str, form: Any) -> None:
    """Its statements are one transaction; a failure names the item and the line."""
    given = form([f"insert into {ledger} values (1); insert into {ledger} values (2)", f"select n from {ledger}"])
    assert sorted(_execute(_sql(given, return_result=True))) == [[1], [2]]
    with pytest.raises(AirflowException, match=r"^Task load failed at sql\[1\]:2: ERROR: division by zero"):
        _execute(
            _sql([f"insert into {ledger} values (3)", "\nselect 1/0"]), FakeTaskInstance(try_number=3, max_tries=4)
        )
    assert rows(hook, f"select count(*) from {ledger}") == [[2]]


def test_files_and_lists_of_files_are_rendered(hook: Hook, people: str, tmp_path: Path) -> None:
    """Names of files stand for their texts, templates are filled in, and only then the script is cut."""
    (tmp_path / "load.sql").write_text("insert into {{ params.table }} values ({{ params.n }}, 'a;b');\nselect 1;")
    (tmp_path / "read.sql").write_text("\n\nselect n, name from {{ params.table }} where n = {{ params.n }};")
    params = {"table": people, "n": 5}
    with DAG("sales", schedule=None, template_searchpath=str(tmp_path), params=params):
        operator = _sql(["load.sql", "read.sql"], return_result=True)
    operator.render_template_fields({"params": params, "ti": FakeTaskInstance()})  # type: ignore[typeddict-item]
    assert [statement.place for statement in operator._sqls] == ["load.sql:1", "load.sql:2", "read.sql:3"]
    assert _execute(operator) == [[5, "a;b"]]


def test_without_a_result_nothing_is_lost(hook: Hook, ledger: str) -> None:
    """A last statement that returns nothing is no failure, and its SQL is not run again."""
    sql = f"select 1; insert into {ledger} values (1)"
    assert _execute(_sql(sql, return_result=True)) == []
    _execute(_sql(sql, return_result=True), FakeTaskInstance(try_number=2))
    assert rows(hook, f"select count(*) from {ledger}") == [[1]]


def test_tries_go_on_with_what_has_finished(hook: Hook, ledger: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the result cannot be fetched, later tries ask for it again and never submit the SQL a second time."""

    def refuse(*_: Any) -> Any:
        raise AwsError("result", "InternalServerException", "try again")

    operator = _sql(f"insert into {ledger} values (1); select n from {ledger}", return_result=True, retries=5)
    with monkeypatch.context() as broken:
        broken.setattr(Statements, "result", refuse)
        for number in (1, 2, 3):
            with pytest.raises(AirflowException):
                _execute(operator, FakeTaskInstance(try_number=number, max_tries=5))
    assert _execute(operator, FakeTaskInstance(try_number=4, max_tries=5)) == [[1]]
    assert rows(hook, f"select count(*) from {ledger}") == [[1]]


def test_tries_that_are_not_durable_submit_anew(hook: Hook, ledger: str) -> None:
    """With ``durable=False`` no try looks for what an earlier one has done."""
    for number in (1, 2):
        operator = _sql(f"insert into {ledger} values (1)", durable=False)
        _execute(operator, FakeTaskInstance(try_number=number))
    assert rows(hook, f"select count(*) from {ledger}") == [[2]]


def test_all_results_have_amazons_shape(hook: Hook, ledger: str) -> None:
    """There is a result for each statement, as GetStatementResult gives it, all pages in one, and an empty one."""
    sql = ["select 1 as one", f"insert into {ledger} values (1)", "select generate_series(1, 1500) as n"]
    first, second, third = _execute(_sql(sql, return_sql_result=True))
    assert (first["Records"], first["TotalNumRows"]) == ([[{"longValue": 1}]], 1)
    assert first["ColumnMetadata"][0]["name"] == "one"
    assert second == {"Records": [], "ColumnMetadata": [], "TotalNumRows": 0}
    assert len(third["Records"]) == third["TotalNumRows"] == 1500


def test_what_is_returned_by_default_are_the_statements_ids(hook: Hook, ledger: str) -> None:
    """As Amazon's operator gives them: one of a single statement, the parts' of a batch."""
    ti = FakeTaskInstance()
    ids = _execute(_sql("select 1; select 2"), ti)
    assert ids == [f"{ti.xcoms['statement_id']}:{n}" for n in (1, 2)]


def test_a_session_is_kept_and_used(hook: Hook, ledger: str) -> None:
    """A statement opens a session, whose id is an XCom; another, which needs no database, sees its temporary table."""
    first, second = FakeTaskInstance(), FakeTaskInstance(try_number=2)
    _execute(_sql("create temp table kept as select 42 as n", session_keep_alive_seconds=60), first)
    session = first.xcoms["session_id"]
    where = dict.fromkeys(WHERE)
    assert _execute(_sql("select n from kept", return_result=True, session_id=session, durable=False, **where), second)
    assert second.xcoms["session_id"] == session


def test_a_session_that_is_none_is_told(hook: Hook, ledger: str) -> None:
    """A template that found no session gives a text that is none."""
    with pytest.raises(AirflowFailException, match="session_id is 'None'"):
        _execute(_sql("select 1", session_id="None", **dict.fromkeys(WHERE)))


def test_not_waiting(hook: Hook, ledger: str) -> None:
    """Without ``wait_for_completion`` the task is done when its statement is submitted, deferrable or not."""
    ti = FakeTaskInstance()
    ids = _execute(_sql("select pg_sleep(60)", wait_for_completion=False, deferrable=True), ti)
    assert ids == [ti.xcoms["statement_id"]]
    assert not hook.statements().describe(ids[0]).ended
    hook.statements().cancel(ids[0])


def test_an_event_is_asked_for() -> None:
    """``with_event`` and sessions are members of the request only where they are wanted."""
    plain = Submission(["select 1"], DATA_API, "n", "t", {})
    assert not plain.request().keys() & {"WithEvent", "SessionKeepAliveSeconds"}
    asking = Submission(["select 1"], DATA_API, "n", "t", {}, with_event=True, keep_alive=0).request()
    assert (asking["WithEvent"], asking["SessionKeepAliveSeconds"]) == (True, 0)


def _deferred(operator: RedshiftSqlOperator, ti: FakeTaskInstance) -> Any:
    with pytest.raises(TaskDeferred) as deferred:
        _execute(operator, ti)
    return deferred.value


def test_the_execution_timeout_is_told_on_a_worker(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow ends the wait, with the number of a process: the statement is cancelled, and the failure says so."""

    def interrupted(*_: Any, **__: Any) -> None:
        raise task_timeout()("Timeout, PID: 1")

    ti = FakeTaskInstance()
    options: dict[str, Any] = {"execution_timeout": timedelta(minutes=1), "deferrable": False}
    operator = RedshiftSqlOperator(task_id="load", sql="select pg_sleep(600)", **options, **WHERE)
    monkeypatch.setattr(Statements, "follow", interrupted)
    with pytest.raises(
        task_timeout(), match="ran longer than the task's execution_timeout of 0:01:00 and was cancelled"
    ):
        operator.execute({"ti": ti})  # type: ignore[typeddict-item]
    assert hook.statements().describe(ti.xcoms[FAILURE]["statement"]).status == "ABORTED"


def test_the_execution_timeout_counts_the_time_in_the_triggerer(
    hook: Hook, ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left of it is given to trigger and scheduler; the trigger cancels, and the worker says what happened."""
    monkeypatch.setattr(base, "RESUME_AFTER", 0.0)
    ti: Any = FakeTaskInstance()
    ti.start_date = datetime.now(UTC) - timedelta(seconds=59.5)
    options: dict[str, Any] = {"execution_timeout": timedelta(minutes=1), "deferrable": True, "poll_interval": 0.05}
    deferred = _deferred(_sql("select pg_sleep(60)", **options), ti)
    assert timedelta() < deferred.timeout <= timedelta(seconds=0.5)
    event = asyncio.run(anext(deferred.trigger.run()))
    statement = event.payload["statement_id"]
    assert hook.statements().describe(statement, 30).status == "ABORTED"
    with pytest.raises(task_timeout(), match="ran longer than the task's execution_timeout of 0:01:00"):
        _sql("select pg_sleep(60)", **options).execute_complete({"ti": ti}, event.payload)


def test_a_wait_that_airflow_ends_is_the_statements_end(hook: Hook, ledger: str) -> None:
    """When no triggerer was there in time, the worker that Airflow sends finds the statement and cancels it."""
    ti, options = FakeTaskInstance(), {"execution_timeout": timedelta(minutes=1), "deferrable": True}
    statement = _deferred(_sql("select pg_sleep(60)", **options), ti).trigger.statement_id
    with pytest.raises(task_timeout(), match="was cancelled"):
        _sql("select pg_sleep(60)", **options).resume_execution(
            "__fail__",
            {"error": "Trigger timeout"},
            {"ti": ti},  # type: ignore[typeddict-item]
        )
    assert hook.statements().describe(statement, 30).status == "ABORTED"


def test_a_trigger_that_fails_leaves_the_wait_to_a_worker(hook: Hook, ledger: str) -> None:
    """The statement is not lost, and runs once."""
    ti = FakeTaskInstance()
    _deferred(_sql(f"insert into {ledger} values (1)", deferrable=True), ti)
    resumed = _sql(f"insert into {ledger} values (1)", deferrable=True)
    resumed.resume_execution("__fail__", {"error": "Trigger failure"}, {"ti": ti})  # type: ignore[typeddict-item]
    assert rows(hook, f"select count(*) from {ledger}") == [[1]]


def test_a_statement_that_ended_in_time_after_all_is_a_success(hook: Hook, ledger: str) -> None:
    """Between the last look and the end of the time it may have finished: then nothing was cancelled."""
    ti = FakeTaskInstance()
    operator = _sql(f"insert into {ledger} values (1)")
    (statement,) = _execute(operator, ti)
    event = {"statement_id": statement, "ended": False}
    assert _sql("select 1").execute_complete({"ti": ti}, event) == [statement]  # type: ignore[typeddict-item]


@pytest.mark.parametrize(("cancel", "status"), [(True, "ABORTED"), (False, "FINISHED")])
def test_a_kill_cancels_unless_told_otherwise(hook: Hook, ledger: str, cancel: bool, status: str) -> None:
    """``cancel_on_kill=False`` lets the statement go on, on the worker and in the triggerer."""
    operator = _sql("select pg_sleep(3)", cancel_on_kill=cancel, deferrable=True)
    trigger = _deferred(operator, FakeTaskInstance()).trigger
    operator.on_kill()
    asyncio.run(trigger.on_kill())
    assert hook.statements().describe(trigger.statement_id, 30).status == status


def test_the_log_tells_redshifts_own_times(hook: Hook, ledger: str) -> None:
    """Statement, rows, seconds, start and end stand in one line."""
    (statement,) = _execute(_sql(f"insert into {ledger} values (1), (2)"))
    line = hook.statements().describe(statement).summary
    assert line.startswith(f"Statement {statement} ")
    assert "FINISHED, 2 rows, 0." in line
    assert line.count(" UTC") == 2


def test_a_refused_look_is_told_to_the_teardown(hook: Hook, ledger: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The statement goes on, and the next try finds it by its name; nothing runs twice."""
    operator, ti = _sql(f"insert into {ledger} values (1)"), FakeTaskInstance(1, 2)
    denied = AwsError("statement", "AccessDeniedException", "You may not.")
    with monkeypatch.context() as patch:
        patch.setattr(Statements, "describe", lambda *_: _raise(denied))
        with pytest.raises(AirflowException, match="does not tell how its statement went: You may not"):
            _execute(operator, ti)
    told = ti.xcoms[FAILURE]
    assert told["message"].endswith("You may not.")
    assert hook.statements().describe(told["statement"], 30).status == "FINISHED"
    _execute(_sql(f"insert into {ledger} values (1)"), FakeTaskInstance(2, 2))
    assert rows(hook, f"select count(*) from {ledger}") == [[1]]


@pytest.mark.parametrize(("retry_on", "kind"), [(("any",), AirflowException), (("conflict",), AirflowFailException)])
def test_only_failures_that_are_named_are_tried_again(
    hook: Hook, ledger: str, retry_on: tuple[Any, ...], kind: type[BaseException]
) -> None:
    """After another one Airflow makes no further try."""
    with pytest.raises(kind, match="division by zero") as raised:
        _execute(_sql("select 1/0", retry_on=retry_on))
    assert isinstance(raised.value, AirflowFailException) == (kind is AirflowFailException)


def _raise(error: Exception) -> Any:
    raise error
