"""A task's states, executed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from elt_redshift.job.model import EltJob, Parameter
from elt_redshift.runs.history import TaskRuns
from tests.local.runs.conftest import Barrier, DeployedJob
from tests.unit.asl.jobs import job, soon, task

Deploy = Callable[[EltJob], DeployedJob]


def test_a_healthy_run_enters_two_states_a_task_and_two_more(deploy: Deploy) -> None:
    """A short statement costs two billed transitions, the lock two a run."""
    deployed = deploy(job(task("a", sql=("select 1",)), task("b", "a", sql=("select 1", "select 2"))))
    execution = deployed.run()
    assert execution.status == "SUCCEEDED"
    assert deployed.states(execution.arn) == ["acquire lock", "a", "a: finish", "b", "b: finish", "release lock"]


def test_a_short_task_at_the_end_of_a_branch_costs_no_more(deploy: Deploy) -> None:
    """Its last state ends the branch."""
    deployed = deploy(job(task("a", sql=("select 1",)), task("b", sql=("select 2",))))
    execution = deployed.run()
    assert execution.status == "SUCCEEDED"
    assert sorted(deployed.states(execution.arn)) == sorted(
        ["acquire lock", "together 1: a, b", "a", "a: finish", "b", "b: finish", "release lock"]
    )


def test_a_long_statement_is_followed_to_its_end(
    deploy: Deploy, barrier: Barrier, ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past the two long polls it is described until it has ended; then the last state ends the branch."""
    monkeypatch.setattr("elt_redshift.asl.patterns.waiting.LONG_POLL", 1)
    deployed = deploy(job(task("a", sql=(barrier.pass_,)), task("b", sql=(f"insert into {ledger} values ('b')",))))
    arn = deployed.start()
    deployed.until(arn, lambda _: deployed.states(arn).count("a: describe") == 2)
    barrier.open()
    assert deployed.end(arn).status == "SUCCEEDED"
    followed = [state for state in deployed.states(arn) if state.partition(": ")[0] == "a"]
    described = len(followed) - 4
    assert followed == ["a", "a: finish", *["a: describe"] * described, "a: status", "a: finish"]
    assert deployed.tasks(arn)["a"].status == "succeeded"


def test_parameters_are_bound(deploy: Deploy, ledger: str) -> None:
    """A given parameter wins over its default; a value is a value, whatever it looks like."""
    sql = (f"insert into {ledger} values (:one)", f"insert into {ledger} values (:two)")
    parameters = (Parameter(name="one", default="first"), Parameter(name="two", default="second"))
    deployed = deploy(job(task("a", sql=sql, parameters=("one", "two")), parameters=parameters))
    assert deployed.run(two="'); drop table x; --").status == "SUCCEEDED"
    assert sorted(deployed.sql(f"select task from {ledger}")) == [["'); drop table x; --"], ["first"]]


#: What Step Functions, CloudFormation and Jinja would take for theirs.
MARKS = ("{% $string(6*7) %}", "{{resolve:ssm:/x}} {{ ds }}", "${RedshiftIAMRoleARN}", '${Unknown} 😀 \\u0041 "%}')


@pytest.mark.parametrize("layout", ["unrolled", "map"])
def test_texts_reach_the_database_as_they_were_written(deploy: Deploy, ledger: str, layout: str) -> None:
    """Byte for byte, in SQL and as defaults; SQL that looks like code is refused by the database, not evaluated."""
    insert = "insert into {} values ({}) -- {{%}}"
    quoted = [f"'{text}'" for text in MARKS if "Role" not in text and "\\" not in text]
    tasks = [
        task("a", sql=tuple(insert.format(ledger, one) for one in (*quoted, "'%}'"))),
        *(task(f"b{n}", sql=(insert.format(ledger, f":p{n}"),), parameters=(f"p{n}",)) for n in range(len(MARKS))),
        task("c", *(f"b{n}" for n in range(len(MARKS))), "a", sql=("{%$string(6*7)%}",)),
    ]
    parameters = [Parameter(name=f"p{n}", default=text) for n, text in enumerate(MARKS)]
    deployed = deploy(job(*tasks, parameters=parameters, layout=layout))
    deployed.run()
    assert "syntax error" in (deployed.item.failure_message or "")
    written = sorted([text.strip("'") for text in quoted] + ["%}"] + list(MARKS))
    assert sorted(row[0] for row in deployed.sql(f"select task from {ledger}")) == written


@pytest.mark.parametrize("layout", ["unrolled", "map"])
def test_a_long_name_is_told_whole(deploy: Deploy, layout: str) -> None:
    """A real model's name of 110 characters: in the audit item, in the cause and in the runs, whoever asks."""
    name = (
        "int_finance__customer_lifetime_value_by_acquisition_channel_and_month_with_refunds_unioned_across_all_regions"
    )
    deployed = deploy(
        job(task(name, sql=("select 1",)), task(f"{name}2", name, sql=("select nothing",)), layout=layout)
    )
    execution = deployed.run()
    assert deployed.item.failed_task == f"{name}2"
    assert deployed.statuses(execution.arn) == {name: "succeeded", f"{name}2": "failed"}
    runs = deployed.executions.look(execution.arn, TaskRuns()).tasks
    if layout == "unrolled":
        assert f"Task {name}2 failed" in (execution.cause or "")
        assert {run.name: run.status for run in runs} == {name: "succeeded", f"{name}2": "failed"}


