"""Faults on demand: calls fail, are throttled, are late, or lose their answers; statements end as wished."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from elt_redshift.local import rates
from elt_redshift.local.errors import LocalAwsError
from elt_redshift.local.faults import Faults
from elt_redshift.local.process import LocalAws
from tests.local.conftest import ClientFactory
from tests.local.waiting import wait_for

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def faults(local_aws: LocalAws) -> Iterator[Faults]:
    with Faults(local_aws) as faults:
        yield faults


@pytest.fixture
def client(local_aws: LocalAws) -> ClientFactory:
    """Clients that try each call once."""

    def make(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=local_aws.endpoint,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(retries={"total_max_attempts": 1}),
        )

    return make


def test_only_the_calls_that_are_meant_fail(faults: Faults, client: ClientFactory) -> None:
    """The second and third call whose request has the text are refused with the error given; all others pass."""
    tables = client("dynamodb")
    faults.fail("dynamodb", "ListTables", "LimitExceededException", "Enough.", nth=2, times=2, containing='"Limit": 7')
    answers = []
    for limit in (7, 8, 7, 7, 7):
        try:
            tables.list_tables(Limit=limit)
            answers.append("")
        except ClientError as error:
            answers.append(error.response["Error"]["Code"])
    refused = "LimitExceededException"
    assert answers == ["", "", refused, refused, ""]
    assert faults.met() == [2]


@pytest.mark.parametrize(
    ("service", "operation", "error"),
    [
        ("redshift-data", "ListStatements", "ThrottlingException"),
        ("dynamodb", "ListTables", "ProvisionedThroughputExceededException"),
        ("cloudformation", "ListStacks", "ThrottlingException"),
        ("stepfunctions", "ListStateMachines", "ThrottlingException"),
    ],
)
def test_throttles_have_the_services_own_name(
    faults: Faults, client: ClientFactory, service: str, operation: str, error: str
) -> None:
    """Whether a service is asked in JSON or by forms, once; then it answers again."""
    faults.throttle(service, operation)
    call = getattr(client(service), re.sub("(?<!^)(?=[A-Z])", "_", operation).lower())
    with pytest.raises(ClientError) as raised:
        call()
    assert raised.value.response["Error"]["Code"] == error
    call()


def test_calls_beyond_a_rate_are_throttled(faults: Faults, client: ClientFactory) -> None:
    """As many as may come at once pass, the rest is refused as AWS refuses it, and other operations are free."""
    data = client("redshift-data")
    faults.limit_rate("redshift-data", "ListStatements", per_second=0.01, burst=3)
    errors = []
    for _ in range(5):
        try:
            data.list_statements()
        except ClientError as error:
            errors.append(error.response)
    assert [error["Error"] for error in errors] == [{"Code": "ThrottlingException", "Message": "Rate exceeded"}] * 2
    assert {error["ResponseMetadata"]["HTTPStatusCode"] for error in errors} == {400}
    assert faults.met() == [2]
    data.list_sessions()


def test_every_operation_of_the_data_api_has_its_rate(faults: Faults, local_aws: LocalAws) -> None:
    """AWS's own rates are of operations that there are."""
    faults.limit_data_api()
    assert faults.met() == [0] * len(rates.DATA_API)


def test_a_warehouse_has_so_many_active_statements(faults: Faults, client: ClientFactory) -> None:
    """One more is refused with the API's own error; another warehouse has its own."""
    data = client("redshift-data")
    faults.limit_active_statements(1)
    asked = {"Database": "dev", "DbUser": "awsuser", "Sql": "select pg_sleep(30)"}
    active = data.execute_statement(ClusterIdentifier="crowded", **asked)["Id"]
    with pytest.raises(data.exceptions.ActiveStatementsExceededException):
        data.execute_statement(ClusterIdentifier="crowded", **asked)
    other = data.execute_statement(ClusterIdentifier="free", **asked)["Id"]
    for statement in (active, other):
        data.cancel_statement(Id=statement)


def test_a_lost_answer_is_of_a_call_that_took_effect(faults: Faults, client: ClientFactory) -> None:
    """The caller hears nothing, and the statement is there."""
    data = client("redshift-data")
    faults.lose_answer("redshift-data", "ExecuteStatement")
    request = {"ClusterIdentifier": "c", "Database": "dev", "DbUser": "awsuser", "Sql": "select 1"}
    with pytest.raises(ConnectionClosedError):
        data.execute_statement(**request, StatementName="lost")
    assert [one["StatementName"] for one in data.list_statements(StatementName="lost", Status="ALL")["Statements"]] == [
        "lost"
    ]


def test_a_late_call_takes_effect_without_its_caller(
    faults: Faults, local_aws: LocalAws, client: ClientFactory
) -> None:
    """Whoever does not wait for it leaves a call behind that is made all the same."""
    faults.delay("sns", "CreateTopic", seconds=1)
    hasty = boto3.client(
        "sns",
        endpoint_url=local_aws.endpoint,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(read_timeout=0.1, retries={"total_max_attempts": 1}),
    )
    with pytest.raises(Exception, match="Read timeout"):
        hasty.create_topic(Name="late")

    def topics() -> list[str]:
        return [one["TopicArn"] for one in client("sns").list_topics()["Topics"] if one["TopicArn"].endswith(":late")]

    assert topics() == []
    wait_for(topics, "the topic is there")


