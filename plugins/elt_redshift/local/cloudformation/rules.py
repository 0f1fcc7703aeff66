"""A template's ``Rules``: assertions about its parameters, checked before anything is made. Pure.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elt_redshift.local.cloudformation.errors import CloudFormationError
from elt_redshift.local.cloudformation.functions import Scope


def check(template: Mapping[str, Any], values: Mapping[str, str]) -> None:
    """Refuse parameters that break a rule.

    :param values: all parameters, defaults included.
    :raises CloudFormationError: ``ValidationError`` with the descriptions of all assertions that do not hold.
    """
    scope = Scope(dict(template), values, pseudo={}, resources={})
    failed = [
        assertion.get("AssertDescription", name)
        for name, rule in (template.get("Rules") or {}).items()
        if "RuleCondition" not in rule or scope.holds(rule["RuleCondition"])
        for assertion in rule["Assertions"]
        if not scope.holds(assertion["Assert"])
    ]
    if failed:
        raise CloudFormationError(f"Template validation error: {' '.join(failed)}")
