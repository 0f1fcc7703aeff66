"""AWS's own sample stacks for ELT on Redshift by Step Functions are deployed and run as they are, but for two things:
they wait a second where they wait five or ten, and no function installs packages, which it would do on this machine.

They are AWS's, and not kept here: ELT_REDSHIFT_AWS_SAMPLES names the folder ``use-cases`` of a clone of
https://github.com/aws-samples/getting-started-with-amazon-redshift-data-api, with each stack's template as
``template.yaml`` and the scripts that it reads from S3 beside that.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from elt_redshift.local.process import LocalAws
from tests import bounds
from tests.local.cloudformation.stacks import create
from tests.local.conftest import client_factory
from tests.local.waiting import wait_for

SAMPLES = os.environ.get("ELT_REDSHIFT_AWS_SAMPLES")
ENDPOINT = "warehouse.xxxxxx.us-east-1.redshift.amazonaws.com:5439/dev"


def _template(folder: Path) -> str:
    text = re.sub(r'"Seconds": \d+', '"Seconds": 1', (folder / "template.yaml").read_text())
    return "".join(line for line in text.splitlines(keepends=True) if "main(['install'" not in line)


@pytest.mark.exhaustive
@pytest.mark.skipif(SAMPLES is None, reason="ELT_REDSHIFT_AWS_SAMPLES does not say where AWS's samples are")
@pytest.mark.parametrize(
    ("name", "scripts", "starts"),
    [
        ("etl-orchestration-with-step-functions", "{bucket}", True),
        ("etl-orchestration-with-lambda-and-step-functions", "s3://{bucket}/", False),
    ],
)
def test_a_sample_of_aws_runs(local_aws: LocalAws, unique: str, name: str, scripts: str, starts: bool) -> None:
    """The first one's stack starts its state machine by a custom resource; in the second one a function runs the SQL.
    Each loads its tables, and is deleted without a trace."""
    clients, folder = client_factory(local_aws.endpoint), Path(str(SAMPLES), name)
    cloudformation, states, s3 = (clients(one) for one in ("cloudformation", "stepfunctions", "s3"))
    s3.create_bucket(Bucket=unique)
    for script in folder.glob("*.sql"):
        s3.put_object(Bucket=unique, Key=script.name, Body=script.read_bytes())
    where = {"RedshiftClusterEndpoint": ENDPOINT, "ETLScriptS3Path": scripts.format(bucket=unique)}
    stack = create(cloudformation, name, _template(folder), **where)
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    machine = outputs["RedshiftETLStepFunctionArn"]
    started = states.list_executions(stateMachineArn=machine)["executions"]
    assert len(started) == starts
    arn = (started[0] if starts else states.start_execution(stateMachineArn=machine))["executionArn"]
    describe = states.describe_execution
    wait_for(lambda: describe(executionArn=arn)["status"] != "RUNNING", "the sample ends", bounds.EXECUTION)
    assert describe(executionArn=arn)["status"] == "SUCCEEDED"
    cloudformation.delete_stack(StackName=name)
    assert cloudformation.describe_stacks(StackName=stack["StackId"])["Stacks"][0]["StackStatus"] == "DELETE_COMPLETE"
