"""The policies that `elt-redshift policy` prints: what their callers really do is allowed, and no more than that."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from elt_redshift.airflow_compat import AirflowFailException
from elt_redshift.aws import children, healing
from elt_redshift.aws.account import Account
from elt_redshift.aws.audit_in_dynamodb import DynamoDbAuditStore
from elt_redshift.aws.callers.policies import PASSED_TO
from elt_redshift.aws.callers.resource_types import TYPES, WIDER
from elt_redshift.aws.job_ref import JobRef
from elt_redshift.aws.recalling import kept_tasks
from elt_redshift.hooks.connection import Connection
from elt_redshift.job.model import EltJob
from elt_redshift.local.faults import Faults
from elt_redshift.local.process import LocalAws
from elt_redshift.operators.audit_lock import AuditLockAcquireOperator
from elt_redshift.operators.mirror import MirrorOperator
from elt_redshift.operators.redshift_sql import RedshiftSqlOperator
from elt_redshift.operators.step_functions import StartExecutionOperator
from tests import bounds
from tests.local.cli.conftest import Cli
from tests.local.conftest import client_factory
from tests.local.runs.conftest import Barrier, closed_barrier
from tests.local.waiting import wait_for
from tests.recorded import Calls, recorded

JOB = """\
job_id: "{name}"
name: {name}
{said}
tasks:
  first: {{statement: "{first}", timeout: 5m}}
  second: {{statement: "insert into {name} values (1)", upstream: [first], timeout: 5m}}
"""
WAREHOUSE = ("--cluster", "c", "--user", "u")

#: What CloudFormation does with the deployer's rights is not seen: it follows from the types of resources, and
#: tests/unit/aws/test_callers.py holds it against CloudFormation's own registry.
BY_CLOUDFORMATION = {
    "iam:PassRole",
    "s3:GetObject",
    *(f"{made.service}:{action}" for made in TYPES.values() for action in made.actions),
    *WIDER.values(),
}


@pytest.fixture
def job(tmp_path: Path, unique: str) -> Callable[..., Path]:
    """A job by its layout, or with Lambda functions; the table of its second task is not there."""

    def made(layout: str, first: str = "select 1") -> Path:
        folder = tmp_path / layout
        folder.mkdir()
        said = f"{'runtime' if layout == 'lambda' else 'layout'}: {layout}"
        (folder / "job.yaml").write_text(JOB.format(name=f"{unique}_{layout}", said=said, first=first))
        return folder

    return made


def _stack(folder: Path) -> str:
    return _name(folder).replace("_", "-")


def _name(folder: Path) -> str:
    return (folder / "job.yaml").read_text().splitlines()[1].removeprefix("name: ")


def _at_work(folder: Path) -> bool:
    listed = boto3.client("redshift-data").list_statements(StatementName=f"{_name(folder)}/", Status="STARTED")
    return bool(listed["Statements"])


def _create_table(folder: Path) -> None:
    made = boto3.client("redshift-data").execute_statement(
        ClusterIdentifier="c",
        Database="dev",
        DbUser="u",
        Sql=f"create table {_name(folder)} (x int)",
        WaitTimeSeconds=30,
    )
    assert made["Status"] == "FINISHED"


class Recorded:
    """The command line, whose calls are noted."""

    def __init__(self, cli: Cli) -> None:
        self._cli, self.calls = cli, Calls()

    def __call__(self, *arguments: object, status: int = 0) -> str:
        with recorded(self.calls):
            got, out, err = self._cli(*arguments)
        assert got == status, err
        return out

    def policy(self, *arguments: object) -> Mapping[str, Any]:
        _, out, err = self._cli("policy", *arguments)
        assert not err
        document: Mapping[str, Any] = json.loads(
            out[out.index('{\n  "Version"') :]
        )  # behind what operators have logged
        return document


def test_a_deployer_is_allowed_what_it_does(cli: Cli, job: Callable[..., Path], unique: str) -> None:
    """Deploying anew and again, in all layouts and with a shared audit table; a change of the runtime, which takes the
    lock; a removal that stops what runs, and one that somebody's lock is in the way of."""
    run, table, folders = (
        Recorded(cli),
        f"{unique}-audit",
        [job("unrolled", "select pg_sleep(60)"), job("map"), job("lambda"), job("parts", "select pg_sleep(60)")],
    )
    run("audit", "create", table)
    for folder, more in zip(folders, ((), ("--audit-table", table), (), ()), strict=True):
        run("deploy", folder, "--stack", _stack(folder), *WAREHOUSE, *more)
        run("deploy", folder, "--stack", _stack(folder), "--dry-run")
    for running in (folders[0], folders[3]):
        cli("run", running)
        wait_for(partial(_at_work, running), "its statement runs", bounds.EXECUTION)
        run("destroy", running, "--all", "--stop", "--yes")
    with_functions = (folders[2] / "job.yaml").read_text()
    (folders[2] / "job.yaml").write_text(with_functions.replace("runtime: lambda", ""))
    run("deploy", folders[2], "--stack", _stack(folders[2]))
    (folders[2] / "job.yaml").write_text(with_functions)
    DynamoDbAuditStore(boto3.client("dynamodb"), table).acquire(_name(folders[1]), "somebody")
    run("destroy", folders[1], "--all", "--yes", status=1)
    run("destroy", folders[2], "--yes")
    policy = run.policy("deployer", *folders, "--stack", f"{unique}*", "--audit-table", table)
    assert run.calls.denied(policy) == []
    assert {grant.action for grant in run.calls.unused(policy)} <= BY_CLOUDFORMATION
    (passing,) = (one for one in policy["Statement"] if one["Action"] == "iam:PassRole")
    assert passing["Condition"] == {
        "StringEquals": {PASSED_TO: ["events.amazonaws.com", "lambda.amazonaws.com", "states.amazonaws.com"]}
    }