@pytest.mark.parametrize(
    ("resource", "operation", "error"),
    [
        ("aws-sdk:redshiftdata:listDatabases", "ListDatabases", "RedshiftData.SdkClientException"),
        ("dynamodb:getItem", "GetItem", "DynamoDB.SdkClientException"),
        ("states:startExecution.sync:2", "StartExecution", "StepFunctions.SdkClientException"),
    ],
)
def test_a_state_machine_meets_them_by_their_names(
    faults: Faults, client: ClientFactory, resource: str, operation: str, error: str
) -> None:
    """A call without an answer is an error of the SDK's client; one that is refused has the error given."""
    machines = client("stepfunctions")
    services = {"RedshiftData": "redshift-data", "DynamoDB": "dynamodb", "StepFunctions": "stepfunctions"}
    arguments = {
        "redshift-data": {"Database": "dev"},
        "dynamodb": {"TableName": "t", "Key": {}},
        "stepfunctions": {"StateMachineArn": "arn:nested", "Input": {}},
    }
    service = services[error.partition(".")[0]]
    task = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Arguments": arguments[service], "End": True}
    definition = {"QueryLanguage": "JSONata", "StartAt": "t", "States": {"t": task}}
    name = f"faults-{uuid.uuid4().hex}"
    role = "arn:aws:iam::123456789012:role/r"
    arn = machines.create_state_machine(name=name, definition=json.dumps(definition), roleArn=role)["stateMachineArn"]

    def end() -> str:
        started = machines.start_execution(stateMachineArn=arn)["executionArn"]
        wait_for(lambda: machines.describe_execution(executionArn=started)["status"] != "RUNNING", "it ends")
        return str(machines.describe_execution(executionArn=started)["error"])

    nested = "arn:nested" if service == "stepfunctions" else ""  # the test itself starts executions, too
    faults.lose_answer(service, operation, containing=nested)
    assert end() == error
    faults.fail(service, operation, "InternalServerException", nth=1, containing=nested)
    assert end() == f"{error.partition('.')[0]}.InternalServerException"


@pytest.mark.parametrize("sqls", [["drop table nowhere"], ["drop table nowhere", "select 1"]], ids=["one", "batch"])
@pytest.mark.parametrize("status", ["FAILED", "ABORTED", "FINISHED"])
def test_a_statement_ends_as_wished(faults: Faults, client: ClientFactory, status: Any, sqls: list[str]) -> None:
    """It is not run; its status, and the message of one that fails, are those given."""
    data = client("redshift-data")
    faults.end_statement("/wished/", status, "ERROR: as wished" if status == "FAILED" else "")
    request: dict[str, Any] = {"ClusterIdentifier": "c", "Database": "dev", "DbUser": "awsuser"}
    request["StatementName"] = "101/run/wished/1"
    if len(sqls) == 1:
        answer = data.execute_statement(**request, Sql=sqls[0])
    else:
        answer = data.batch_execute_statement(**request, Sqls=sqls)
    described = data.describe_statement(Id=answer["Id"], WaitTimeSeconds=30)
    assert (described["Status"], described.get("Error")) == (status, "ERROR: as wished" if status == "FAILED" else None)


def test_a_client_token_is_forgotten(faults: Faults, client: ClientFactory) -> None:
    """As often as wished, of statements whose name has the text: the same request is a new statement then."""
    data, token = client("redshift-data"), uuid.uuid4().hex
    request = {"ClusterIdentifier": "c", "Database": "dev", "DbUser": "awsuser", "Sql": "select 1"}

    def submitted(name: str) -> str:
        return str(data.execute_statement(**request, StatementName=name, ClientToken=f"{token}{name[-1]}")["Id"])

    forgotten, known = submitted("101/run/a"), submitted("101/run/b")
    faults.forget_token("/run/a")
    assert submitted("101/run/b") == known
    again = submitted("101/run/a")
    assert again != forgotten
    assert submitted("101/run/a") == again
    assert faults.met() == [1]


@pytest.mark.parametrize(
    ("service", "operation", "words"),
    [
        ("redshift", "Execute", "redshift has no operation Execute."),
        ("redshift-dat", "ExecuteStatement", "boto3 knows no service redshift-dat."),
        ("s3", "GetObject", "s3 is asked by paths, which faults do not know."),
    ],
)
def test_what_cannot_be_meant_is_refused(faults: Faults, service: str, operation: str, words: str) -> None:
    """A fault that could never be met is told at once."""
    with pytest.raises(LocalAwsError, match=re.escape(words)):
        faults.throttle(service, operation)


@pytest.mark.exhaustive
def test_the_pages_example_is_a_test_that_passes(tmp_path: Path) -> None:
    """The test of a job that docs/embedded-aws.md shows runs as it stands."""
    page = (ROOT / "docs" / "embedded-aws.md").read_text().partition("## Faults on demand")[2]
    example = re.search(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert example is not None
    (tmp_path / "test_example.py").write_text(example[1])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "test_example.py"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "ELT_REDSHIFT_JOBS": str(ROOT / "sql")}
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    assert "1 passed" in ran.stdout
