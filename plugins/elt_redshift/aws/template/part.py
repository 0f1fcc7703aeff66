"""What one concern adds to a template; the template is the sum of its parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from elt_redshift.asl.language.needs import Need, Resource


@dataclass(frozen=True)
class Named:
    """How a policy names what an action is taken on.

    :param only: the condition under which it is there; None: always.
    :param context: what must hold of a call, as a policy's ``Condition``.
    """

    resource: Any
    only: str | None = None
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """A part of a template: each section by the logical names in it, in their order.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html

    :param needs: what the role of the job's state machine must be allowed.
    :param named: what of this part a need may be about.
    """

    parameters: dict[str, Any] = field(default_factory=dict)
    rules: dict[str, Any] = field(default_factory=dict)
    conditions: dict[str, Any] = field(default_factory=dict)
    resources: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    needs: frozenset[Need] = frozenset()
    named: dict[Resource, Named] = field(default_factory=dict)

    def __add__(self, other: Part) -> Part:
        return Part(
            self.parameters | other.parameters,
            self.rules | other.rules,
            self.conditions | other.conditions,
            self.resources | other.resources,
            self.outputs | other.outputs,
            self.needs | other.needs,
            self.named | other.named,
        )

    def with_properties(self, kind: str, properties: Callable[[str, dict[str, Any]], Mapping[str, Any]]) -> Part:
        """The same with further properties of each resource of a type, whichever part made it.

        :param properties: gives them, of a resource's logical name and the properties that it has.
        """
        changed = {
            name: {**made, "Properties": {**(had := made.get("Properties", {})), **properties(name, had)}}
            for name, made in self.resources.items()
            if made["Type"] == kind
        }
        return replace(self, resources=self.resources | changed)

    def sections(self) -> dict[str, Any]:
        """The sections as a template has them."""
        return {
            "Parameters": self.parameters,
            "Rules": self.rules,
            "Conditions": self.conditions,
            "Resources": self.resources,
            "Outputs": self.outputs,
        }


def text_parameter(description: str, pattern: str, form: str, default: str | None = "") -> dict[str, Any]:
    """A parameter of a template that is a text.

    :param pattern: what the whole text looks like.
    :param form: the same in words, which CloudFormation tells instead whoever gives another text.
    :param default: None: it must be given.
    """
    given = {} if default is None else {"Default": default}
    return {
        "Type": "String",
        "Description": description,
        "AllowedPattern": pattern,
        "ConstraintDescription": form,
        **given,
    }


def object_parameters(bucket: str, holds: str, key: str, about_key: str) -> dict[str, Any]:
    """Two parameters that say where in S3 an object is, or several whose keys begin alike.

    :param bucket: the name of the parameter that has the bucket's.
    :param holds: what is in the bucket.
    :param key: the name of the other one.
    """
    about = f"S3 bucket of {holds}; in this region."
    named = text_parameter(about, "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of a bucket, as in my-bucket", None)
    return {bucket: named, key: text_parameter(about_key, ".{1,1000}", "1 to 1,000 characters", None)}
