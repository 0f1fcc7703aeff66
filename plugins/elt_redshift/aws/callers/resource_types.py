"""What CloudFormation does with the rights of whoever deploys, by the types of the resources that a template has.

CloudFormation's registry tells for each type which permissions its handlers use, as a union over all properties:
https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html#schema-properties-handlers
Here stands what our templates come to use of it; a test holds this against the registry's lists, and has the reason for
each permission that is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class ResourceType:
    """What making, changing and removing resources of a type takes.

    :param actions: by the service's prefix, the names.
    :param service: of the resources' ARNs.
    :param resources: the last parts of their ARNs: ``{stack}`` stands for the stack's name and a dash, ``{brief}`` for
        as much of them as a short name has, ``{name}`` for the name alone, ``{machine}`` for the name that a state
        machine has in the template, ``{path}`` for the path of roles.
    :param regional: whether the ARN names a region.
    :param passes_to: the service that a role is passed to.
    """

    service: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    regional: bool = True
    passes_to: str = ""


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_ROLE = ("role{path}{brief}*",)
# CloudFormation names a state machine by its name in the template, without the stack's. Its versions and aliases have
# ARNs that go on behind its own.
_MACHINE = ("stateMachine:*{machine}-*",)
_LOG_GROUP = "log-group:/aws/vendedlogs/states/{name}"
_LOG_OF_FUNCTION = "log-group:/aws/lambda/{name}/*"

TYPES: Mapping[str, ResourceType] = MappingProxyType(
    {
        "AWS::CloudWatch::Alarm": ResourceType(
            "cloudwatch",
            _names("DeleteAlarms DescribeAlarms ListTagsForResource PutMetricAlarm TagResource UntagResource"),
            ("alarm:{stack}*",),
        ),
        "AWS::DynamoDB::Table": ResourceType(
            "dynamodb",
            _names(
                "CreateTable DeleteTable DescribeContinuousBackups DescribeContributorInsights "
                "DescribeKinesisStreamingDestination DescribeTable DescribeTimeToLive GetResourcePolicy "
                "ListTagsOfResource TagResource UntagResource UpdateContinuousBackups UpdateTable UpdateTimeToLive"
            ),
            ("table/{stack}*",),
        ),
        "AWS::Events::Rule": ResourceType(
            "events",
            _names(
                "DeleteRule DescribeRule ListTagsForResource ListTargetsByRule PutRule PutTargets RemoveTargets "
                "TagResource UntagResource"
            ),
            ("rule/{brief}*",),
            passes_to="events.amazonaws.com",
        ),
        "AWS::IAM::Policy": ResourceType(
            "iam", _names("DeleteRolePolicy GetRolePolicy PutRolePolicy"), _ROLE, regional=False
        ),
        "AWS::IAM::Role": ResourceType(
            "iam",
            _names(
                "CreateRole DeleteRole DeleteRolePermissionsBoundary DeleteRolePolicy GetRole GetRolePolicy "
                "ListAttachedRolePolicies ListRolePolicies PutRolePermissionsBoundary PutRolePolicy TagRole UntagRole "
                "UpdateAssumeRolePolicy UpdateRole UpdateRoleDescription"
            ),
            _ROLE,
            regional=False,
        ),
        "AWS::Lambda::Function": ResourceType(
            "lambda",
            _names(
                "CreateFunction DeleteFunction GetFunction GetFunctionCodeSigningConfig GetRuntimeManagementConfig "
                "ListTags TagResource UntagResource UpdateFunctionCode UpdateFunctionConfiguration"
            ),
            ("function:{brief}*",),
            passes_to="lambda.amazonaws.com",
        ),
        "AWS::Logs::LogGroup": ResourceType(
            "logs",
            _names(
                "AssociateKmsKey CreateLogGroup DeleteLogGroup DeleteRetentionPolicy DisassociateKmsKey "
                "GetDataProtectionPolicy ListTagsForResource PutRetentionPolicy TagResource UntagResource"
            ),
            (_LOG_GROUP, f"{_LOG_GROUP}:*", _LOG_OF_FUNCTION),
        ),
        "AWS::SNS::Topic": ResourceType(
            "sns",
            _names(
                "CreateTopic DeleteTopic GetDataProtectionPolicy GetTopicAttributes ListSubscriptionsByTopic "
                "ListTagsForResource SetTopicAttributes TagResource UntagResource"
            ),
            ("{stack}*",),
        ),
        "AWS::SNS::TopicPolicy": ResourceType("sns", _names("SetTopicAttributes"), ("{stack}*",)),
        "AWS::SQS::Queue": ResourceType(
            "sqs",
            _names(
                "CreateQueue DeleteQueue GetQueueAttributes GetQueueUrl ListQueueTags SetQueueAttributes TagQueue "
                "UntagQueue"
            ),
            ("{brief}*",),
        ),
        "AWS::SQS::QueuePolicy": ResourceType("sqs", _names("SetQueueAttributes"), ("{brief}*",)),
        "AWS::Scheduler::Schedule": ResourceType(
            "scheduler",
            _names("CreateSchedule DeleteSchedule GetSchedule UpdateSchedule"),
            ("schedule/{brief}*/{brief}*",),
            passes_to="scheduler.amazonaws.com",
        ),
        "AWS::Scheduler::ScheduleGroup": ResourceType(
            "scheduler",
            _names(
                "CreateScheduleGroup DeleteScheduleGroup GetScheduleGroup ListTagsForResource TagResource UntagResource"
            ),
            ("schedule-group/{brief}*",),
        ),
        "AWS::StepFunctions::StateMachine": ResourceType(
            "states",
            _names(
                "CreateStateMachine DeleteStateMachine DescribeStateMachine ListTagsForResource TagResource "
                "UntagResource UpdateStateMachine"
            ),
            _MACHINE,
            passes_to="states.amazonaws.com",
        ),
        "AWS::StepFunctions::StateMachineAlias": ResourceType(
            "states",
            _names("CreateStateMachineAlias DeleteStateMachineAlias DescribeStateMachineAlias UpdateStateMachineAlias"),
            _MACHINE,
        ),
        "AWS::StepFunctions::StateMachineVersion": ResourceType(
            "states",
            _names(
                "DeleteStateMachineVersion DescribeStateMachine ListStateMachineVersions PublishStateMachineVersion"
            ),
            _MACHINE,
        ),
    }
)

#: What lists more than the stack's, and knows no resource: the action, by the type.
WIDER: Mapping[str, str] = MappingProxyType({"AWS::Logs::LogGroup": "logs:DescribeLogGroups"})
