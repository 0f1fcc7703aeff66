"""What somebody has deleted or disabled, outside of a job's stack, of what starts its runs, follows their ends and
tells of them. Without it everything looks well, and nothing happens.

CloudFormation's own drift detection tells of more; it takes minutes, and rights to read every resource of a stack.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from elt_redshift.aws.account import Account
from elt_redshift.aws.deployed import Deployed
from elt_redshift.aws.errors import GONE, MADE_ANEW, AwsError, aws_errors

#: A stack has some ten such resources. Clients have ten connections each.
_AT_ONCE = 10

_GROUP = "AWS::Scheduler::ScheduleGroup"


@dataclass(frozen=True)
class _Kind:
    """A type of resource.

    :param enabled: asks, by the client, the resource's name and that of the stack's schedule group; None: it is not
        there.
    :param deleted: what helps, then; and ``disabled`` likewise, with the name as ``{name}``.
    :param disabling: the property by which a template disables it.
    """

    noun: str
    service: str
    enabled: Callable[[Any, str, str], bool | None]
    deleted: str
    disabled: str = ""
    disabling: str = ""


def _rule(client: Any, name: str, _: str) -> bool:
    return bool(client.describe_rule(Name=name)["State"] != "DISABLED")  # there are two ways to be enabled


def _schedule(client: Any, name: str, group: str) -> bool:
    return bool(client.get_schedule(Name=name, GroupName=group)["State"] != "DISABLED")


def _alarm(client: Any, name: str, _: str) -> bool | None:
    found = client.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return bool(found[0]["ActionsEnabled"]) if found else None


def _topic(client: Any, arn: str, _: str) -> bool:
    client.get_topic_attributes(TopicArn=arn)
    return True


_NOTIFY = "Deploy the job without its `notify`, then with it, and subscribe to the topic anew."

_KINDS: Mapping[str, _Kind] = MappingProxyType(
    {
        "AWS::Events::Rule": _Kind(
            "event rule", "events", _rule, MADE_ANEW, "Enable it: `aws events enable-rule --name {name}`.", "State"
        ),
        "AWS::Scheduler::Schedule": _Kind(
            "schedule",
            "scheduler",
            _schedule,
            "It starts no run. Deploy the job without its `schedule`, then with it.",
            "It starts no run. Deploy the job with `enabled: false` in its `schedule`, then without that.",
            "State",
        ),
        "AWS::CloudWatch::Alarm": _Kind(
            "alarm",
            "cloudwatch",
            _alarm,
            _NOTIFY,
            "It tells nobody. Enable it: `aws cloudwatch enable-alarm-actions --alarm-names {name}`.",
            "ActionsEnabled",
        ),
        "AWS::SNS::Topic": _Kind("topic", "sns", _topic, _NOTIFY),
    }
)


def drifts(account: Account, deployed: Deployed) -> Iterator[str]:
    """A sentence for each, with what helps. What the caller may not ask about is taken to be as it was made."""
    made = _made(account, deployed.stack)
    group = next((one["PhysicalResourceId"] for one in made if one["ResourceType"] == _GROUP), "default")
    looked_at = [(one, kind) for one in made if (kind := _KINDS.get(one["ResourceType"]))]
    for service in {kind.service for _, kind in looked_at}:
        account.client(service)  # made one after the other: boto3's session is not for several threads

    def look(one: tuple[dict[str, Any], _Kind]) -> tuple[str, bool | None]:
        # A type's id is its name or its ARN, in which the name stands last. SNS takes the ARN.
        name = one[0]["PhysicalResourceId"].rpartition("/")[2]
        return name, _asked(account, one[1], name, group)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = [*pool.map(look, looked_at)]
    for (one, kind), (name, enabled) in zip(looked_at, found, strict=True):
        what = f"{kind.noun} {name} of stack {deployed.stack}"
        if enabled is None:
            yield f"{what} was deleted outside of it. {kind.deleted}"
        elif not enabled and not _meant(account, deployed.stack, one["LogicalResourceId"], kind):
            yield f"{what} was disabled outside of it. {kind.disabled.format(name=name)}"


def _made(account: Account, stack: str) -> list[dict[str, Any]]:
    """The resources of a stack."""
    pages = account.client("cloudformation").get_paginator("list_stack_resources")
    try:
        with aws_errors(f"stack {stack}"):
            found = [one for page in pages.paginate(StackName=stack) for one in page["StackResourceSummaries"]]
    except AwsError:
        return []
    return [one for one in found if one["ResourceStatus"] != "DELETE_COMPLETE" and "PhysicalResourceId" in one]


def _asked(account: Account, kind: _Kind, name: str, group: str) -> bool | None:
    """Whether it is enabled; None: it is gone."""
    try:
        with aws_errors(f"{kind.noun} {name}"):
            return kind.enabled(account.client(kind.service), name, group)
    except AwsError as error:
        return None if error.code in GONE else True


def _meant(account: Account, stack: str, resource: str, kind: _Kind) -> bool:
    """Whether the template has it disabled, or cannot be read: somebody has rewritten it as YAML."""
    try:
        with aws_errors(f"stack {stack}"):
            body = account.client("cloudformation").get_template(StackName=stack)["TemplateBody"]
    except AwsError:
        return True
    made = body["Resources"].get(resource, {}) if isinstance(body, Mapping) else None
    return made is None or made.get("Properties", {}).get(kind.disabling) in ("DISABLED", False)
