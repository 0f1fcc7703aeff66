"""The rights of those who call AWS for deployed jobs, each with what it is for: the one place that knows them.

What the roles of a job's own stack may do follows from its states (:mod:`elt_redshift.asl.language.needs`). This is
about the people and programs outside it. A test records every call of theirs and holds it against these rights.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

#: Who: the execution role of Airflow (MWAA's environment), whoever deploys, whoever runs jobs on the command line.
Caller = Literal["mwaa", "deployer", "operator"]
CALLERS: tuple[Caller, ...] = get_args(Caller)

#: What actions are taken on, in the order in which policies tell of it. ``stacks``, ``statements``, ``results`` and
#: ``definitions`` know no resource, see docs/security.md.
Thing = Literal[
    "stacks",
    "stack",
    "rules",
    "schedules",
    "alarms",
    "topics",
    "machine",
    "machine behind ends",
    "executions",
    "map runs",
    "children",
    "audit table",
    "shared table",
    "history table",
    "history index",
    "join table",
    "job files",
    "parts",
    "executions of parts",
    "functions",
    "templates",
    "bucket",
    "definitions",
    "statements",
    "results",
    "warehouse",
    "database user",
    "cluster identity",
    "workgroup identity",
    "secret",
    "key",
]
THINGS: tuple[Thing, ...] = get_args(Thing)


@dataclass(frozen=True)
class Right:
    """Actions on a thing, and what they are for.

    :param actions: as IAM names them.
    :param on: where a policy's scope has no such thing, it has no such right.
    :param why: completes "needed to …".
    """

    on: Thing
    actions: tuple[str, ...]
    why: str


def _actions(service: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{service}:{name}" for name in names)


#: Whoever asks for all stacks needs both:
#: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
_FINDING = Right("stacks", _actions("cloudformation", "DescribeStacks", "ListStacks"), "find a job's stack by its tag")

#: What everybody does who deals with runs.
_RUNS = (
    _FINDING,
    Right("machine", _actions("states", "StartExecution"), "start runs"),
    Right("machine", _actions("states", "DescribeStateMachine"), "see whether the job was deployed anew"),
    Right("executions", _actions("states", "DescribeExecution", "GetExecutionHistory"), "follow runs"),
    Right(
        "executions",
        _actions("states", "DescribeStateMachineForExecution", "RedriveExecution"),
        "let a failed run go on where it failed",
    ),
    Right("executions of parts", _actions("states", "GetExecutionHistory"), "follow the tasks of a large job"),
    Right("parts", _actions("states", "DescribeStateMachine"), "tell the SQL that a large job is deployed with"),
    Right("map runs", _actions("states", "ListExecutions"), "tell why a task of a large job failed"),
    Right("children", _actions("states", "DescribeExecution"), "tell why a task of a large job failed"),
    Right("audit table", _actions("dynamodb", "GetItem", "UpdateItem"), "see and settle the jobs' locks"),
    Right("join table", _actions("dynamodb", "Query"), "follow the tasks of a large job"),
    Right("job files", _actions("s3", "GetObject"), "know the tasks of a large job"),
    Right("history table", _actions("dynamodb", "Query"), "show past runs, also those of another layout"),
)

#: What stopping a run takes. Statements are cancelled, so that none goes on by itself.
_STOPPING = (
    Right("executions", _actions("states", "StopExecution"), "stop runs"),
    Right("statements", _actions("redshift-data", "CancelStatement", "ListStatements"), "cancel what a run has left"),
)

#: Step Functions stops the parts of a run with it, as a rule.
_PARTS = Right(
    "executions of parts", _actions("states", "DescribeExecution", "StopExecution"), "stop the parts of runs"
)

#: What the Data API does for whoever submits SQL: one of these ways, as the connection says. A cluster without a
#: database user is connected to as oneself. https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-iam.html
_CONNECTING = (
    Right("database user", _actions("redshift", "GetClusterCredentials"), "connect to the database"),
    Right("cluster identity", _actions("redshift", "GetClusterCredentialsWithIAM"), "connect to the database"),
    Right("workgroup identity", _actions("redshift-serverless", "GetCredentials"), "connect to the database"),
    Right("secret", _actions("secretsmanager", "GetSecretValue"), "connect to the database"),
)

_AIRFLOW = (
    *_RUNS,
    *_STOPPING,
    _PARTS,
    Right("statements", _actions("redshift-data", "DescribeStatement"), "tell rows and times of tasks, and follow SQL"),
    Right("warehouse", _actions("redshift-data", "BatchExecuteStatement", "ExecuteStatement"), "run SQL from DAGs"),
    Right("results", _actions("redshift-data", "GetStatementResult"), "give the rows of SQL to DAGs"),
    *_CONNECTING,
)

#: A deployer may do so by what CloudFormation does in its name.
_DRIFT = "tell what somebody has deleted or disabled: status"

_OPERATOR = (
    *_RUNS,
    *_STOPPING,
    _PARTS,
    Right("machine", _actions("states", "ListExecutions"), "find the newest runs"),
    Right("machine behind ends", _actions("states", "StartExecution"), "catch up the history"),
    Right("history index", _actions("dynamodb", "Query"), "show past runs by their outcome"),
    Right("audit table", _actions("dynamodb", "Scan"), "show all locks of a table: status"),
    Right("stack", _actions("cloudformation", "GetTemplate", "ListStackResources"), _DRIFT),
    Right("rules", _actions("events", "DescribeRule"), _DRIFT),
    Right("schedules", _actions("scheduler", "GetSchedule"), _DRIFT),
    Right("alarms", _actions("cloudwatch", "DescribeAlarms"), _DRIFT),
    Right("topics", _actions("sns", "GetTopicAttributes"), _DRIFT),
)

#: What it takes to use an audit table in Redshift, where one is named.
_LOCKS_IN_REDSHIFT = (
    Right("warehouse", _actions("redshift-data", "BatchExecuteStatement", "ExecuteStatement"), "use locks in Redshift"),
    Right(
        "results",
        _actions("redshift-data", "CancelStatement", "DescribeStatement", "GetStatementResult", "ListStatements"),
        "use locks in Redshift",
    ),
    *_CONNECTING,
)

#: Beside what CloudFormation does for them, see :mod:`elt_redshift.aws.callers.resource_types`.
_DEPLOYER = (
    _FINDING,
    Right(
        "stack",
        _actions(
            "cloudformation",
            "CreateChangeSet",
            "DeleteChangeSet",
            "DeleteStack",
            "DescribeChangeSet",
            "DescribeStackEvents",
            "ExecuteChangeSet",
            "GetTemplate",
            "ListStackResources",
            "TagResource",  # of a stack that is made with tags
        ),
        "make, change and remove stacks",
    ),
    Right("definitions", _actions("states", "ValidateStateMachineDefinition"), "have definitions judged beforehand"),
    Right("machine", _actions("states", "ListExecutions"), "see before a removal what runs"),
    Right("executions", _actions("states", "DescribeExecution", "GetExecutionHistory"), "stop runs: destroy --stop"),
    Right(
        "executions of parts",
        _actions("states", "GetExecutionHistory", "StopExecution"),
        "stop the parts of runs: destroy --stop",
    ),
    *(Right(one.on, one.actions, f"{one.why}: destroy --stop") for one in _STOPPING),
    Right("audit table", _actions("dynamodb", "UpdateItem"), "show the job in its audit table, and hold its lock"),
    Right("audit table", _actions("dynamodb", "GetItem"), "see who has a lock that is to move"),
    Right("shared table", _actions("dynamodb", "DeleteItem", "GetItem"), "remove a job's item: destroy --all"),
    Right(
        "shared table",
        _actions("dynamodb", "CreateTable", "DescribeTable", "UpdateContinuousBackups"),
        "make and check a shared audit table",
    ),
    Right("bucket", _actions("s3", "CreateBucket"), "make the bucket for large templates and jobs"),
    Right("templates", _actions("s3", "GetObject", "PutObject"), "upload large templates, which CloudFormation reads"),
    Right("job files", _actions("s3", "GetObject", "PutObject"), "upload large jobs, whose parts CloudFormation reads"),
    Right("functions", _actions("s3", "GetObject", "PutObject"), "upload the code of functions, which Lambda reads"),
)

#: What a key of one's own takes of who reads and writes what is under it; as the roles of the stack have it.
_KEY = Right(
    "key",
    _actions("kms", "Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo"),
    "read and write what the key encrypts",
)
_KEY_OF_DEPLOYER = Right("key", (*_KEY.actions, "kms:CreateGrant"), "encrypt what a stack makes")

RIGHTS: Mapping[Caller, tuple[Right, ...]] = MappingProxyType(
    {
        "mwaa": (*_AIRFLOW, _KEY),
        "deployer": (*_DEPLOYER, *_LOCKS_IN_REDSHIFT, _KEY_OF_DEPLOYER),
        "operator": (*_OPERATOR, *_LOCKS_IN_REDSHIFT, _KEY),
    }
)