def test_locks_in_redshift_are_used_with_the_rights_to_do_so(cli: Cli, unique: str) -> None:
    """By the table's address; statements are listed and cancelled only where something goes wrong."""
    run, table = Recorded(cli), f"redshift://c/dev/public.{unique}?user=u"
    run("audit", "create", table, "--job-id", "1")
    run("status", "--table", table)
    policy = run.policy("operator", "--audit-table", table)
    assert run.calls.denied(policy) == []
    unused = {one.action for one in run.calls.unused(policy) if one.action.startswith("redshift")}
    assert unused <= {f"redshift-data:{one}" for one in ("CancelStatement", "ListStatements", "BatchExecuteStatement")}


@pytest.mark.exhaustive
def test_an_operator_is_allowed_what_it_does(cli: Cli, job: Callable[..., Path]) -> None:
    """Runs, a redrive, a resumption, an unlock, a stop, and all that looks at them; tasks run as children. Nobody has
    disabled the schedule but the job."""
    run, folder = Recorded(cli), job("map")
    with (folder / "job.yaml").open("a") as file:
        file.write('schedule: {cron: "0 3 * * ? 2199", enabled: false}\nnotify: {sns: new, alarms: true}\n')
    cli("deploy", folder, "--stack", _stack(folder), *WAREHOUSE)
    run("run", folder, "--watch", status=1)
    run("unlock", folder, "--reason", "It is mended.")
    _create_table(folder)
    run("redrive", folder, "--watch")
    run("redrive", folder, "--from-start", "--watch")
    _forget(folder)
    run("history", folder)
    run("history", folder, "--outcome", "succeeded")
    run("tasks", folder)
    run("trends", folder)
    run("plan", folder, "--from-history")
    run("status", folder)
    run("status", "--table", _output(folder, "AuditTable"))
    _ask_children(run, folder)
    text = (folder / "job.yaml").read_text()
    (folder / "job.yaml").write_text(text.replace("select 1", "select pg_sleep(60)"))
    cli("deploy", folder, "--stack", _stack(folder))
    cli("run", folder)
    wait_for(lambda: _at_work(folder), "its statement runs", bounds.EXECUTION)
    run("stop", folder, "--reason", "It is enough.")
    policy = run.policy("operator", folder)
    assert run.calls.denied(policy) == []
    assert run.calls.unused(policy) == set()


def _recall(run: Recorded, folder: Path) -> None:
    """As is done where what told of a run's tasks went with its layout."""
    account = Account.here()
    executions = account.executions(_output(folder, "StateMachineArn"))
    first = executions.describe(executions.recent()[-1].arn)
    with recorded(run.calls):
        assert kept_tasks(account.stacks.all, account.past_runs, first, ())


def _output(folder: Path, name: str) -> str:
    outputs = boto3.client("cloudformation").describe_stacks(StackName=_stack(folder))["Stacks"][0]["Outputs"]
    return next(str(one["OutputValue"]) for one in outputs if one["OutputKey"] == name)


