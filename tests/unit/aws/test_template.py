"""The CloudFormation template. (`make check` also runs cfn-lint over infra/.)"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.validate import validate_parameters

from elt_redshift.asl.compiler import compile_job
from elt_redshift.asl.patterns.answering import answering_flow
from elt_redshift.asl.target import Target
from elt_redshift.aws.stacks import MAX_INLINE
from elt_redshift.aws.template.alarms import looking_back
from elt_redshift.aws.template.choices import Choices
from elt_redshift.aws.template.machine import MACHINE
from elt_redshift.aws.template.rendering import render
from elt_redshift.job.model import EltJob, Notify, Schedule
from tests.unit.asl.jobs import JOBS, job, task

_NO_VALUE = {"Ref": "AWS::NoValue"}
PREFIX, HERE = "arn:${AWS::Partition}", "${AWS::Region}:${AWS::AccountId}"


def _template(job: EltJob) -> dict[str, Any]:
    return render(compile_job(job)).template


def _statements(template: dict[str, Any]) -> list[dict[str, Any]]:
    return template["Resources"]["StateMachineRights"]["Properties"]["PolicyDocument"]["Statement"]


def test_the_role_may_do_what_the_machine_does_and_nothing_else() -> None:
    """A job without batches needs no BatchExecuteStatement; only actions that know no resource have '*'."""
    rights = {
        action: statement["Resource"]
        for statement in _statements(_template(JOBS["chain"]))
        if "Action" in statement
        for action in statement["Action"]
    }
    assert sorted(rights) == [
        "dynamodb:GetItem",
        "dynamodb:UpdateItem",
        "redshift-data:CancelStatement",
        "redshift-data:DescribeStatement",
        "redshift-data:ExecuteStatement",
        "redshift-data:ListStatements",
        "states:DescribeExecution",
    ]
    assert [action for action, resource in rights.items() if resource == "*"] == [
        "redshift-data:CancelStatement",
        "redshift-data:DescribeStatement",
        "redshift-data:ListStatements",
    ]
    assert "redshift-data:BatchExecuteStatement" in json.dumps(_template(JOBS["batch_auto_commit"]))


def test_the_articles_parameters_are_there() -> None:
    """The template asks for what AWS's article asks for, and for the alternatives."""
    assert set(_template(JOBS["chain"])["Parameters"]) == {
        "RedshiftClusterIdentifier",
        "DatabaseUserName",
        "DatabaseName",
        "RedshiftIAMRoleARN",
        "WorkgroupName",
        "SecretArn",
        "PermissionsBoundary",
        "RolePath",
        "LogLevel",
        "LogExecutionData",
        "LogRetentionDays",
        "Tracing",
        "KmsKeyArn",
    }


def test_options_reach_each_resource_of_a_type() -> None:
    """Every role has the boundary and the path, whichever part it belongs to; without values it has neither."""
    resources = _template(job(task("a", wait="event"), schedule=Schedule(rate="1 day")))["Resources"]
    roles = [made["Properties"] for made in resources.values() if made["Type"] == "AWS::IAM::Role"]
    assert len(roles) > 6
    assert all(role["Path"]["Fn::If"] == ["HasRolePath", {"Ref": "RolePath"}, _NO_VALUE] for role in roles)
    assert all({"use-the-key"} <= _names_of_policies(role) for role in roles)
    boundary = ["HasPermissionsBoundary", {"Ref": "PermissionsBoundary"}, _NO_VALUE]
    assert all(role["PermissionsBoundary"]["Fn::If"] == boundary for role in roles)


