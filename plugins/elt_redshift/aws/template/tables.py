"""The tables of a job's stack: the audit table, the history of runs, and the one by which tasks wait for each other or
for events."""

from __future__ import annotations

from typing import Any

from elt_redshift.aws.template.intrinsics import ARN, HERE, arn, ref, sub
from elt_redshift.aws.template.part import Named, Part, text_parameter
from elt_redshift.protocol import audit, joins, records

#: Logical names of the tables.
AUDIT = "DynamoDBETLAuditTable"
HISTORY = "HistoryTable"
JOINS = "JoinTable"


#: What outlives the stack is gone with one that could not be made: it holds nothing then.
OUTLIVES = "RetainExceptOnCreate"


def audit_table() -> Part:
    """The audit table. It outlives the stack; deleting the audit trail is a decision of its own."""
    properties = {
        "AttributeDefinitions": _texts(audit.JOB_ID),
        "KeySchema": _key(audit.JOB_ID),
        "BillingMode": "PAY_PER_REQUEST",
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "SSESpecification": {"SSEEnabled": True},
    }
    output = {"Description": "The DynamoDB audit table.", "Value": ref(AUDIT)}
    return Part(
        resources={AUDIT: _table(OUTLIVES, properties)},
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
        parameters={AUDIT: text_parameter(about, r"[\w.-]{3,255}", default=None)},
        outputs={"AuditTable": {"Description": "The DynamoDB audit table, which is shared.", "Value": ref(AUDIT)}},
        named={"audit table": Named(table, context=own)},
    )


def history_table() -> Part:
    """What is kept of past runs. It outlives the stack as the audit table does; its items expire by themselves."""
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
    output = {"Description": "The DynamoDB table of past runs.", "Value": ref(HISTORY)}
    return Part(
        resources={HISTORY: _table(OUTLIVES, properties)},
        outputs={"HistoryTable": output},
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
    return Part(resources={JOINS: _table("Delete", properties)}, named={"join table": Named(arn(JOINS))})


def _table(when_gone: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "Type": "AWS::DynamoDB::Table",
        "DeletionPolicy": when_gone,
        "UpdateReplacePolicy": "Delete" if when_gone == "Delete" else "Retain",
        "Properties": properties,
    }


def _texts(*attributes: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": "S"} for name in attributes]


def _key(*attributes: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(attributes, ("HASH", "RANGE"), strict=False)]