def _forget(folder: Path) -> None:
    """Nobody has recorded the runs."""
    table, dynamodb = _output(folder, "HistoryTable"), boto3.client("dynamodb")
    for item in dynamodb.scan(TableName=table)["Items"]:
        dynamodb.delete_item(TableName=table, Key={name: item[name] for name in ("RunsOf", "Entry")})


def _ask_children(run: Recorded, folder: Path) -> None:
    """As is done where a child has failed, and has not told why itself."""
    steps = boto3.client("stepfunctions")
    first = steps.list_executions(stateMachineArn=_output(folder, "StateMachineArn"))["executions"][-1]["executionArn"]
    (map_run, *_) = steps.list_map_runs(executionArn=first)["mapRuns"]
    with recorded(run.calls):
        list(children.failed(steps, map_run["mapRunArn"]))


class TaskInstance:
    """What the operators use of a task instance, whose XComs are its DAG run's."""

    dag_id, run_id, map_index, try_number = "sales", "run-1", -1, 1

    def __init__(self, task_id: str, xcoms: dict[str, Any], cleared: bool = False) -> None:
        self.task_id, self.max_tries, self.xcoms, self.id = task_id, int(cleared), xcoms, f"{task_id}-1"

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[key] = value

    def xcom_pull(self, task_ids: str | list[str], key: str, **_: Any) -> Any:
        return [] if isinstance(task_ids, list) else self.xcoms.get(key)

    def get_task_states(self, **_: Any) -> dict[str, dict[str, str]]:
        return {self.run_id: {}}


class Airflow:
    """A DAG run of a job: the operators do what they do on workers, with the credentials of Airflow's role."""

    def __init__(self, calls: Calls, job: EltJob) -> None:
        self._calls, self._job, self._xcoms = calls, job, dict[str, Any]()

    def run(self, operator: Any, clears: int = 0) -> Any:
        ti = TaskInstance(operator.task_id, self._xcoms, clears > 0)
        context = {"ti": ti, "dag_run": SimpleNamespace(clear_number=clears)}
        with recorded(self._calls):
            return operator.execute(context)

    def start(self) -> str:
        return str(self.run(StartExecutionOperator(task_id="start_execution", job=self._job, aws_conn_id=None)))

    def mirror(self, task: str, clears: int = 0) -> None:
        self.run(MirrorOperator(task_id=task, deferrable=False, poll_interval=0.1, aws_conn_id=None), clears)

    def kill(self, arn: str) -> None:
        """Somebody fails the task."""
        with recorded(self._calls):
            Connection(aws_conn_id=None).hook().stop(JobRef(self._job.job_id, self._job.name), arn, "test")


@pytest.fixture
def barrier(local_aws: LocalAws) -> Iterator[Barrier]:
    with closed_barrier(client_factory(local_aws.endpoint)) as made:
        yield made