def test_only_waiting_for_events_brings_a_rule() -> None:
    """The rule starts the Express machine; that one answers tokens and writes join items, and does nothing else."""
    assert "StatementEventRule" not in _template(JOBS["n"])["Resources"]
    resources = _template(JOBS["event"])["Resources"]
    (target,) = resources["StatementEventRule"]["Properties"]["Targets"]
    assert target["Arn"] == {"Ref": "StatementEventStepFunction"}
    assert resources["StatementEventStepFunction"]["Properties"]["StateMachineType"] == "EXPRESS"
    assert _inline(resources["StatementEventRuleRole"]) == [
        (["states:StartExecution"], {"Ref": "StatementEventStepFunction"})
    ]
    assert _inline(resources["StatementEventRole"]) == [
        (["states:SendTaskFailure", "states:SendTaskSuccess"], "*"),
        (["dynamodb:UpdateItem"], {"Fn::GetAtt": ["JoinTable", "Arn"]}),
    ]
    assert "JoinTable" in resources


def _names_of_policies(role: dict[str, Any]) -> set[str]:
    return {(one["Fn::If"][1] if "Fn::If" in one else one)["PolicyName"] for one in role["Policies"]}


def test_options_of_machines_reach_all_of_them() -> None:
    """Each is logged, traced and encrypted as the stack's parameters say, and its role may do what that takes."""
    resources = _template(job(task("a", wait="event"), schedule=Schedule(rate="1 day")))["Resources"]
    machines = [made["Properties"] for made in resources.values() if made["Type"] == "AWS::StepFunctions::StateMachine"]
    assert len(machines) == 4
    for machine in machines:
        assert machine["LoggingConfiguration"]["Fn::If"][2] == {"Level": "OFF"}
        assert machine["TracingConfiguration"] == {"Enabled": {"Fn::If": ["TracesExecutions", True, False]}}
        assert machine["EncryptionConfiguration"]["Fn::If"][2] == {"Type": "AWS_OWNED_KEY"}
        role = resources[machine["RoleArn"]["Fn::GetAtt"][0]]["Properties"]
        assert {"log-executions", "trace-executions", "use-the-key"} <= _names_of_policies(role)
    assert not {"log-executions"} & _names_of_policies(resources["ScheduleRole"]["Properties"])


