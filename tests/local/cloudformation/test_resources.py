"""Resources beside state machines are made with all that their template asks for, and changed without loss."""

from __future__ import annotations

import json

from tests.local.cloudformation.stacks import ROLE, TABLE, create, machine, physical, refusal, table, update
from tests.local.conftest import ClientFactory
from tests.local.must_fail import beyond_stock

TTL = {"TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True}}
RECOVERY = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}


@beyond_stock("('DISABLED', 'DISABLED') == ('ENABLED', 'ENABLED')")
def test_tables_expire_and_recover(client: ClientFactory, unique: str) -> None:
    """Time to live and point-in-time recovery are on when the template says so, and off when it no longer does."""
    dynamodb = client("dynamodb")

    def state(name: str) -> tuple[str, str]:
        ttl = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["TimeToLiveStatus"]
        backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        return ttl, backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]

    create(client("cloudformation"), unique, {"Resources": {"Table": table(**TTL, **RECOVERY)}})
    name = physical(client("cloudformation"), unique, "Table")
    assert state(name) == ("ENABLED", "ENABLED")
    update(client("cloudformation"), unique, {"Resources": {"Table": TABLE}})
    assert state(name) == ("DISABLED", "DISABLED")


@beyond_stock("Unable to parse response")
def test_an_update_keeps_the_items_of_a_table(client: ClientFactory, unique: str) -> None:
    """Settings change in place: the audit items are still there."""
    create(client("cloudformation"), unique, {"Resources": {"Table": TABLE}})
    name = physical(client("cloudformation"), unique, "Table")
    client("dynamodb").put_item(TableName=name, Item={"JobID": {"S": "101"}})
    key = client("kms").create_key()["KeyMetadata"]["Arn"]
    changed = {
        "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
        "DeletionProtectionEnabled": "true",
        "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
    }
    template = {
        "Resources": {"Table": table(**changed)},
        "Outputs": {"Stream": {"Value": {"Fn::GetAtt": ["Table", "StreamArn"]}}},
    }
    stack = update(client("cloudformation"), unique, template)
    assert physical(client("cloudformation"), unique, "Table") == name
    assert client("dynamodb").scan(TableName=name)["Count"] == 1
    found = client("dynamodb").describe_table(TableName=name)["Table"]
    assert (found["DeletionProtectionEnabled"], found["SSEDescription"]["KMSMasterKeyArn"]) == (True, key)
    assert "/stream/" in stack["Outputs"][0]["OutputValue"]


@beyond_stock("['beside', 'one'] == ['beside', 'two']")
def test_roles_and_policies(client: ClientFactory, unique: str) -> None:
    """Inline and managed policies arrive at the role, change with the template, and go with the stack."""
    iam = client("iam")

    def document(action: str) -> dict[str, object]:
        return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}

    def template(action: str, inline: str) -> dict[str, object]:
        role = {**ROLE["Properties"], "Policies": [{"PolicyName": inline, "PolicyDocument": document(action)}]}  # type: ignore[dict-item]
        role["ManagedPolicyArns"] = ["arn:aws:iam::aws:policy/ReadOnlyAccess", {"Ref": "Managed"}]
        policy = {"PolicyName": "beside", "PolicyDocument": document(action), "Roles": [{"Ref": "Role"}]}
        return {
            "Resources": {
                "Role": {"Type": "AWS::IAM::Role", "Properties": role},
                "Beside": {"Type": "AWS::IAM::Policy", "Properties": policy},
                "Managed": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document(action)}},
            }
        }

    create(client("cloudformation"), unique, template("s3:GetObject", "one"))
    role, managed = (physical(client("cloudformation"), unique, name) for name in ("Role", "Managed"))
    update(client("cloudformation"), unique, template("s3:PutObject", "two"))
    assert sorted(iam.list_role_policies(RoleName=role)["PolicyNames"]) == ["beside", "two"]
    for policy in ("two", "beside"):
        found = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
        assert found["Statement"][0]["Action"] == "s3:PutObject"
    attached = {item["PolicyArn"] for item in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]}
    assert attached == {"arn:aws:iam::aws:policy/ReadOnlyAccess", managed}
    assert iam.get_policy(PolicyArn=managed)["Policy"]["DefaultVersionId"] == "v2"
    client("cloudformation").delete_stack(StackName=unique)
    assert refusal(lambda: iam.get_policy(PolicyArn=managed))[0] == "NoSuchEntity"


