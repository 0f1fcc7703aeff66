"""The template of an MWAA environment, which is written by hand. (tests/unit/aws/test_linted.py lets cfn-lint read
it.)"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import yaml
from botocore.validate import validate_parameters

from elt_redshift import mwaa
from elt_redshift.cli.main import main

TEMPLATE = yaml.safe_load((Path(__file__).parents[2] / "infra" / "mwaa.template.yaml").read_text())
RESOURCES = TEMPLATE["Resources"]
ACCOUNT, REGION = "111122223333", "eu-west-1"


def _put(text: str) -> str:
    """With what CloudFormation puts in the place of its own parameters, and a pattern of stacks."""
    values = {"AWS::Partition": "aws", "AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "JobStacks": "elt-jobs"}
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", value)
    return text


def test_the_role_may_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    """`elt-redshift policy mwaa` and the template agree on what Airflow needs for jobs."""
    assert main(["policy", "mwaa", "--account", ACCOUNT, "--region", REGION, "--stack", "elt-jobs"]) == 0
    printed = json.loads(capsys.readouterr().out)
    (policy,) = [one for one in RESOURCES["Role"]["Properties"]["Policies"] if one["PolicyName"] == "run-jobs"]
    written = json.loads(_put(json.dumps(policy["PolicyDocument"])))
    for statement in written["Statement"]:
        match statement["Resource"]:
            case {"Fn::Sub": one}:
                statement["Resource"] = one
            case list(several):
                statement["Resource"] = [one["Fn::Sub"] for one in several]
    assert written == printed


def test_it_offers_the_versions_that_are_packaged_for() -> None:
    """And takes the newest one, as `package` does."""
    version = TEMPLATE["Parameters"]["AirflowVersion"]
    assert version["AllowedValues"] == list(mwaa.IMAGES)
    assert version["Default"] == mwaa.NEWEST


def test_the_environment_fits_mwaas_api() -> None:
    """CreateEnvironment of AWS's service model takes every property, and the choices are some that it knows."""
    given = {**RESOURCES["Environment"]["Properties"]}
    texts = {
        "Name": "n",
        "AirflowVersion": "3.3.1",
        "EnvironmentClass": "mw1.small",
        "WebserverAccessMode": "PUBLIC_ONLY",
    }
    arns = {"ExecutionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/r", "SourceBucketArn": "arn:aws:s3:::bucket"}
    versions = {"PluginsS3ObjectVersion": "v", "RequirementsS3ObjectVersion": "v", "MaxWorkers": 2}
    network = {"SubnetIds": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]}
    given |= {**texts, **arns, **versions, "NetworkConfiguration": network, "Tags": {"a": "b"}}
    shape = botocore.session.get_session().get_service_model("mwaa").operation_model("CreateEnvironment").input_shape
    assert not validate_parameters(given, shape)
    modes = shape.members["WebserverAccessMode"].enum
    assert set(TEMPLATE["Parameters"]["WebServer"]["AllowedValues"]) <= set(modes)
    assert (given["DagS3Path"], given["PluginsS3Path"], given["RequirementsS3Path"]) == (
        "dags",
        "plugins.zip",
        "requirements.txt",
    )


def test_only_this_environment_s_mwaa_may_act_as_the_role() -> None:
    """The trust names the two services, the account and the environment."""
    (statement,) = RESOURCES["Role"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"]["Service"] == ["airflow.amazonaws.com", "airflow-env.amazonaws.com"]
    assert statement["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"].endswith(":environment/${EnvironmentName}")
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}


def test_nothing_is_public() -> None:
    """The bucket is nobody else's, and what Airflow runs in has no address of its own."""
    assert set(RESOURCES["Bucket"]["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
    assert RESOURCES["Bucket"]["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    subnets: list[Any] = RESOURCES["Environment"]["Properties"]["NetworkConfiguration"]["SubnetIds"]
    assert subnets == [{"Ref": "PrivateSubnetA"}, {"Ref": "PrivateSubnetB"}]
    ingress = [one for one in RESOURCES.values() if one["Type"] == "AWS::EC2::SecurityGroupIngress"]
    assert [one["Properties"]["SourceSecurityGroupId"] for one in ingress] == [{"Ref": "SecurityGroup"}]


def test_without_nat_every_service_has_an_endpoint() -> None:
    """Those of MWAA's own, and those that jobs call; what a role may do stands for what is called."""
    made = [one["Properties"] for one in RESOURCES.values() if one["Type"] == "AWS::EC2::VPCEndpoint"]
    services = {one["ServiceName"]["Fn::Sub"].rpartition(".")[2] for one in made}
    statements = [
        one for policy in RESOURCES["Role"]["Properties"]["Policies"] for one in policy["PolicyDocument"]["Statement"]
    ]
    actions = [one["Action"] if isinstance(one["Action"], list) else [one["Action"]] for one in statements]
    called = {action.partition(":")[0] for some in actions for action in some}
    assert services - {"sts"} == {{"cloudwatch": "monitoring"}.get(name, name) for name in called} - {"airflow"}