def test_what_is_kept_is_encrypted_with_the_stacks_key() -> None:
    """Tables, queues and logs, by the same parameter; without it AWS's keys do it, as before."""
    resources = _template(job(task("a", wait="event"), schedule=Schedule(rate="1 day")))["Resources"]
    key = {"Ref": "KmsKeyArn"}
    for made in resources.values():
        properties = made.get("Properties", {})
        if made["Type"] == "AWS::DynamoDB::Table":
            own = {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
            assert properties["SSESpecification"]["Fn::If"] == ["OwnKey", own, {"SSEEnabled": True}]
        elif made["Type"] == "AWS::SQS::Queue":
            assert properties["KmsMasterKeyId"] == {"Fn::If": ["OwnKey", key, _NO_VALUE]}
            assert properties["SqsManagedSseEnabled"] == {"Fn::If": ["OwnKey", False, True]}
        elif made["Type"] == "AWS::Logs::LogGroup":
            assert properties["KmsKeyId"] == {"Fn::If": ["OwnKey", key, _NO_VALUE]}


def _notifying(**more: Any) -> dict[str, Any]:
    return _template(job(task("a"), notify=Notify(**more)))


def test_a_job_that_notifies_has_a_topic_and_alarms() -> None:
    """Its alarms may publish to the topic, and so may the machine behind the ends of runs; whoever does uses TLS."""
    template = _notifying()
    resources = template["Resources"]
    topic = {"Ref": "NotificationTopic"}
    own_key = {"Fn::If": ["OwnKey", {"Ref": "KmsKeyArn"}, _NO_VALUE]}
    assert resources["NotificationTopic"]["Properties"]["KmsMasterKeyId"] == own_key
    allowed, refused = resources["NotificationTopicPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (allowed["Principal"], allowed["Resource"]) == ({"Service": "cloudwatch.amazonaws.com"}, topic)
    assert (refused["Effect"], refused["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert (["sns:Publish"], topic) in _inline(resources["RunEndRole"])
    alarms = [one["Properties"] for one in resources.values() if one["Type"] == "AWS::CloudWatch::Alarm"]
    assert [(one["Dimensions"][0]["Value"]["Ref"], one["MetricName"], one["AlarmActions"]) for one in alarms] == [
        (machine, metric, [topic])
        for machine in (MACHINE, "RunEndStepFunction")
        for metric in ("ExecutionsFailed", "ExecutionsTimedOut")
    ]


def test_a_schedule_s_missed_starts_ring_too() -> None:
    """As long as the queue holds any; without a schedule there is no such alarm."""
    assert "MissedStartsAlarm" not in _notifying()["Resources"]
    resources = _template(job(task("a"), notify=Notify(), schedule=Schedule(rate="1 day")))["Resources"]
    alarm = resources["MissedStartsAlarm"]["Properties"]
    queue = [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["MissedStarts", "QueueName"]}}]
    assert (alarm["Namespace"], alarm["Dimensions"], alarm["Statistic"]) == ("AWS/SQS", queue, "Maximum")
    assert alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
    assert alarm["AlarmActions"] == [{"Ref": "NotificationTopic"}]


def test_a_job_that_does_not_succeed_for_too_long_rings() -> None:
    """Also when nothing is counted at all; a schedule that starts nothing has no such alarm."""

    def resources(**schedule: Any) -> dict[str, Any]:
        notify = Notify(not_succeeded_for=3)
        return _template(job(task("a"), notify=notify, schedule=Schedule(rate="1 hour", **schedule)))["Resources"]

    made = resources()
    alarm = made["NotSucceededAlarm"]["Properties"]
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"]) == ("ELT/Redshift", "RunsSucceeded", "Sum")
    assert alarm["Dimensions"] == [{"Name": "StateMachineArn", "Value": {"Ref": MACHINE}}]
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)
    assert (alarm["TreatMissingData"], alarm["Period"] * alarm["EvaluationPeriods"]) == ("breaching", 3 * 3600)
    rights = [one for one in _documents(made["RunEndRole"]) if "cloudwatch:PutMetricData" in one["Action"]]
    assert [one["Condition"] for one in rights] == [{"StringEquals": {"cloudwatch:namespace": "ELT/Redshift"}}]
    assert "NotSucceededAlarm" not in resources(enabled=False)


@pytest.mark.parametrize("seconds", [60, 300, 900, 3599, 3601, 86_000, 86_400, 86_460, 259_200, 604_800])
def test_an_alarm_looks_back_as_far_as_cloudwatch_takes(seconds: int) -> None:
    """At least so far, a little more at most, and within the limits: a day in periods under an hour, else 7 days."""
    back = looking_back(seconds)
    whole = back["Period"] * back["EvaluationPeriods"]
    assert seconds <= whole < seconds + back["Period"]
    assert back["Period"] % 60 == 0
    assert whole <= (86_400 if back["Period"] < 3600 else 604_800)


def test_a_job_may_notify_by_a_topic_that_there_is() -> None:
    """Nothing is made but the alarms, if they are wanted."""
    arn = "arn:aws:sns:eu-west-1:123456789012:told"
    template = _notifying(sns=arn, alarms=False)
    kinds = [one["Type"] for one in template["Resources"].values()]
    assert not [kind for kind in kinds if kind.startswith(("AWS::SNS", "AWS::CloudWatch"))]
    published = template["Resources"]["RunEndStepFunction"]["Properties"]["Definition"]["States"]["publish"]
    assert published["Arguments"]["TopicArn"] == arn
    assert (["sns:Publish"], arn) in _inline(template["Resources"]["RunEndRole"])


def test_a_job_that_notifies_nobody_has_no_topic() -> None:
    """Nor the right to publish anywhere."""
    assert "sns:Publish" not in json.dumps(_template(JOBS["one_task"]))


def _inline(role: dict[str, Any]) -> list[tuple[list[str], Any]]:
    policy = role["Properties"]["Policies"][0]  # behind it are those of options
    return [(one["Action"], one["Resource"]) for one in policy["PolicyDocument"]["Statement"]]


def test_every_job_has_a_machine_for_what_follows_its_ends() -> None:
    """A rule for the ends of the job's runs starts it; it reads these runs and their histories, reads and writes the
    audit item, keeps how they ended, and no more."""
    resources = _template(JOBS["n"])["Resources"]
    rule = resources["RunEndRule"]["Properties"]
    assert rule["EventPattern"] == {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {
            "stateMachineArn": [{"Ref": MACHINE}],
            "status": ["RUNNING", "ABORTED", "FAILED", "SUCCEEDED", "TIMED_OUT"],
        },
    }
    assert [target["Arn"] for target in rule["Targets"]] == [{"Ref": "RunEndStepFunction"}]
    assert resources["RunEndStepFunction"]["Properties"]["StateMachineType"] == "EXPRESS"
    runs = f"{PREFIX}:states:{HERE}:execution:${{{MACHINE}.Name}}:*"
    assert _inline(resources["RunEndRole"]) == [
        (["dynamodb:GetItem", "dynamodb:UpdateItem"], {"Fn::GetAtt": ["DynamoDBETLAuditTable", "Arn"]}),
        (["dynamodb:Query", "dynamodb:UpdateItem"], {"Fn::GetAtt": ["HistoryTable", "Arn"]}),
        (["events:PutEvents"], {"Fn::Sub": f"{PREFIX}:events:{HERE}:event-bus/default"}),
        (["states:DescribeExecution", "states:GetExecutionHistory"], {"Fn::Sub": runs}),
        (["states:ListExecutions"], {"Ref": MACHINE}),
    ]
    assert resources["RunEndRights"]["Properties"]["Roles"] == [{"Ref": "RunEndRole"}]
    (itself,) = resources["RunEndRights"]["Properties"]["PolicyDocument"]["Statement"]
    assert (itself["Action"], itself["Resource"]) == (["states:StartExecution"], {"Ref": "RunEndStepFunction"})


def test_the_express_machine_calls_what_its_role_allows() -> None:
    """Every action of its states is in the role's policy, and nothing more."""
    allowed = {
        action
        for actions, _ in _inline(_template(JOBS["event"])["Resources"]["StatementEventRole"])
        for action in actions
    }
    assert {need.action for need in answering_flow(Target()).needs()} == allowed


def _documents(value: Any) -> Iterator[dict[str, Any]]:
    """All policy statements in a part of a template."""
    match value:
        case {"Effect": "Allow", "Resource": _}:
            yield value
        case dict():
            yield from (found for one in value.values() for found in _documents(one))
        case list():
            yield from (found for one in value for found in _documents(one))


def test_whatever_is_allowed_on_anything_has_its_reason() -> None:
    """Each action on `*`, in the template of any job, stands in the table of docs/security.md, and no other does."""
    notify = Notify(not_succeeded_for=2)
    everything = job(task("a", wait="event"), schedule=Schedule(rate="1 day"), notify=notify)
    statements = [one for made in (*JOBS.values(), everything) for one in _documents(_template(made)["Resources"])]
    wide = {action for one in statements if one["Resource"] == "*" for action in one["Action"]}
    page = (Path(__file__).parents[3] / "docs" / "security.md").read_text()
    table = page.partition("### What is allowed on `*`")[2].partition("\n\nTwo more")[0]
    assert wide == set(re.findall(r"`([a-z-]+:[A-Z]\w+)`", table))


def test_each_role_is_one_service_s_that_acts_for_something_here() -> None:
    """Who else has it assumed, or for whom else, is refused."""
    resources = _template(job(task("a", wait="event"), schedule=Schedule(rate="1 day"), notify=Notify()))["Resources"]
    trusted = {}
    for name, made in resources.items():
        if made["Type"] == "AWS::IAM::Role":
            (statement,) = made["Properties"]["AssumeRolePolicyDocument"]["Statement"]
            assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
            trusted[name] = statement["Principal"]["Service"], statement["Condition"]["ArnLike"]["aws:SourceArn"]
    machines = "states.amazonaws.com", {"Fn::Sub": f"{PREFIX}:states:{HERE}:stateMachine:*"}
    rules = "events.amazonaws.com", {"Fn::Sub": f"{PREFIX}:events:{HERE}:rule/*"}
    assert trusted == {
        "StateMachineRole": machines,
        "RunEndRole": machines,
        "StatementEventRole": machines,
        "ScheduledStartRole": machines,
        "RunEndRuleRole": rules,
        "StatementEventRuleRole": rules,
        "ScheduleRole": ("scheduler.amazonaws.com", {"Fn::GetAtt": ["ScheduleGroup", "Arn"]}),
    }


def test_the_copy_role_is_required_only_where_sql_uses_it() -> None:
    """A job whose SQL names ${RedshiftIAMRoleARN} cannot be deployed without it."""
    copying = job(task("a", sql=("copy t from 's3://b/k' iam_role '${RedshiftIAMRoleARN}'",)))
    parameters = [_template(one)["Parameters"]["RedshiftIAMRoleARN"] for one in (copying, JOBS["chain"])]
    assert ["Default" in parameter for parameter in parameters] == [False, True]
    assert [bool(re.fullmatch(parameter["AllowedPattern"], "")) for parameter in parameters] == [False, True]


@pytest.mark.parametrize("name", ["n", "map", "functions", "audit_in_redshift"])
def test_what_a_parameter_has_to_be_is_said_in_words(name: str) -> None:
    """CloudFormation tells who gives a wrong one these words, instead of a pattern or nothing; an example in them is a
    right one."""
    parameters = render(compile_job(JOBS[name]), Choices(shared_audit_table=True)).template["Parameters"]
    assert len(parameters) > 10
    for parameter in parameters.values():
        words = parameter["ConstraintDescription"]
        _, as_in, example = words.partition(", as in ")
        assert not as_in or re.fullmatch(parameter["AllowedPattern"], example), words
        assert "AllowedValues" not in parameter or f"{parameter['Default']}" in words


def test_infra_is_in_step() -> None:
    """The rendered template of the demo's job under infra/ is what `elt-redshift template yearly_sales` prints."""
    root = Path(__file__).parents[3]
    rendered = _template(EltJob.load(root / "sql" / "yearly_sales"))
    assert json.loads((root / "infra" / "yearly_sales.template.json").read_text()) == rendered


def test_the_definition_names_the_warehouse_by_condition() -> None:
    """Cluster or workgroup, user or secret: the parameters decide at deployment."""
    machine = _template(JOBS["one_task"])["Resources"][MACHINE]["Properties"]["Definition"]
    arguments = machine["States"]["a"]["Arguments"]
    assert arguments["ClusterIdentifier"]["Fn::If"][0] == "UseCluster"
    assert arguments["WorkgroupName"]["Fn::If"][0] == "UseWorkgroup"
    assert "Fn::If" not in arguments["Database"]


def test_only_a_graph_with_joins_brings_their_table() -> None:
    """The table's items expire by themselves; the role may write them, and wake who waits."""
    assert "JoinTable" not in _template(JOBS["nested"])["Resources"]
    template = _template(JOBS["n"])
    expiry = template["Resources"]["JoinTable"]["Properties"]["TimeToLiveSpecification"]
    assert expiry == {"AttributeName": "ExpiresAt", "Enabled": True}
    allowed = [(one["Action"], one["Resource"]) for one in _statements(template) if "Action" in one]
    assert (["dynamodb:UpdateItem"], {"Fn::GetAtt": ["JoinTable", "Arn"]}) in allowed
    assert any("states:SendTaskSuccess" in actions and resource == "*" for actions, resource in allowed)


def test_past_runs_expire_by_themselves() -> None:
    """They are found by job and by outcome, in the order of their starts; the table outlives the stack."""
    table = _template(JOBS["one_task"])["Resources"]["HistoryTable"]
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert table["Properties"]["TimeToLiveSpecification"] == {"AttributeName": "ExpiresAt", "Enabled": True}
    indexes = [table["Properties"], *table["Properties"]["GlobalSecondaryIndexes"]]
    keys = [[part["AttributeName"] for part in one["KeySchema"]] for one in indexes]
    assert keys == [["RunsOf", "Entry"], ["JobOutcome", "Entry"]]


@pytest.mark.parametrize(("runtime", "role"), [("data_api", "StateMachineRole"), ("lambda", "SqlFunctionRole")])
def test_the_database_user_is_that_of_the_role_that_connects(runtime: Any, role: str) -> None:
    """Where nobody has named one, the output tells to whom to grant what the SQL needs."""
    made = job(task("a", timeout=timedelta(minutes=1)), runtime=runtime)
    output = _template(made)["Outputs"]["DatabaseUser"]
    assert (output["Condition"], output["Value"]) == ("UseIdentity", {"Fn::Sub": f"IAMR:${{{role}}}"})


def test_tables_go_with_the_stack_where_that_is_chosen() -> None:
    """The policies of deletion say so, and a tag, by whose change CloudFormation takes another policy; a replaced table
    is never deleted, and what serves running executions always goes."""
    kept, gone = (render(compile_job(JOBS["n"]), Choices(keeps_tables=keeps)).template for keeps in (True, False))
    for table in ("DynamoDBETLAuditTable", "HistoryTable"):
        policies = [
            (one["DeletionPolicy"], one["UpdateReplacePolicy"], one["Properties"]["Tags"])
            for one in (kept["Resources"][table], gone["Resources"][table])
        ]
        assert policies == [
            (policy, "Retain", [{"Key": "elt-redshift:outlives-stack", "Value": said}])
            for policy, said in (("RetainExceptOnCreate", "yes"), ("Delete", "no"))
        ]
    assert kept["Resources"]["JoinTable"] == gone["Resources"]["JoinTable"]
    assert [one["Outputs"]["TablesOutliveStack"]["Value"] for one in (kept, gone)] == ["yes", "no"]


def test_a_distributed_map_may_do_what_it_needs() -> None:
    """It starts, stops and redrives its own children only, and reads the job file and nothing else in S3."""
    template = _template(JOBS["map"])
    rights: dict[str, list[Any]] = {}
    for statement in _statements(template):
        for action in statement.get("Action", ()):
            rights.setdefault(action, []).append(statement["Resource"])
    children = {"Fn::Sub": "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:execution:" + _CHILDREN}
    assert rights["states:StartExecution"] == [{"Ref": MACHINE}]
    assert rights["states:StopExecution"] == rights["states:RedriveExecution"] == [children]
    assert children in rights["states:DescribeExecution"]
    assert rights["s3:GetObject"] == [{"Fn::Sub": "arn:${AWS::Partition}:s3:::${JobFileBucket}/${JobFileKey}"}]
    assert {"JobFileBucket", "JobFileKey"} <= set(template["Parameters"])


_CHILDREN = f"${{{MACHINE}.Name}}/tasks:*"


def test_the_template_of_a_large_job_is_small() -> None:
    """A job of any size has a template of some 115 KB, 13 of them for the follower of runs that began with less;
    its tasks are in the job file, with which it is uploaded."""
    rendered = render(compile_job(job(*(task(f"t{number}") for number in range(1200)))))
    assert len(json.dumps(rendered.template, separators=(",", ":"))) <= 2.3 * MAX_INLINE
    assert len(json.loads(rendered.job_file or b"[]")) == 1200


def _scheduled(**schedule: Any) -> dict[str, Any]:
    made = job(task("a"), schedule=Schedule(**schedule))
    return _template(made)["Resources"]


def test_only_a_schedule_brings_what_starts_runs() -> None:
    """The scheduler starts an Express machine, which starts the job's; what fails for good goes to the queue."""
    assert not {"Schedule", "ScheduleGroup", "MissedStarts"} & set(_template(JOBS["n"])["Resources"])
    resources = _scheduled(cron="30 5 * * ? *", timezone="Europe/Berlin")
    schedule = resources["Schedule"]["Properties"]
    assert schedule["ScheduleExpression"] == "cron(30 5 * * ? *)"
    assert schedule["ScheduleExpressionTimezone"] == "Europe/Berlin"
    assert (schedule["State"], schedule["FlexibleTimeWindow"]) == ("ENABLED", {"Mode": "OFF"})
    assert schedule["Target"]["Arn"] == {"Ref": "ScheduledStartStepFunction"}
    queue = {"Fn::GetAtt": ["MissedStarts", "Arn"]}
    assert schedule["Target"]["DeadLetterConfig"] == {"Arn": queue}
    assert _inline(resources["ScheduleRole"]) == [
        (["states:StartExecution"], {"Ref": "ScheduledStartStepFunction"}),
        (["sqs:SendMessage"], queue),
    ]
    assert _inline(resources["ScheduledStartRole"]) == [
        (["states:StartExecution"], {"Ref": MACHINE}),
        (["sqs:SendMessage"], queue),
    ]


def test_a_schedule_starts_nothing_before_a_run_has_its_rights() -> None:
    """A rate starts the first run at once: what a run needs beside the machine is there by then."""
    assert _scheduled(rate="5 minutes")["Schedule"]["DependsOn"] == ["StateMachineRights", "RunEndRule"]


@pytest.mark.parametrize(
    ("schedule", "seconds"),
    [({"rate": "1 minute"}, 60), ({"rate": "5 minutes"}, 300), ({"rate": "3 days"}, 86_400)],
)
def test_a_start_is_tried_until_the_next_one(schedule: dict[str, str], seconds: int) -> None:
    """What could not be started when the next start is due is a message in the queue."""
    policy = _scheduled(**schedule)["Schedule"]["Properties"]["Target"]["RetryPolicy"]
    assert policy == {"MaximumEventAgeInSeconds": seconds, "MaximumRetryAttempts": 185}


def test_what_the_scheduler_is_told_fits_its_api() -> None:
    """CreateSchedule of AWS's service model takes every property, with its types and limits."""
    properties = _scheduled(rate="5 minutes", enabled=False)["Schedule"]["Properties"]
    arn = "arn:aws:iam::123456789012:role/r"
    queue = {"Arn": "arn:aws:sqs:us-east-1:123456789012:q"}
    target = {**properties["Target"], "Arn": arn, "RoleArn": arn, "DeadLetterConfig": queue}
    shape = botocore.session.get_session().get_service_model("scheduler").operation_model("CreateSchedule").input_shape
    given = {**properties, "Name": "n", "GroupName": "g", "Target": target}
    assert not validate_parameters(given, shape)
    assert given["State"] == "DISABLED"


def test_a_shared_audit_table_is_a_parameter() -> None:
    """No table of its own, and rights on the job's own item only; whatever else refers to it does so as before."""
    own, shared = (render(compile_job(JOBS["chain"]), Choices(shared)).template for shared in (False, True))
    table = "DynamoDBETLAuditTable"
    assert (table in own["Resources"], table in own["Parameters"]) == (True, False)
    assert (table in shared["Resources"], table in shared["Parameters"]) == (False, True)
    assert shared["Resources"][MACHINE] == own["Resources"][MACHINE]
    for policy in (shared["Resources"]["StateMachineRights"], shared["Resources"]["RunEndRole"]):
        (touched,) = [one for one in _documents(policy) if one["Resource"] == {"Fn::Sub": SHARED}]
        assert touched["Condition"] == {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["101"]}}


SHARED = f"{PREFIX}:dynamodb:{HERE}:table/${{DynamoDBETLAuditTable}}"
