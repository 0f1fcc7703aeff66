"""Tests for the package's errors: whatever carries one to another process or place gives the same one."""

from __future__ import annotations

import ast
import copy
import pickle
from pathlib import Path

import pytest

import elt_redshift
from elt_redshift.aws.archive import NoHistoryError
from elt_redshift.aws.audit import NotOwnerError
from elt_redshift.aws.audit_item import AuditItem, LockedError
from elt_redshift.aws.deployed import Deployed
from elt_redshift.aws.errors import AwsError
from elt_redshift.aws.executions import FollowTimeoutError, NotRedrivableError
from elt_redshift.aws.moving import MovingError
from elt_redshift.aws.resumption import UnknowableError
from elt_redshift.aws.shared_table import AuditTableError
from elt_redshift.aws.stacks import DeployedTwiceError, DeployError, NotDeployedError
from elt_redshift.aws.validation import Diagnostic, InvalidDefinitionError
from elt_redshift.aws.verification.bench import DiffersError, NotShownError
from elt_redshift.demo.data import DemoDataError
from elt_redshift.exceptions import EltError, JobError, Problem
from elt_redshift.job.sql import SqlSyntaxError
from elt_redshift.local.cloudformation.errors import CloudFormationError, ResourceError
from elt_redshift.local.errors import LocalAwsError, NotRunningError
from elt_redshift.local.redshift.dialect.errors import InvalidSqlError, UnsupportedSqlError
from elt_redshift.local.redshift.errors import DataApiError, StatementError
from elt_redshift.local.redshift.loading.values import FieldError
from elt_redshift.local.redshift.postgres import PostgresError
from elt_redshift.operators.sql_input import InputError
from elt_redshift.protocol.owners import Owner

ERRORS = (
    EltError("Something is wrong."),
    JobError([Problem("job.yaml: tasks.a", "It is wrong.", "Mend it."), Problem("job.yaml", "That too.", "Mend it.")]),
    SqlSyntaxError("a comment /* is never closed", 3),
    InputError("sql is empty."),
    AwsError("table jobs", "AccessDeniedException", "You may not read it."),
    LockedError("101", AuditItem("101", "Failed", owner=Owner("me"), failure_message="no such table"), "jobs"),
    LockedError("101", None, "jobs"),
    NotOwnerError("101", "me"),
    NotRedrivableError("arn:aws:states:eu-west-1:123456789012:execution:m:e", "it is RUNNING."),
    FollowTimeoutError("arn:aws:states:eu-west-1:123456789012:execution:m:e", 7.0),
    UnknowableError("night", ("load", "report")),
    DeployError("sales", ("Table: it exists", "Role: it does not")),
    NotDeployedError("sales"),
    DeployedTwiceError("sales", ("sales", "sales-test")),
    AuditTableError("There is no table audit."),
    MovingError("Stack sales cannot change runtime now."),
    NoHistoryError(Deployed("sales", "sales-stack", "arn:aws:states:eu-west-1:123456789012:stateMachine:m", "audit")),
    InvalidDefinitionError("sales", (Diagnostic("ERROR", "SCHEMA", "It is wrong.", "/States/a"),)),
    DiffersError("ABORTED"),
    NotShownError("Step Functions does not know that here"),
    LocalAwsError("port 1 is taken"),
    NotRunningError(".elt-redshift"),
    DataApiError("ResourceNotFoundException", "There is none.", 404, {"ResourceId": "x"}),
    FieldError(1207, "Invalid digit"),
    StatementError("it failed"),
    PostgresError("it does not start"),
    UnsupportedSqlError("PIVOT"),
    InvalidSqlError("PIVOT needs a FOR"),
    CloudFormationError("There is no such stack.", "ValidationError"),
    ResourceError("Table", "it exists"),
    DemoDataError("tpchgen is missing"),
)


def _classes() -> set[str]:
    """The names of all classes in the package that derive from EltError."""
    folder = Path(str(elt_redshift.__file__)).parent
    parsed = (ast.parse(file.read_text()) for file in folder.rglob("*.py"))
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for module in parsed
        for node in ast.walk(module)
        if isinstance(node, ast.ClassDef)
    }
    found: set[str] = {"EltError"}
    while more := {name for name, its in bases.items() if its & found} - found:
        found |= more
    return found


def test_every_error_of_the_package_is_tried() -> None:
    """A new class of errors is to have its line above."""
    assert {type(error).__name__ for error in ERRORS} == _classes()


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_is_the_same_after_a_journey(error: EltError) -> None:
    """Pickled with any protocol, or copied, an error keeps its class, its text, its fields and its notes."""
    error.add_note("on the way")
    dumped = [pickle.loads(pickle.dumps(error, protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    for arrived in (*dumped, copy.copy(error), copy.deepcopy(error)):
        assert (type(arrived), str(arrived), arrived.args) == (type(error), str(error), error.args)
        assert vars(arrived) == vars(error)