@beyond_stock("assert 't")
def test_rules_change_in_place(client: ClientFactory, unique: str) -> None:
    """A rule keeps its name when its pattern changes, and loses the targets that the template drops."""

    def template(source: str, targets: list[str]) -> dict[str, object]:
        arn = {"Ref": "Topic"}
        rule = {"EventPattern": {"source": [source]}, "Targets": [{"Id": name, "Arn": arn} for name in targets]}
        return {
            "Resources": {
                "Topic": {"Type": "AWS::SNS::Topic"},
                "Rule": {"Type": "AWS::Events::Rule", "Properties": rule},
            }
        }

    create(client("cloudformation"), unique, template("one", ["a", "b"]))
    name = physical(client("cloudformation"), unique, "Rule")
    update(client("cloudformation"), unique, template("two", ["b"]))
    assert physical(client("cloudformation"), unique, "Rule") == name
    rule = client("events").describe_rule(Name=name)
    assert json.loads(rule["EventPattern"]) == {"source": ["two"]}
    assert [target["Id"] for target in client("events").list_targets_by_rule(Rule=name)["Targets"]] == ["b"]


@beyond_stock("Unable to parse response")
def test_schedules(client: ClientFactory, unique: str) -> None:
    """A schedule of EventBridge Scheduler is made, changed and deleted with its stack."""

    def template(expression: str) -> dict[str, object]:
        role = {"Fn::GetAtt": ["Role", "Arn"]}
        schedule = {
            "ScheduleExpression": expression,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {"Arn": {"Ref": "Machine"}, "RoleArn": role, "Input": "{}"},
        }
        resource = {"Type": "AWS::Scheduler::Schedule", "Properties": schedule}
        return {"Resources": {"Role": ROLE, "Machine": machine(), "Nightly": resource}}

    create(client("cloudformation"), unique, template("cron(0 2 * * ? *)"))
    name = physical(client("cloudformation"), unique, "Nightly")
    update(client("cloudformation"), unique, template("cron(0 3 * * ? *)"))
    found = client("scheduler").get_schedule(Name=name)
    assert (found["ScheduleExpression"], found["State"]) == ("cron(0 3 * * ? *)", "ENABLED")
    client("cloudformation").delete_stack(StackName=unique)
    assert refusal(lambda: client("scheduler").get_schedule(Name=name))[0] == "ResourceNotFoundException"


@beyond_stock("does not support attribute type TopicArn")
def test_topics_and_log_groups(client: ClientFactory, unique: str) -> None:
    """Numbers given as texts are understood, attributes can be read, and both go with the stack."""
    template = {
        "Resources": {
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "one"}},
            "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": unique, "RetentionInDays": "7"}},
        },
        "Outputs": {"Topic": {"Value": {"Fn::GetAtt": ["Topic", "TopicArn"]}}},
    }
    arn = create(client("cloudformation"), unique, template)["Outputs"][0]["OutputValue"]
    assert client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]["DisplayName"] == "one"
    assert client("logs").describe_log_groups(logGroupNamePrefix=unique)["logGroups"][0]["retentionInDays"] == 7
    client("cloudformation").delete_stack(StackName=unique)
    assert refusal(lambda: client("sns").get_topic_attributes(TopicArn=arn))[0] in {"NotFound", "NotFoundException"}
    assert client("logs").describe_log_groups(logGroupNamePrefix=unique)["logGroups"] == []