@pytest.mark.exhaustive
def test_airflows_role_is_allowed_what_it_does(
    cli: Cli, job: Callable[..., Path], unique: str, barrier: Barrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that fails, is cleared and so redriven, then mended, deployed anew, cleared and so resumed; one that is
    stopped; and a DAG of our operators for locks and SQL."""
    run, folder, table = Recorded(cli), job("map", barrier.pass_), f"{unique}-locks"
    monkeypatch.setattr(healing, "GRACE", 0)  # nothing of the embedded AWS is under way once an execution has ended
    barrier.open()
    stack = ("deploy", folder, "--stack", _stack(folder), *WAREHOUSE)
    cli("audit", "create", table)
    cli(*stack)
    airflow = Airflow(run.calls, EltJob.load(folder))
    first = airflow.start()
    with pytest.raises(AirflowFailException):
        airflow.mirror("second")
    with pytest.raises(AirflowFailException):
        airflow.mirror("second", clears=1)
    (folder / "job.yaml").write_text((folder / "job.yaml").read_text().replace("values (1)", "values (2)"))
    _create_table(folder)
    assert cli(*stack)[0] == 0
    airflow.mirror("second", clears=2)
    _ask_children(run, folder)
    barrier.close()
    last = airflow.start()
    wait_for(lambda: _at_work(folder), "its statement runs", bounds.EXECUTION)
    airflow.kill(last)
    _recall(run, folder)
    _lock_and_run_sql(airflow, table, first)
    policy = run.policy("mwaa", folder, "--audit-table", table, *WAREHOUSE)
    assert run.calls.denied(policy) == []
    assert run.calls.unused(policy) == set()


def _lock_and_run_sql(airflow: Airflow, table: str, dead: str) -> None:
    """The lock was an execution's that has ended."""
    DynamoDbAuditStore(boto3.client("dynamodb"), table).acquire("1", dead)
    lock: dict[str, Any] = {"job_id": "1", "table_name": table, "aws_conn_id": None}
    where: dict[str, Any] = {"cluster_identifier": "c", "db_user": "u", "database": "dev", "aws_conn_id": None}
    airflow.run(AuditLockAcquireOperator(task_id="acquire_lock", **lock))
    for task, sql in {"one": "select 1", "batch": "select 1; select 2"}.items():
        airflow.run(RedshiftSqlOperator(task_id=task, sql=sql, return_result=True, deferrable=False, **where))


def _as(role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on whoever calls is a session of that role."""
    session = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]
    names = {
        "AWS_ACCESS_KEY_ID": "AccessKeyId",
        "AWS_SECRET_ACCESS_KEY": "SecretAccessKey",
        "AWS_SESSION_TOKEN": "SessionToken",
    }
    for variable, name in names.items():
        monkeypatch.setenv(variable, session[name])
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # which knows the credentials of before


def test_check_tells_which_rights_the_caller_lacks(
    cli: Cli, job: Callable[..., Path], unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line for each, with what needs it. Of a session its role is asked about, whose path its ARN does not tell."""
    folder, iam = job("unrolled"), boto3.client("iam")
    cli("deploy", folder, "--stack", _stack(folder), *WAREHOUSE)
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
    made = iam.create_role(RoleName=unique, Path="/elt/", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    enough = cli("policy", "operator", folder)[1]
    short = json.loads(enough)
    (machine,) = (one for one in short["Statement"] if one["Sid"] == "Machine")
    machine["Action"].remove("states:StartExecution")
    iam.put_role_policy(RoleName=unique, PolicyName="operator", PolicyDocument=json.dumps(short))
    _as(made, monkeypatch)
    status, out, err = cli("check", folder, "--aws", "--as", "operator")
    assert (status, "is valid" in out) == (1, True)
    assert err.splitlines() == [
        f"operator: states:StartExecution on {machine['Resource']} is not allowed: needed to start runs.",
        f"`elt-redshift policy` prints what {made} lacks.",
    ]
    iam.put_role_policy(RoleName=unique, PolicyName="operator", PolicyDocument=enough)
    status, out, err = cli("check", folder, "--aws", "--as", "operator")
    assert (status, out.splitlines()[1], err) == (0, f"{made} has all rights that operator needs.", "")


def test_who_may_not_ask_for_rights_is_told_what_to_do(cli: Cli, job: Callable[..., Path], local_aws: LocalAws) -> None:
    """IAM refuses to tell, or does not know whom one asks about."""
    folder, role = job("unrolled"), "arn:aws:iam::123456789012:role/nobody"
    asking = ("check", folder, "--aws", "--as", "operator", "--stack", "none", "--principal", role)
    assert f"There is no role or user {role} in this account." in cli(*asking)[2]
    with Faults(local_aws) as faults:
        faults.fail("iam", "SimulatePrincipalPolicy", "AccessDenied", "You may not.")
        status, _, err = cli(*asking)
    assert status == 1
    assert err.startswith(
        f"error: Which rights {role} has was not told: who asks needs iam:SimulatePrincipalPolicy on it."
    )
    assert f"`elt-redshift check JOB --aws --principal {role}`" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["policy", "deployer"], "name the jobs, and their stack or a pattern of stacks"),
        (["policy", "operator", "--cluster", "c"], "--cluster says nothing about operator: only mwaa's policy has it."),
        (["policy", "mwaa", "--role-path", "/elt/"], "--role-path says nothing about mwaa"),
        (["policy", "mwaa", "--user", "u"], "give --cluster or --workgroup"),
        (["policy", "operator", "{job}"], "is not deployed in this account and region"),
        (["policy", "deployer", "{job}", "--stack", "s", "--role-path", "elt"], "does not begin and end with a slash"),
        (["check", "{job}", "--as", "mwaa", "--stack", "s"], "--as, --stack goes with --aws"),
    ],
)
def test_what_is_asked_for_in_vain_is_refused(
    cli: Cli, job: Callable[..., Path], arguments: list[str], said: str
) -> None:
    """With what to write instead."""
    status, out, err = cli(*(str(job("unrolled")) if one == "{job}" else one for one in arguments))
    assert (status, out) == (1, "")
    assert said in err
