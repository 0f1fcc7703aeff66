"""The tables of a job's stack: the audit table, the history of runs, and the one by which tasks wait for each other or
for events."""

from __future__ import annotations

from collections.abc import Mapping
from string import Template
from typing import Any

from elt_redshift.aws.template import warehouse
from elt_redshift.aws.template.intrinsics import ARN, HERE, arn, is_given, ref, sub, when
from elt_redshift.aws.template.names import AUDIT, IN_REDSHIFT, KEPT, SAID
from elt_redshift.aws.template.part import Named, Part, text_parameter
from elt_redshift.protocol import audit, joins, records
from elt_redshift.protocol.places import DEFAULT_TABLE

#: Logical names of the other tables.
HISTORY = "HistoryTable"
JOINS = "JoinTable"


#: What outlives the stack is gone with one that could not be made: it holds nothing then. (Tables that are protected
#: against deletion would be in the way of that.)
OUTLIVES = "RetainExceptOnCreate"

#: The tag of the tables that says whether they outlive the stack. CloudFormation does not take another policy of
#: deletion by itself: something of the table has to change with it.
#: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks.html
KEPT_TAG = "elt-redshift:outlives-stack"


def audit_table(kept: bool) -> Part:
    """The audit table. Usually it outlives the stack; deleting the audit trail is a decision of its own."""
    properties = {
        "AttributeDefinitions": _texts(audit.JOB_ID),
        "KeySchema": _key(audit.JOB_ID),
        "BillingMode": "PAY_PER_REQUEST",
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "SSESpecification": {"SSEEnabled": True},
    }
    output = {"Description": "The DynamoDB audit table.", "Value": ref(AUDIT)}
    return Part(
        resources={AUDIT: _lasting(kept, properties)},
        outputs={"AuditTable": output},
        named={"audit table": Named(arn(AUDIT))},
    )


def shared_audit_table(job_id: str) -> Part:
    """A table that there is: a parameter stands in the place of the resource, under its name. The stack may touch the
    job's own item only.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
    """
    own = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [job_id]}}
    table = sub(f"{ARN}dynamodb:{HERE}:table/${{{AUDIT}}}")
    about = "Name of the audit table, which other stacks may share."
    return Part(
        parameters={AUDIT: text_parameter(about, r"[\w.-]{3,255}", "the name of a table, as in elt-audit", None)},
        outputs={"AuditTable": {"Description": "The DynamoDB audit table, which is shared.", "Value": ref(AUDIT)}},
        named={"audit table": Named(table, context=own)},
    )


def audit_table_in_redshift() -> Part:
    """A table in the warehouse, which is made before the stack. Whoever reads or writes it is the same database user,
    so that it needs no grants."""
    about = "The audit table in the warehouse, as SCHEMA.TABLE, which other stacks may share."
    with_user = {"Fn::And": [is_given(warehouse.CLUSTER), is_given(warehouse.USER)]}
    told = f"An audit table in Redshift needs {warehouse.SECRET}, or of a cluster {warehouse.USER}."
    rule = warehouse.one_of(told, is_given(warehouse.SECRET), with_user)
    output = {"Description": "The audit table in the warehouse, by its address.", "Value": ADDRESS}
    return Part(
        parameters={
            IN_REDSHIFT: text_parameter(
                about, rf"{_NAME}\.{_NAME}", f"SCHEMA.TABLE, as in {DEFAULT_TABLE}", DEFAULT_TABLE
            )
        },
        rules={"AuditTableLogin": {"Assertions": [rule]}},
        outputs={"AuditTable": output},
    )


def address(parameters: Mapping[str, str]) -> str:
    """The address of the audit table in the warehouse.

    :param parameters: the values of the template's; those that are not there have their defaults.
    """
    given = {warehouse.DATABASE: "dev", IN_REDSHIFT: DEFAULT_TABLE, **parameters}
    form = _OF_WORKGROUP if given.get(warehouse.WORKGROUP) else _SECRET if given.get(warehouse.SECRET) else _USER
    return Template(form).safe_substitute(given)


_NAME = "[a-z_][a-z0-9_$]{0,126}"
_BEHIND = f"${{{warehouse.DATABASE}}}/${{{IN_REDSHIFT}}}"
_OF_WORKGROUP = f"redshift-serverless://${{{warehouse.WORKGROUP}}}/{_BEHIND}?secret=${{{warehouse.SECRET}}}"
_SECRET = f"redshift://${{{warehouse.CLUSTER}}}/{_BEHIND}?secret=${{{warehouse.SECRET}}}"
_USER = f"redshift://${{{warehouse.CLUSTER}}}/{_BEHIND}?user=${{{warehouse.USER}}}"
#: The same as the template has it.
ADDRESS = when("UseWorkgroup", sub(_OF_WORKGROUP), when("UseSecret", sub(_SECRET), sub(_USER)))


def history_table(kept: bool) -> Part:
    """What is kept of past runs. It outlives the stack where the audit table does; its items expire by themselves."""
    index = {
        "IndexName": records.BY_OUTCOME,
        "KeySchema": _key(records.JOB_OUTCOME, records.AT),
        "Projection": {"ProjectionType": "ALL"},
    }
    properties = {
        "AttributeDefinitions": _texts(records.OF, records.AT, records.JOB_OUTCOME),
        "KeySchema": _key(records.OF, records.AT),
        "GlobalSecondaryIndexes": [index],
        "BillingMode": "PAY_PER_REQUEST",
        "SSESpecification": {"SSEEnabled": True},
        "TimeToLiveSpecification": {"AttributeName": joins.EXPIRY, "Enabled": True},
    }
    outputs = {
        "HistoryTable": {"Description": "The DynamoDB table of past runs.", "Value": ref(HISTORY)},
        KEPT: {"Description": "Whether the tables stay when the stack is deleted.", "Value": SAID[kept]},
    }
    return Part(
        resources={HISTORY: _lasting(kept, properties)},
        outputs=outputs,
        named={"history table": Named(arn(HISTORY))},
    )


def join_table() -> Part:
    """The table of join items. These serve running executions only, and go with the state machine."""
    properties = {
        "AttributeDefinitions": _texts(joins.RUN_KEY, joins.TASK_KEY),
        "KeySchema": _key(joins.RUN_KEY, joins.TASK_KEY),
        "BillingMode": "PAY_PER_REQUEST",
        "SSESpecification": {"SSEEnabled": True},
        "TimeToLiveSpecification": {"AttributeName": joins.EXPIRY, "Enabled": True},
    }
    return Part(resources={JOINS: _table("Delete", "Delete", properties)}, named={"join table": Named(arn(JOINS))})


def _lasting(kept: bool, properties: dict[str, Any]) -> dict[str, Any]:
    """A table that no deployment deletes; the end of the stack does, if it is not to be kept."""
    tagged = {**properties, "Tags": [{"Key": KEPT_TAG, "Value": SAID[kept]}]}
    return _table(OUTLIVES if kept else "Delete", "Retain", tagged)


def _table(when_gone: str, when_replaced: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "Type": "AWS::DynamoDB::Table",
        "DeletionPolicy": when_gone,
        "UpdateReplacePolicy": when_replaced,
        "Properties": properties,
    }


def _texts(*attributes: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": "S"} for name in attributes]


def _key(*attributes: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(attributes, ("HASH", "RANGE"), strict=False)]
