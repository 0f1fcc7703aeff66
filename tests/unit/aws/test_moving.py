"""What a deployment moves from under a run: everything by which runs find each other."""

from __future__ import annotations

from typing import Any

import pytest

from elt_redshift.aws import moving
from elt_redshift.aws.deployed import Deployed
from elt_redshift.aws.stacks import Change
from elt_redshift.aws.template import tables
from elt_redshift.job.model import EltJob
from elt_redshift.protocol.places import Place

WAREHOUSE = {"RedshiftClusterIdentifier": "c", "WorkgroupName": "", "DatabaseName": "dev", "DatabaseUserName": "etl"}
MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:m"
HERE, THERE = "Stack-DynamoDBETLAuditTable-1", "redshift://c/dev/public.elt_audit?user=etl"


def _moved(table: str = HERE, values: dict[str, str] | None = None, *changes: Change, **job: Any) -> Any:
    deployed = Deployed("j", "Stack", MACHINE, table, job_id="1", parameters=WAREHOUSE)
    made = EltJob(**{"job_id": "1", "name": "j", **job})
    found = moving.move(deployed, made, {**WAREHOUSE, **(values or {})}, changes)
    return found and found.changes


@pytest.mark.parametrize("action", ["Add", "Remove"])
def test_another_runtime_is_another_role(action: str) -> None:
    """The function that submits comes, or goes; one that is only changed is as it was."""
    assert _moved(HERE, None, Change(action, "SqlFunction", "AWS::Lambda::Function", "False")) == ("runtime",)
    assert _moved(HERE, None, Change("Modify", "SqlFunction", "AWS::Lambda::Function", "False")) is None


def test_another_store_another_id_and_another_warehouse_are_other_locks() -> None:
    """Each is told by the name of what changes, all of them at once."""
    assert _moved(HERE, audit_store="redshift") == ("audit_store",)
    assert _moved(THERE) == ("audit_store",)
    assert _moved(THERE, audit_store="redshift") is None
    assert _moved(THERE, {"DatabaseName": "other"}, audit_store="redshift", job_id="2") == ("job_id", "warehouse")
    assert _moved(HERE, {"RedshiftClusterIdentifier": "", "WorkgroupName": "w"}) == ("warehouse",)


@pytest.mark.parametrize(
    ("resource", "lost"),
    [
        ("Part12StepFunction", "machines of parts"),
        ("StatementFollowerStepFunction", "the machine that follows statements"),
        ("JoinTable", "its table of joins"),
        ("RunEndStepFunction", None),
        ("RunTable", None),
    ],
)
def test_what_runs_call_is_lost_by_a_smaller_job(resource: str, lost: str | None) -> None:
    """Where it only changes, a run under way goes on; what others than runs need may go."""
    deployed = Deployed("j", "Stack", MACHINE, HERE, job_id="1", parameters=WAREHOUSE)

    def move(action: str) -> Any:
        changes = (Change(action, resource, "AWS::…", "False"),) * 2
        return moving.move(deployed, EltJob(job_id="1", name="j"), WAREHOUSE, changes)

    assert move("Modify") is None
    assert move("Remove") == (moving.Move(deployed, (), (lost,)) if lost else None)


def test_a_new_stack_moves_nothing() -> None:
    """Nor does one that was never made."""
    job = EltJob(job_id="1", name="j", audit_store="redshift")
    assert moving.move(None, job, WAREHOUSE, ()) is None
    assert moving.move(Deployed("j", "Stack", "", ""), job, WAREHOUSE, ()) is None


@pytest.mark.parametrize(
    ("values", "address"),
    [
        ({}, "redshift://c/dev/public.elt_audit?user=etl"),
        ({"SecretArn": "arn:s+x"}, "redshift://c/dev/public.elt_audit?secret=arn:s+x"),
        (
            {"WorkgroupName": "w", "SecretArn": "arn:s", "RedshiftETLAuditTable": "ops.audit"},
            "redshift-serverless://w/dev/ops.audit?secret=arn:s",
        ),
    ],
)
def test_the_address_is_the_one_that_the_stack_tells(values: dict[str, str], address: str) -> None:
    """A login with a plus in it is the same to whoever reads the address."""
    made = tables.address({**WAREHOUSE, **values})
    assert made == address
    login = {"DbUser", "SecretArn"} & Place.parse(made).warehouse.keys()
    assert Place.parse(made).warehouse[login.pop()] == address.partition("=")[2]
