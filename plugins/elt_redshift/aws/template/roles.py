"""IAM roles, and what they may do, as templates hold them.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-iam-role.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, get_args

from elt_redshift.asl.language.needs import Need, Resource
from elt_redshift.aws.template.intrinsics import ARN, HERE, ref, sub, when
from elt_redshift.aws.template.part import Named

#: What services act for: machines and rules name their role, so the role cannot name them.
#: https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html
#: https://docs.aws.amazon.com/eventbridge/latest/userguide/cross-service-confused-deputy-prevention.html
_SOURCES = {
    "states.amazonaws.com": f"{ARN}states:{HERE}:stateMachine:*",
    "events.amazonaws.com": f"{ARN}events:{HERE}:rule/*",
    # A function takes a role of its own account only, and which ARN Lambda tells, AWS's documentation does not say.
    "lambda.amazonaws.com": None,
}


def role(
    service: str, policies: Mapping[str, list[dict[str, Any]]] | None = None, source: Any = None
) -> dict[str, Any]:
    """A role that only ``service`` may assume, and where it says so on behalf of this account.

    :param policies: the statements of its inline policies, by the policies' names; default: none.
    :param source: ARN of what the service must act for; default: as :data:`_SOURCES` has it.
    """
    inline = [policy(name, statements) for name, statements in (policies or {}).items()]
    known = _SOURCES.get(service)
    source = sub(known) if source is None and known else source
    bound = {"StringEquals": {"aws:SourceAccount": ref("AWS::AccountId")}, "ArnLike": {"aws:SourceArn": source}}
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
        **({"Condition": bound} if source else {}),
    }
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": document(trust),
            **({"Policies": inline} if inline else {}),
        },
    }


def policy(name: str, statements: list[dict[str, Any]]) -> dict[str, Any]:
    """An inline policy of a role."""
    return {"PolicyName": name, "PolicyDocument": document(*statements)}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    """The document of a policy."""
    return {"Version": "2012-10-17", "Statement": [*statements]}


def allow(actions: list[str], resource: Any) -> dict[str, Any]:
    """A policy's statement that allows ``actions`` on ``resource``."""
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def deny_without_tls(action: str, resource: Any) -> dict[str, Any]:
    """A statement of a resource's own policy that refuses everybody who comes without TLS."""
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": resource,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def allowed(needs: Iterable[Need], on: Mapping[Resource, Any]) -> dict[Resource, dict[str, Any]]:
    """What the needs amount to: for each resource that one is about a statement of a policy, in the order of ``on``.

    :param on: the resources as the template names them.
    :raises KeyError: a need is about a resource that the template has not.
    """
    actions: dict[Resource, set[str]] = {}
    for need in needs:
        actions.setdefault(need.on, set()).add(need.action)
    if missing := actions.keys() - on.keys():
        raise KeyError(f"The template has no {', '.join(sorted(missing))}.")
    return {resource: allow(sorted(actions[resource]), named) for resource, named in on.items() if resource in actions}


def rights(needs: Iterable[Need], named: Mapping[Resource, Named]) -> list[dict[str, Any]]:
    """The statements of a policy for what is needed, each under the condition that what it is about is there under.

    :param named: what the parts of the template have.
    :raises KeyError: something is needed that no part has.
    """
    known = {resource: named[resource] for resource in get_args(Resource) if resource in named}
    statements = allowed(needs, {resource: one.resource for resource, one in known.items()})
    bounded = {
        on: one | ({"Condition": bound} if (bound := known[on].context) else {}) for on, one in statements.items()
    }
    return [when(only, one) if (only := known[on].only) else one for on, one in bounded.items()]
