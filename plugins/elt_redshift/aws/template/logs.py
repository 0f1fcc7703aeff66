"""The option to log and to trace what the stack's state machines do: their log group, and the rights of their roles.

Express executions leave no history, so what fails in one shows in its log alone.
https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-xray-tracing.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from elt_redshift.aws.template.intrinsics import arn, ref, sub, when
from elt_redshift.aws.template.part import Part
from elt_redshift.aws.template.roles import allow, policy

#: Parameters, conditions, and the log group.
LEVEL, DATA, DAYS, TRACING = "LogLevel", "LogExecutionData", "LogRetentionDays", "Tracing"
LOGS, LOGS_DATA, TRACES = "LogsExecutions", "LogsExecutionData", "TracesExecutions"
GROUP = "ExecutionLogs"

MACHINE = "AWS::StepFunctions::StateMachine"

#: What CloudWatch Logs takes as days.
RETENTIONS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)

#: Neither service knows resources for these: deliveries are the account's, and traces nobody's.
#: https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html#cloudwatch-iam-policy
_TO_LOG = [
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
]
_TO_TRACE = [
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
]


def added(whole: Part) -> Part:
    """The template with the option, which is off by default.

    Where it is off, a machine says so: what an update leaves out, Step Functions keeps.
    """
    logging = {"Level": ref(LEVEL), "IncludeExecutionData": when(LOGS_DATA, True, False), "Destinations": [_GROUP]}
    properties = {
        "LoggingConfiguration": when(LOGS, logging, {"Level": "OFF"}),
        "TracingConfiguration": {"Enabled": when(TRACES, True, False)},
    }
    roles = {
        made["Properties"]["RoleArn"]["Fn::GetAtt"][0] for made in whole.resources.values() if made["Type"] == MACHINE
    }
    rights = [
        when(LOGS, policy("log-executions", [allow(_TO_LOG, "*")])),
        when(TRACES, policy("trace-executions", [allow(_TO_TRACE, "*")])),
    ]

    def with_rights(name: str, had: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"Policies": [*had.get("Policies", []), *rights]} if name in roles else {}

    machines = whole.with_properties(MACHINE, lambda *_: properties)
    return machines.with_properties("AWS::IAM::Role", with_rights) + _PART


def _choice(description: str, *values: str, default: str) -> dict[str, Any]:
    return {
        "Type": "String",
        "Description": description,
        "AllowedValues": list(values),
        "ConstraintDescription": _one_of(values),
        "Default": default,
    }


def _one_of(values: Sequence[object]) -> str:
    return f"one of {', '.join(map(str, values))}"


_GROUP = {"CloudWatchLogsLogGroup": {"LogGroupArn": arn(GROUP)}}
_PART = Part(
    parameters={
        LEVEL: _choice("What of executions is logged.", "OFF", "ERROR", "FATAL", "ALL", default="OFF"),
        DATA: _choice("Whether inputs and outputs are, SQL and values too.", "false", "true", default="false"),
        DAYS: {
            "Type": "Number",
            "Description": "How many days logs are kept.",
            "AllowedValues": list(RETENTIONS),
            "ConstraintDescription": _one_of(RETENTIONS),
            "Default": 30,
        },
        TRACING: _choice("Whether X-Ray traces executions.", "false", "true", default="false"),
    },
    conditions={
        LOGS: {"Fn::Not": [{"Fn::Equals": [ref(LEVEL), "OFF"]}]},
        LOGS_DATA: {"Fn::Equals": [ref(DATA), "true"]},
        TRACES: {"Fn::Equals": [ref(TRACING), "true"]},
    },
    resources={
        GROUP: {
            "Type": "AWS::Logs::LogGroup",
            "Condition": LOGS,
            "DeletionPolicy": "Delete",
            "UpdateReplacePolicy": "Delete",
            "Properties": {
                # Under this beginning, log groups share one policy, whose size is limited.
                "LogGroupName": sub("/aws/vendedlogs/states/${AWS::StackName}"),
                "RetentionInDays": ref(DAYS),
            },
        }
    },
)
