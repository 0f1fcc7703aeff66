"""What CloudFormation remembers of stacks and change sets."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from elt_redshift.local.cloudformation import functions, parameters, rules
from elt_redshift.local.cloudformation import template as templates
from elt_redshift.local.cloudformation.resources import Resource

STACK_TYPE = "AWS::CloudFormation::Stack"


@dataclass(frozen=True)
class Target:
    """What a stack is to become: a template with all its parameters and tags."""

    text: str
    template: templates.Template
    values: Mapping[str, str]
    tags: Mapping[str, str]

    @classmethod
    def build(cls, text: str, values: Mapping[str, str], tags: Mapping[str, str]) -> Target:
        """Read a template and complete its parameters.

        :raises CloudFormationError: the template or a parameter is not valid.
        """
        template = templates.parse(text)
        completed = parameters.complete(template.get("Parameters") or {}, values)
        rules.check(template, completed)
        return cls(text, template, completed, tags)


@dataclass(frozen=True)
class StackEvent:
    """One line of a stack's history."""

    time: datetime
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str | None
    id: str


@dataclass(frozen=True)
class Output:
    key: str
    value: str
    description: str | None
    export: str | None


@dataclass
class Stack:
    """A stack: where it is, what it holds, what happened to it.

    :param target: what it was last deployed as, successfully or not; None before its first deployment.
    :param resources: those that exist, by logical id.
    :param now: the clock, UTC.
    """

    name: str
    id: str
    account: str
    region: str
    now: Callable[[], datetime]
    created: datetime
    target: Target | None = None
    status: str = "REVIEW_IN_PROGRESS"
    reason: str | None = None
    updated: datetime | None = None
    deleted: datetime | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)
    events: list[StackEvent] = field(default_factory=list)

    @property
    def values(self) -> Mapping[str, str]:
        return self.target.values if self.target else {}

    @property
    def tags(self) -> Mapping[str, str]:
        return self.target.tags if self.target else {}

    def set_status(self, status: str, reason: str | None = None) -> None:
        """Change the status of the stack, with an event that says so."""
        self.status, self.reason = status, reason
        self.add_event(self.name, self.id, STACK_TYPE, status, reason)

    def add_event(
        self, logical_id: str, physical_id: str, type_name: str, status: str, reason: str | None = None
    ) -> None:
        event = StackEvent(self.now(), logical_id, physical_id, type_name, status, reason, str(uuid.uuid4()))
        self.events.append(event)

    def scope(
        self, target: Target, resources: Mapping[str, functions.Referable], exports: Mapping[str, str]
    ) -> functions.Scope:
        """What names mean in a template of this stack."""
        pseudo = {
            "AWS::AccountId": self.account,
            "AWS::Region": self.region,
            "AWS::StackId": self.id,
            "AWS::StackName": self.name,
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::Partition": "aws",
            "AWS::NotificationARNs": self.settings.get("NotificationARNs", []),
        }
        return functions.Scope(target.template, target.values, pseudo, resources, exports)


@dataclass
class ChangeSet:
    """A planned change of a stack."""

    name: str
    id: str
    kind: str
    stack: Stack
    target: Target
    created: datetime
    changes: list[dict[str, Any]]
    description: str | None
    settings: dict[str, Any]
    status: str = "CREATE_COMPLETE"
    execution_status: str = "AVAILABLE"
    reason: str | None = None


def outputs_of(target: Target, scope: functions.Scope) -> list[Output]:
    """The outputs of a template whose conditions hold, evaluated."""
    found = []
    for key, output in (target.template.get("Outputs") or {}).items():
        if "Condition" in output and not scope.condition(output["Condition"]):
            continue
        export = scope.evaluate(output["Export"]["Name"]) if "Export" in output else None
        found.append(Output(key, str(scope.evaluate(output["Value"])), output.get("Description"), export))
    return found
