"""ELT jobs as graphs of SQL tasks on Amazon Redshift, run by Step Functions, triggered and shown by Airflow."""

# The front door: what users import, and nothing else of ours. Names are found when somebody asks for them, so that a
# DAG file loads only what it names (https://peps.python.org/pep-0562/). Our own modules import from where a name lives.

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from elt_redshift.version import __version__

if TYPE_CHECKING:
    from elt_redshift.aws.errors import AwsError
    from elt_redshift.aws.stacks import NotDeployedError
    from elt_redshift.dag import elt_dag, elt_task_group
    from elt_redshift.exceptions import EltError, JobError, Problem
    from elt_redshift.hooks.step_functions import EltHook
    from elt_redshift.job.model import EltJob, LockPolicy, Notify, Parameter, Schedule, SqlStatement, SqlTask
    from elt_redshift.job.nodes import Node
    from elt_redshift.operators.audit_lock import AuditLock, AuditLockAcquireOperator, AuditLockReleaseOperator
    from elt_redshift.operators.mirror import MirrorOperator
    from elt_redshift.operators.redshift_sql import RedshiftSqlOperator
    from elt_redshift.operators.step_functions import StartExecutionOperator
    from elt_redshift.sensors.execution import ExecutionSensor
    from elt_redshift.sensors.redshift_statement import RedshiftStatementSensor

__all__ = [
    "AuditLock",
    "AuditLockAcquireOperator",
    "AuditLockReleaseOperator",
    "AwsError",
    "EltError",
    "EltHook",
    "EltJob",
    "ExecutionSensor",
    "JobError",
    "LockPolicy",
    "MirrorOperator",
    "Node",
    "NotDeployedError",
    "Notify",
    "Parameter",
    "Problem",
    "RedshiftSqlOperator",
    "RedshiftStatementSensor",
    "Schedule",
    "SqlStatement",
    "SqlTask",
    "StartExecutionOperator",
    "__version__",
    "elt_dag",
    "elt_task_group",
]

#: Where each name lives, as type checkers are told above.
_HOMES = {
    "AuditLock": "operators.audit_lock",
    "AuditLockAcquireOperator": "operators.audit_lock",
    "AuditLockReleaseOperator": "operators.audit_lock",
    "AwsError": "aws.errors",
    "EltError": "exceptions",
    "EltHook": "hooks.step_functions",
    "EltJob": "job.model",
    "ExecutionSensor": "sensors.execution",
    "JobError": "exceptions",
    "LockPolicy": "job.model",
    "MirrorOperator": "operators.mirror",
    "Node": "job.nodes",
    "NotDeployedError": "aws.stacks",
    "Notify": "job.model",
    "Parameter": "job.model",
    "Problem": "exceptions",
    "RedshiftSqlOperator": "operators.redshift_sql",
    "RedshiftStatementSensor": "sensors.redshift_statement",
    "Schedule": "job.model",
    "SqlStatement": "job.model",
    "SqlTask": "job.model",
    "StartExecutionOperator": "operators.step_functions",
    "elt_dag": "dag",
    "elt_task_group": "dag",
}


if not TYPE_CHECKING:  # a type checker would believe that every name is there

    def __getattr__(name: str) -> Any:
        """Python asks here for a name that nobody has asked for before."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()[name] = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