def test_topic_policies_and_alarms(client: ClientFactory, unique: str) -> None:
    """They change in place and go with the stack; a topic without a policy of its own has the default one again."""
    sns, cloudwatch = client("sns"), client("cloudwatch")

    def template(sid: str | None, threshold: int) -> dict[str, object]:
        statement = {"Sid": sid, "Effect": "Deny", "Principal": "*", "Action": "sns:Publish", "Resource": "*"}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        policy = {"Topics": [{"Ref": "Topic"}], "PolicyDocument": document}
        alarm = {
            "Namespace": "AWS/States",
            "MetricName": "ExecutionsFailed",
            "Dimensions": [{"Name": "StateMachineArn", "Value": "arn"}],
            "ComparisonOperator": "GreaterThanThreshold",
            "EvaluationPeriods": "1",
            "Period": 300,
            "Statistic": "Sum",
            "Threshold": threshold,
            "AlarmActions": [{"Ref": "Topic"}],
        }
        resources = {
            "Topic": {"Type": "AWS::SNS::Topic"},
            "Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm},
            **({"Policy": {"Type": "AWS::SNS::TopicPolicy", "Properties": policy}} if sid else {}),
        }
        return {"Resources": resources, "Outputs": {"Topic": {"Value": {"Ref": "Topic"}}}}

    def sids(arn: str) -> list[str | None]:
        document = json.loads(sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"])
        return [one.get("Sid") for one in document["Statement"]]

    arn = create(client("cloudformation"), unique, template("first", 0))["Outputs"][0]["OutputValue"]
    alarm = physical(client("cloudformation"), unique, "Alarm")
    assert sids(arn) == ["first"]
    update(client("cloudformation"), unique, template("second", 5))
    assert sids(arn) == ["second"]
    (found,) = cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
    assert (found["Threshold"], found["AlarmActions"], found["EvaluationPeriods"]) == (5, [arn], 1)
    update(client("cloudformation"), unique, template(None, 5))
    assert "second" not in sids(arn)
    client("cloudformation").delete_stack(StackName=unique)
    assert cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"] == []


@beyond_stock("'1209600' != '345600'")
def test_queues_and_their_policies(client: ClientFactory, unique: str) -> None:
    """A queue keeps its URL and its messages when settings or its policy change, and goes with the stack."""
    sqs = client("sqs")

    def template(effect: str, **properties: object) -> dict[str, object]:
        statement = {
            "Effect": effect,
            "Principal": "*",
            "Action": "sqs:*",
            "Resource": {"Fn::GetAtt": ["Queue", "Arn"]},
        }
        document = {"Version": "2012-10-17", "Statement": [statement]}
        policy = {"Queues": [{"Ref": "Queue"}], "PolicyDocument": document}
        return {
            "Resources": {
                "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": unique, **properties}},
                "Policy": {"Type": "AWS::SQS::QueuePolicy", "Properties": policy},
            },
            "Outputs": {"Queue": {"Value": {"Fn::GetAtt": ["Queue", "Arn"]}}},
        }

    def attributes(url: str) -> dict[str, str]:
        return dict(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"])

    made = create(client("cloudformation"), unique, template("Allow", MessageRetentionPeriod=1209600))
    assert made["Outputs"][0]["OutputValue"] == f"arn:aws:sqs:us-east-1:123456789012:{unique}"
    url = physical(client("cloudformation"), unique, "Queue")
    sqs.send_message(QueueUrl=url, MessageBody="kept")
    update(client("cloudformation"), unique, template("Deny", VisibilityTimeout="5"))
    found = attributes(url)
    assert (found["MessageRetentionPeriod"], found["VisibilityTimeout"]) == ("345600", "5")
    assert json.loads(found["Policy"])["Statement"][0]["Effect"] == "Deny"
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "kept"
    client("cloudformation").delete_stack(StackName=unique)
    assert "NonExistentQueue" in refusal(lambda: attributes(url))[0]


def test_buckets_of_moto(client: ClientFactory, unique: str) -> None:
    """Types that moto makes by itself work too, with their attributes."""
    template = {
        "Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": unique}}},
        "Outputs": {"Bucket": {"Value": {"Fn::GetAtt": ["Bucket", "Arn"]}}},
    }
    stack = create(client("cloudformation"), unique, template)
    assert stack["Outputs"][0]["OutputValue"] == f"arn:aws:s3:::{unique}"
    client("s3").head_bucket(Bucket=unique)
    client("cloudformation").delete_stack(StackName=unique)
    assert refusal(lambda: client("s3").head_bucket(Bucket=unique))[0] == "404"
