"""The walkthrough of AWS's article, step by step: what its reader does in the consoles, by the same calls.

https://aws.amazon.com/blogs/big-data/accelerate-orchestration-of-an-elt-process-using-aws-step-functions-and-amazon-redshift-data-api/
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import boto3
import pytest

from elt_redshift.local.clock import Clock
from elt_redshift.local.process import LocalAws
from tests import bounds
from tests.local.cli.conftest import Cli
from tests.local.conftest import client_factory
from tests.local.runs.conftest import Barrier, closed_barrier, run_sql
from tests.local.waiting import wait_for

JOB = """\
job_id: "101"
name: {name}
tasks:
  load_supplier: {{sql: load_supplier.sql}}
  load_customer: {{sql: load_customer.sql}}
  load_fact_yearly_sale: {{sql: load_fact_yearly_sale.sql, upstream: [load_supplier, load_customer]}}
"""
DIMENSION = "delete from {schema}.{table}; insert into {schema}.{table} select * from {schema}.staging_{table};"
FACT = "delete from {schema}.fact_yearly_sale; insert into {schema}.fact_yearly_sale select * from {schema}.lineitem;"
#: The four parameters of the article's stack.
PARAMETERS = ["--cluster", "warehouse", "--user", "awsuser", "--database", "dev"]
ROLE = ["--role", "arn:aws:iam::123456789012:role/redshift"]


class Reader:
    """Who follows the article: deploys a stack, and looks at tables, executions and rows."""

    def __init__(self, name: str, folder: Path, cli: Cli) -> None:
        self.name, self.folder, self.cli = name, folder, cli
        self.stack = f"DemoETLOrchestration-{name.replace('_', '-')}"
        self.dynamodb, self.steps, self.data = map(boto3.client, ("dynamodb", "stepfunctions", "redshift-data"))

    def deploy(self, *options: str) -> None:
        status, out, err = self.cli("deploy", self.folder, "--stack", self.stack, *options)
        assert status == 0, out + err

    def resource(self, logical_id: str) -> str:
        """What the stack's tab "Resources" links to."""
        found = boto3.client("cloudformation").describe_stack_resource(
            StackName=self.stack, LogicalResourceId=logical_id
        )
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    @property
    def item(self) -> dict[str, str]:
        """The job's row in the audit table."""
        key = {"JobID": {"S": "101"}}
        found = self.dynamodb.get_item(TableName=self.resource("DynamoDBETLAuditTable"), Key=key, ConsistentRead=True)
        return {name: str(next(iter(value.values()))) for name, value in found["Item"].items()}

    def start(self) -> str:
        """The button "Start execution"."""
        machine = self.resource("RedshiftETLStepFunction")
        started = self.steps.start_execution(stateMachineArn=machine, input=json.dumps({"JobID": "101"}))
        return str(started["executionArn"])

    def end(self, arn: str) -> str:
        def ended() -> str:
            status = str(self.steps.describe_execution(executionArn=arn)["status"])
            return "" if status == "RUNNING" else status

        return wait_for(ended, "the execution has ended", bounds.EXECUTION)

    def sql(self, *statements: str) -> list[list[Any]]:
        """Query editor v2; gives the rows of the last statement."""
        return run_sql(self.data, *statements)

    def counts(self) -> dict[str, int]:
        """The article's query for the rows that were loaded."""
        tables = ("customer", "fact_yearly_sale", "supplier")
        rows = self.sql(" union all ".join(f"select '{one}', count(*) from {self.name}.{one}" for one in tables))
        return {str(name): int(count) for name, count in rows}


@pytest.fixture
def barrier(local_aws: LocalAws) -> Iterator[Barrier]:
    """What the supplier's load waits for, so that the reader can look at a running job."""
    with closed_barrier(client_factory(local_aws.endpoint)) as made:
        yield made


@pytest.fixture
def reader(tmp_path: Path, cli: Cli, barrier: Barrier) -> Reader:
    """With a job of two dimensions and a fact in its folder, and staging tables in the warehouse."""
    name = f"article_{uuid.uuid4().hex[:8]}"
    reader = Reader(name, tmp_path, cli)
    (tmp_path / "job.yaml").write_text(JOB.format(name=name))
    for table in ("supplier", "customer"):
        held = f"{barrier.pass_};\n" if table == "supplier" else ""
        (tmp_path / f"load_{table}.sql").write_text(held + DIMENSION.format(schema=name, table=table))
    (tmp_path / "load_fact_yearly_sale.sql").write_text(FACT.format(schema=name))
    tables = ("supplier", "customer", "fact_yearly_sale", "staging_supplier", "staging_customer", "lineitem")
    made = [f"create table {name}.{table} (key int)" for table in tables]
    rows = [f"insert into {name}.{table} values (1), (2)" for table in tables[3:]]
    reader.sql(f"create schema {name}", *made, *rows)
    return reader


