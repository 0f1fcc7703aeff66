"""Stacks and change sets in the shapes of CloudFormation's API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elt_redshift.local.cloudformation import template as templates
from elt_redshift.local.cloudformation.errors import CloudFormationError
from elt_redshift.local.cloudformation.resources import Resource
from elt_redshift.local.cloudformation.stack import ChangeSet, Stack, Target

Answer = dict[str, Any]

HIDDEN = "****"

#: So many events are a page.
EVENTS = 100


def stack(item: Stack) -> Answer:
    """A stack as DescribeStacks shows it."""
    outputs = [
        _present(
            OutputKey=output.key, OutputValue=output.value, Description=output.description, ExportName=output.export
        )
        for output in item.outputs
    ]
    return stack_summary(item) | _present(
        Description=item.target.template.get("Description") if item.target else None,
        Parameters=_parameters(item.target),
        Tags=_tags(item.tags),
        Outputs=outputs,
        NotificationARNs=item.settings.get("NotificationARNs", []),
        Capabilities=item.settings.get("Capabilities", []),
        RoleARN=item.settings.get("RoleARN"),
        TimeoutInMinutes=item.settings.get("TimeoutInMinutes"),
        EnableTerminationProtection=item.settings.get("EnableTerminationProtection", False),
        DisableRollback=False,
    )


def stack_summary(item: Stack) -> Answer:
    return _present(
        StackId=item.id,
        StackName=item.name,
        CreationTime=item.created,
        LastUpdatedTime=item.updated,
        DeletionTime=item.deleted,
        StackStatus=item.status,
        StackStatusReason=item.reason,
        DriftInformation={"StackDriftStatus": "NOT_CHECKED"},
    )


def events(item: Stack, token: str | None) -> Answer:
    """A page of the stack's history, newest first.

    :param token: how many events are older than those of the page before; None: there was none.
    """
    if token is not None and not (token.isdecimal() and int(token) <= len(item.events)):
        raise CloudFormationError(f"Invalid NextToken {token}")
    end = len(item.events) if token is None else int(token)
    start = max(0, end - EVENTS)
    shown = [
        _present(
            StackId=item.id,
            StackName=item.name,
            EventId=event.id,
            LogicalResourceId=event.logical_id,
            PhysicalResourceId=event.physical_id,
            ResourceType=event.type,
            Timestamp=event.time,
            ResourceStatus=event.status,
            ResourceStatusReason=event.reason,
        )
        for event in reversed(item.events[start:end])
    ]
    return _present(StackEvents=shown, NextToken=str(start) if start else None)


def resource(item: Stack, found: Resource, time_key: str = "Timestamp") -> Answer:
    return resource_summary(item, found, time_key) | {"StackId": item.id, "StackName": item.name}


def resource_summary(item: Stack, found: Resource, time_key: str = "LastUpdatedTimestamp") -> Answer:
    return {
        "LogicalResourceId": found.logical_id,
        "PhysicalResourceId": found.physical_id,
        "ResourceType": found.type,
        "ResourceStatus": found.status,
        time_key: item.updated or item.created,
    }


def change_set(item: ChangeSet) -> Answer:
    """A change set as DescribeChangeSet shows it."""
    return change_set_summary(item) | {
        "Parameters": _parameters(item.target),
        "Tags": _tags(item.target.tags),
        "Changes": item.changes,
        "Capabilities": item.settings.get("Capabilities", []),
        "NotificationARNs": item.settings.get("NotificationARNs", []),
    }


def change_set_summary(item: ChangeSet) -> Answer:
    return _present(
        ChangeSetId=item.id,
        ChangeSetName=item.name,
        StackId=item.stack.id,
        StackName=item.stack.name,
        Description=item.description,
        CreationTime=item.created,
        Status=item.status,
        StatusReason=item.reason,
        ExecutionStatus=item.execution_status,
    )


def template_summary(text: str) -> Answer:
    template = templates.parse(text)
    declared = [
        _declared(name, rule, "ParameterType")
        | {"ParameterConstraints": {"AllowedValues": [str(value) for value in rule.get("AllowedValues", [])]}}
        for name, rule in (template.get("Parameters") or {}).items()
    ]
    return _present(
        Parameters=declared,
        Description=template.get("Description"),
        ResourceTypes=sorted({spec["Type"] for spec in template["Resources"].values()}),
        Version=template.get("AWSTemplateFormatVersion"),
    )


def validated(text: str) -> Answer:
    """A template that can be read, as ValidateTemplate shows it."""
    template = templates.parse(text)
    declared = [_declared(name, rule) for name, rule in (template.get("Parameters") or {}).items()]
    return _present(Parameters=declared, Description=template.get("Description"), Capabilities=[])


def _declared(name: str, rule: Mapping[str, Any], type_key: str | None = None) -> Answer:
    default = rule.get("Default")
    return _present(
        ParameterKey=name,
        DefaultValue=None if default is None else str(default),
        NoEcho=_is_hidden(rule),
        Description=rule.get("Description"),
    ) | ({type_key: rule.get("Type", "String")} if type_key else {})


def _parameters(target: Target | None) -> list[Answer]:
    if target is None:
        return []
    rules = target.template.get("Parameters") or {}
    return [
        {"ParameterKey": name, "ParameterValue": HIDDEN if _is_hidden(rules[name]) else value}
        for name, value in target.values.items()
    ]


def _is_hidden(rule: Mapping[str, Any]) -> bool:
    return str(rule.get("NoEcho", "false")).lower() == "true"


def _tags(tags: Mapping[str, str]) -> list[Answer]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _present(**members: Any) -> Answer:
    """Only what there is: an absent member is left out of an answer, not null."""
    return {name: value for name, value in members.items() if value is not None}
