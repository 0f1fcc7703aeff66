"""Removing a deployed job: what goes with its stack, and what stays unless that is to go too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from elt_redshift.aws.account import Account
from elt_redshift.aws.audit import AuditStore
from elt_redshift.aws.deployed import Deployed
from elt_redshift.aws.errors import GONE, AwsError, aws_errors
from elt_redshift.aws.executions import Executions
from elt_redshift.aws.stack_events import StackEvent
from elt_redshift.aws.stopping import stop_and_settle
from elt_redshift.exceptions import EltError

TABLE = "AWS::DynamoDB::Table"


@dataclass(frozen=True)
class Kept:
    """A resource that outlives its stack: its type, its name in the template, and its own."""

    type: str
    resource: str
    name: str


@dataclass(frozen=True)
class Removal:
    """What is about to happen.

    :param goes: how many resources are deleted with the stack.
    :param tables: of these, the names of the tables.
    :param stays: those that the template retains.
    :param running: the ARNs of executions that have not ended.
    :param gone: whether the state machine is not there any more, and its executions with it.
    """

    deployed: Deployed
    goes: int
    tables: tuple[str, ...]
    stays: tuple[Kept, ...]
    running: tuple[str, ...]
    gone: bool = False


def plan(account: Account, deployed: Deployed) -> Removal:
    """Look what there is; nothing is changed."""
    client = account.client("cloudformation")
    with aws_errors(f"stack {deployed.stack}"):
        body = client.get_template(StackName=deployed.stack)["TemplateBody"]
        found = [
            one
            for page in client.get_paginator("list_stack_resources").paginate(StackName=deployed.stack)
            for one in page["StackResourceSummaries"]
            if one["ResourceStatus"] != "DELETE_COMPLETE"
        ]
    stays = tuple(
        Kept(one["ResourceType"], one["LogicalResourceId"], one["PhysicalResourceId"])
        for one in found
        if _retained(body, one)
    )
    kept = {one.name for one in stays}
    all_tables = (one["PhysicalResourceId"] for one in found if one["ResourceType"] == TABLE)
    tables = tuple(name for name in all_tables if name not in kept)
    running = _running(account.executions(deployed.state_machine_arn))
    return Removal(deployed, len(found) - len(stays), tables, stays, running or (), gone=running is None)


def _running(executions: Executions) -> tuple[str, ...] | None:
    """The ARNs of those that have not ended; None: their state machine is gone."""
    try:
        return tuple(one.arn for one in executions.running())
    except AwsError as error:
        if error.code not in GONE:
            raise
        return None


def _retained(body: Any, resource: Mapping[str, Any]) -> bool:
    """Whether the template says that a resource stays. One that somebody rewrote as YAML comes as a text, which is not
    taken apart: then every table is taken to stay, which is told and can be seen."""
    if not isinstance(body, Mapping):
        return bool(resource["ResourceType"] == TABLE)
    policy = body["Resources"].get(resource["LogicalResourceId"], {}).get("DeletionPolicy")
    return policy in ("Retain", "RetainExceptOnCreate")


def remove(
    account: Account,
    removal: Removal,
    *,
    job_id: str,
    stop: bool = False,
    everything: bool = False,
    told: Callable[[StackEvent], None] = lambda _: None,
) -> None:
    """Carry a removal out, and wait for its end.

    :param stop: end the executions that run, their statements included.
    :param everything: delete the tables too that would stay; of a shared audit table, the job's item.
    :raises EltError: executions run, and shall not be stopped; nothing is changed.
    :raises DeployError: a resource could not be deleted.
    :raises LockedError: somebody holds the job's item in a shared audit table, which stays.
    """
    deployed = removal.deployed
    if removal.running and not stop:
        raise EltError(
            f"Execution {removal.running[0].rpartition(':')[2]} of job {deployed.job} runs. "
            "Wait for its end, or give --stop, which ends it and what it runs in the database."
        )
    audit, executions = account.audit(deployed.audit_table), account.executions(deployed.state_machine_arn)
    for arn in removal.running:
        stop_and_settle(executions, account.statements, audit, job_id, arn, f"Job {deployed.job} was removed.")
    account.stacks.delete(deployed.stack, told)
    for kept in removal.stays if everything else ():
        _delete_table(account.client("dynamodb"), kept)
    if everything and deployed.shares_table:
        _remove_item(audit, job_id)


def _remove_item(audit: AuditStore, job_id: str) -> None:
    try:
        audit.remove(job_id)
    except AwsError as error:
        if error.code not in GONE:  # with its table
            raise


def _delete_table(client: Any, kept: Kept) -> None:
    if kept.type != TABLE:
        raise EltError(f"{kept.type} {kept.name} stays: only tables are deleted here. Delete it by yourself.")
    with aws_errors(f"table {kept.name}"):
        with suppress(client.exceptions.ResourceNotFoundException):  # somebody has deleted it already
            client.delete_table(TableName=kept.name)
        client.get_waiter("table_not_exists").wait(TableName=kept.name)
