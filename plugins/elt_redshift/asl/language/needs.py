"""What a state machine's role must be allowed: each state says which actions it takes, and on what.

Templates turn needs into policies; what a resource is called there, only they know.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: What actions are taken on: ``executions`` are those of the machine itself, ``children`` those that its Map starts;
#: ``follower`` is the machine that follows statements; ``parts`` are the machines of a job's parts, with their
#: executions, and the rule by which Step Functions learns of the ends of those that it waits for;
#: ``anything`` is for actions that know no resource. (Redshift lets only the submitting role see a statement, and a
#: task token is a secret.)
Resource = Literal[
    "audit table",
    "join table",
    "history table",
    "warehouse",
    "sql function",
    "state function",
    "event bus",
    "topic",
    "own metrics",
    "executions",
    "children",
    "machine",
    "machine behind ends",
    "follower",
    "parts",
    "executions of parts",
    "rule of ends",
    "job file",
    "missed starts",
    "anything",
    "database user",
    "cluster identity",
    "workgroup identity",
    "secret",
    "warehouse role",
]


@dataclass(frozen=True)
class Need:
    """One action on one resource.

    :param action: as IAM names it, for example ``redshift-data:ExecuteStatement``.
    """

    action: str
    on: Resource


#: Whoever submits SQL connects to the database, as the connection says: in one of these ways.
CONNECTING = (
    Need("redshift:GetClusterCredentials", "database user"),
    Need("redshift:GetClusterCredentialsWithIAM", "cluster identity"),
    Need("redshift-serverless:GetCredentials", "workgroup identity"),
    Need("secretsmanager:GetSecretValue", "secret"),
)

#: What makes the calls about an audit item in Redshift.
AUDIT_IN_REDSHIFT = (
    *(Need(f"redshift-data:{action}ExecuteStatement", "warehouse") for action in ("", "Batch")),
    *(Need(f"redshift-data:{action}", "anything") for action in ("DescribeStatement", "GetStatementResult")),
    Need("redshift-data:CancelStatement", "anything"),
    *(need for need in CONNECTING if need.on in ("database user", "secret")),
)

#: A call that is made as the role of another account needs nothing else of the machine's own.
ASSUMING = Need("sts:AssumeRole", "warehouse role")

#: What a Distributed Map does with the rights of the machine's role.
#: https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
STARTING_CHILDREN = (
    Need("s3:GetObject", "job file"),
    Need("states:StartExecution", "machine"),
    *(Need(f"states:{action}Execution", "children") for action in ("Describe", "Stop", "Redrive")),
)
