"""IAM's policy simulator for roles and users, which moto has not.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
Not known: groups, policies that are handed in, resource policies, permissions boundaries. Everything comes on one page.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from elt_redshift.local.iam.policies import Asked, decide, missing_context
from elt_redshift.local.regions import ACCOUNT

Policies = Mapping[str, Mapping[str, Any]]


def apply() -> None:
    """Let moto's IAM answer. Once per process."""
    from moto.core.responses import ActionResult
    from moto.iam.responses import IamResponse

    def simulate_principal_policy(response: Any) -> Any:
        found = [*_results(_policies_of(response._get_param("PolicySourceArn")), response)]
        return ActionResult({"EvaluationResults": found, "IsTruncated": False})

    IamResponse.simulate_principal_policy = simulate_principal_policy  # type: ignore[attr-defined]


def _results(policies: Policies, response: Any) -> Iterator[dict[str, Any]]:
    resources = response._get_param("ResourceArns") or ["*"]
    context = {
        one["ContextKeyName"]: values[0]
        for one in response._get_param("ContextEntries") or ()
        if (values := one["ContextKeyValues"])
    }
    for action in response._get_param("ActionNames"):
        for resource in resources:
            asked = Asked(action, resource, context)
            yield {
                "EvalActionName": action,
                "EvalResourceName": resource,
                "EvalDecision": decide(policies, asked),
                "MatchedStatements": [],
                "MissingContextValues": missing_context(policies, asked),
            }


def _policies_of(arn: str) -> Policies:
    """The policies of a role or user, by their names.

    :raises NotFoundException: there is no such one.
    """
    from moto.iam.exceptions import NotFoundException
    from moto.iam.models import iam_backends

    backend: Any = iam_backends[ACCOUNT]["aws"]
    for holder in (*backend.roles.values(), *backend.users.values()):
        if holder.arn == arn:
            managed = {policy.name: policy.document for policy in holder.managed_policies.values()}
            return {name: _document(one) for name, one in {**holder.policies, **managed}.items()}
    raise NotFoundException(f"The user or role with ARN {arn} cannot be found.")


def _document(policy: Any) -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = json.loads(policy) if isinstance(policy, str) else policy
    return loaded
