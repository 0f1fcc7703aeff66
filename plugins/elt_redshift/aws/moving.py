"""What a deployment may change only while nobody works under the old: where a job has its lock, who submits its SQL
where, and what a run under way calls.

A run under the lock of one table does not see that of another; and whoever takes over looks for what was left as
another role, in another warehouse, or under another job id, and does not find it. So the lock is held while such a
change is made: who comes meanwhile finds the job locked, as by any other run.

A smaller job may need fewer machines beside its own, or no joins. What a run under way calls is not taken from it; a
failed one that holds the lock is no hindrance, since what it needs comes with the job that goes on with it.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from elt_redshift.aws.account import Account
from elt_redshift.aws.audit import AuditStore
from elt_redshift.aws.audit_item import LockedError
from elt_redshift.aws.deployed import Deployed
from elt_redshift.aws.stacks import TIMEOUT, Change
from elt_redshift.aws.template import following, functions, parts, tables, warehouse
from elt_redshift.exceptions import EltError
from elt_redshift.job.model import EltJob
from elt_redshift.protocol.places import Place

log = logging.getLogger(__name__)

#: For so long the lock is held: longer than a deployment is waited for. It is given back at its end.
LEASE = timedelta(seconds=TIMEOUT + 300)

#: The parameters that say in which database the SQL runs.
_WHERE = (warehouse.CLUSTER, warehouse.WORKGROUP, warehouse.DATABASE)


@dataclass(frozen=True)
class Move:
    """Such a change.

    :param deployed: the stack as it is.
    :param changes: what changes, such as ``runtime``.
    :param lost: what goes that runs under way call, such as ``its table of joins``.
    """

    deployed: Deployed
    changes: tuple[str, ...]
    lost: tuple[str, ...] = ()


class MovingError(EltError):
    """Somebody works under the old."""


def move(deployed: Deployed | None, job: EltJob, values: Mapping[str, str], changes: tuple[Change, ...]) -> Move | None:
    """What a deployment moves; None: nothing.

    :param values: of the template's parameters, as they will be.
    :param changes: those of the change set.
    """
    if deployed is None or not deployed.audit_table:
        return None
    before = deployed.parameters
    added_or_removed = {change.resource for change in changes if change.action in ("Add", "Remove")}
    found = {
        "runtime": functions.SQL in added_or_removed,
        "audit_store": Place.named(deployed.audit_table) != job.audit_in_redshift,
        "job_id": deployed.job_id not in ("", job.job_id),
        "warehouse": any(before.get(name, "") != values.get(name, "") for name in _WHERE if name in before),
    }
    moved = tuple(name for name, moves in found.items() if moves)
    lost = (_called(change.resource) for change in changes if change.action == "Remove")
    gone = tuple(dict.fromkeys(one for one in lost if one))
    return Move(deployed, moved, gone) if moved or gone else None


def _called(resource: str) -> str | None:
    """What it is, for people, if runs call it beside their own machine."""
    if parts.is_part(resource):
        return "machines of parts"
    return {following.MACHINE: "the machine that follows statements", tables.JOINS: "its table of joins"}.get(resource)


def check(account: Account, move: Move) -> None:
    """
    :raises MovingError: a run is under way, or the lock is held; nothing is changed.
    """
    deployed = move.deployed
    running = account.executions(deployed.state_machine_arn).running()
    if running:
        name = running[0].arn.rpartition(":")[2]
        remedy = f"Wait for its end, or stop it: `elt-redshift stop {deployed.job}`."
        raise MovingError(_refused(move, f"while execution {name} runs", remedy))
    item = _store(account, move).read(deployed.job_id) if move.changes else None
    if item and not (item.free or item.let_go):
        error = LockedError(deployed.job_id, item, deployed.audit_table)
        raise MovingError(_refused(move, "now", str(error)))


@contextmanager
def held(account: Account, move: Move) -> Iterator[None]:
    """Hold the lock for the length of the block.

    :raises MovingError: as :func:`check`.
    """
    check(account, move)
    if not move.changes:
        yield
        return
    store, job_id, owner = _store(account, move), move.deployed.job_id, f"deployment:{uuid.uuid4()}"
    try:
        _take(store, job_id, owner)
    except LockedError as error:
        raise MovingError(_refused(move, "now", str(error))) from error
    try:
        yield
    finally:
        try:
            store.release(job_id, owner)
        except EltError as error:  # the table may have gone with the deployment; otherwise the lease runs out
            log.warning("The lock of job %s was not given back: %s", job_id, error)


def _take(store: AuditStore, job_id: str, owner: str) -> None:
    store.introduce(job_id)
    item = store.read(job_id)
    if item and item.let_go:
        store.take_over(item, owner, LEASE)
    else:
        store.acquire(job_id, owner, LEASE)


def _store(account: Account, move: Move) -> AuditStore:
    return account.audit(move.deployed.audit_table)


def _refused(move: Move, why: str, remedy: str) -> str:
    what = [f"{verb} {' and '.join(names)}" for verb, names in (("change", move.changes), ("lose", move.lost)) if names]
    return f"Stack {move.deployed.stack} cannot {' and '.join(what)} {why}. {remedy}"