def _is_time(text: str) -> bool:
    return datetime.fromisoformat(text).tzinfo is not None


def test_the_articles_walkthrough_works(reader: Reader, barrier: Barrier, local_aws: LocalAws) -> None:
    """Deploy, look, start, look, fail, edit the item by hand, restart, schedule every 5 minutes, and clean up."""
    # "Deploy the CloudFormation template", with the four parameters.
    reader.deploy(*PARAMETERS, *ROLE)
    # "Run the ELT orchestration": the table, in which the job is Ready; Start Execution; Running, with JobStart.
    table = reader.resource("DynamoDBETLAuditTable")
    assert table.startswith(f"{reader.stack}-DynamoDBETLAuditTable")
    assert reader.item == {"JobID": "101", "JobState": "Ready"}
    arn = reader.start()
    wait_for(lambda: reader.item["JobState"] == "Running", "the job runs", bounds.EXECUTION)
    assert _is_time(reader.item["JobStart"])
    assert "JobEnd" not in reader.item
    # "After Step Functions completes, JobState will be changed to Ready with JobStart and JobEnd time."
    barrier.open()
    assert reader.end(arn) == "SUCCEEDED"
    assert reader.item["JobState"] == "Ready"
    assert _is_time(reader.item["JobStart"])
    assert reader.item["JobStart"] < reader.item["JobEnd"]
    # "Validate the ELT orchestration".
    assert reader.counts() == {"customer": 2, "fact_yearly_sale": 2, "supplier": 2}
    # "Handling failure": the execution fails with the step; the issue is fixed; the item is edited; it is restarted.
    reader.sql(f"alter table {reader.name}.lineitem rename to gone")
    failed = reader.start()
    assert reader.end(failed) == "FAILED"
    assert "lineitem" in reader.steps.describe_execution(executionArn=failed)["cause"]
    assert (reader.item["JobState"], reader.item["FailedTask"]) == ("Failed", "load_fact_yearly_sale")
    reader.sql(f"alter table {reader.name}.gone rename to lineitem", f"insert into {reader.name}.lineitem values (3)")
    state = {"JobState": {"Value": {"S": "Ready"}, "Action": "PUT"}}
    reader.dynamodb.update_item(TableName=table, Key={"JobID": {"S": "101"}}, AttributeUpdates=state)
    assert reader.end(reader.start()) == "SUCCEEDED"
    assert (reader.item["JobState"], "FailedTask" in reader.item) == ("Ready", False)
    assert reader.counts()["fact_yearly_sale"] == 3
    _schedule(reader, Clock(local_aws))
    machine = reader.resource("RedshiftETLStepFunction")
    # "Clean up". The audit trail stays.
    boto3.client("cloudformation").delete_stack(StackName=reader.stack)
    with pytest.raises(reader.steps.exceptions.StateMachineDoesNotExist):
        reader.steps.start_execution(stateMachineArn=machine)
    assert reader.dynamodb.get_item(TableName=table, Key={"JobID": {"S": "101"}})["Item"]["JobState"]["S"] == "Ready"


def _schedule(reader: Reader, clock: Clock) -> None:
    """ "Schedule the ELT orchestration": every 5 minutes, by a line in the job instead of a rule and a role."""
    machine = reader.resource("RedshiftETLStepFunction")
    with (reader.folder / "job.yaml").open("a") as file:
        file.write("schedule: rate(5 minutes)\n")
    reader.deploy()

    def runs() -> list[str]:
        """The names of the scheduled runs that have succeeded."""
        found = reader.steps.list_executions(stateMachineArn=machine, statusFilter="SUCCEEDED")["executions"]
        return sorted(one["name"] for one in found if one["name"].startswith("scheduled-"))

    for number in (1, 2, 3):
        clock.advance(timedelta(minutes=5 if number > 1 else 0))
        wait_for(lambda number=number: len(runs()) == number, f"{number} scheduled runs", bounds.EXECUTION)
    times = [datetime.strptime(f"{name}+0000", "scheduled-%Y-%m-%dT%H-%M-%SZ%z") for name in runs()]
    assert [later - earlier for earlier, later in pairwise(times)] == [timedelta(minutes=5)] * 2