def test_a_missing_parameter_fails_before_the_lock(deploy: Deploy) -> None:
    """A parameter without a default must be given; the audit item is not touched."""
    deployed = deploy(job(task("a", sql=("select :p",), parameters=("p",)), parameters=(Parameter(name="p"),)))
    execution = deployed.run()
    assert execution.status == "FAILED"
    assert "The parameter 'p' has no default and no value" in (execution.cause or "")
    assert deployed.audit.read("101") is None
    for given in ({"p": None}, {"p": ""}, {"p": 10**17}, {"p": "1", "x": "1"}):
        assert deployed.run(**given).status == "FAILED"
    assert deployed.audit.read("101") is None
    assert deployed.run(p="1").status == "SUCCEEDED"


def test_a_failure_is_recorded_and_is_the_executions_cause(deploy: Deploy, ledger: str) -> None:
    """Redshift's message is in the audit item, in the task's run, and in the execution's cause; the batch is undone."""
    sql = (f"insert into {ledger} values ('a')", "select * from no_such_table")
    deployed = deploy(job(task("a", sql=sql), task("b", "a")))
    execution = deployed.run()
    run, item = deployed.tasks(execution.arn)["a"], deployed.item
    assert execution.status == "FAILED"
    assert 'relation "no_such_table" does not exist' in (execution.cause or "")
    assert (run.status, item.state, item.failed_task, item.owner) == ("failed", "Failed", "a", execution.arn)
    assert item.failed_statement == run.statement_id
    assert (run.statement_id or "").endswith(":2")
    assert item.failure_message == run.message
    assert deployed.sql(f"select * from {ledger}") == []


def test_retries_submit_anew(deploy: Deploy, ledger: str) -> None:
    """A failed statement is submitted again, as another statement, as often as the task allows."""
    deployed = deploy(job(task("a", sql=("select 1/0",), retries=soon(2))))
    execution = deployed.run()
    assert execution.status == "FAILED"
    names = [f"101/{execution.name}/a/{attempt}" for attempt in (3, 2, 1)]
    assert [statement["StatementName"] for statement in deployed.statements(execution.arn)] == names


def test_auto_commit_keeps_what_was_done(deploy: Deploy, ledger: str) -> None:
    """With transaction false, a failed statement fails the task, and the others have done their work."""
    sql = (f"insert into {ledger} values ('before')", "select 1/0", f"insert into {ledger} values ('behind')")
    deployed = deploy(job(task("a", sql=sql, transaction=False)))
    assert deployed.run().status == "FAILED"
    assert sorted(deployed.sql(f"select task from {ledger}")) == [["before"], ["behind"]]


@pytest.mark.parametrize("wait", ["long_poll", "poll"])
def test_a_statement_past_its_timeout_is_cancelled(deploy: Deploy, wait: str) -> None:
    """The task fails with the timeout as its message, and nothing goes on in the database."""
    deployed = deploy(job(task("a", sql=("select pg_sleep(60)",), timeout=timedelta(seconds=1), wait=wait)))
    execution = deployed.run()
    assert "timeout of 1 s" in (execution.cause or "")
    assert deployed.item.failed_task == "a"
    statement = deployed.tasks(execution.arn)["a"].statement_id
    assert deployed.data.describe_statement(Id=statement)["Status"] == "ABORTED"


def test_a_polling_task_waits_with_wait_states(deploy: Deploy) -> None:
    """`wait: poll` sends no WaitTimeSeconds and asks again after a Wait state."""
    deployed = deploy(job(task("a", sql=("select pg_sleep(0.5)",), wait="poll")))
    execution = deployed.run()
    assert execution.status == "SUCCEEDED"
    assert "a: wait" in deployed.states(execution.arn)


def test_a_cancelled_statement_fails_its_task(deploy: Deploy) -> None:
    """ABORTED is a failure like FAILED."""
    deployed = deploy(job(task("a", sql=("select pg_sleep(60)",), wait="poll")))
    arn = deployed.start()
    deployed.until(arn, lambda tasks: tasks["a"].statement_id is not None)
    deployed.data.cancel_statement(Id=deployed.tasks(arn)["a"].statement_id)
    assert "cancel" in (deployed.end(arn).cause or "")
    assert deployed.item.state == "Failed"


def test_a_refused_submission_is_recorded_too(deploy: Deploy) -> None:
    """When AWS refuses the call itself, the audit item says so."""
    unused = task("a", sql=("select 1",), parameters=("p",))
    deployed = deploy(job(unused, parameters=(Parameter(name="p", default="1"),)))
    execution = deployed.run()
    assert execution.status == "FAILED"
    refused = "The Data API refused it: "
    assert f"D3137: Task a failed: {refused}" in (execution.cause or "")
    assert (deployed.item.state, deployed.item.failed_statement) == ("Failed", "none")
    message = deployed.item.failure_message or ""
    assert message.startswith(refused)
    assert "RedshiftData" not in message
