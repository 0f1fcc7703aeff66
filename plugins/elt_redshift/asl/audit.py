"""The audit lock's protocol: what each write to the audit item sets, and on which condition.

Both the state machine (:mod:`elt_redshift.asl.lock`) and Python (:mod:`elt_redshift.aws.audit`) write through these,
so that the protocol exists once. The item is keyed by ``JobID``; an item that holds only ``JobID`` and ``JobState:
Ready`` is free.

::

    free ──ACQUIRE──> Running ──RELEASE──> Ready            (free again)
                         │
                         ├──RECORD──> Failed ──RECLAIM──> Running     (a redrive of the same owner)
                         │               └────UNLOCK────> Failed, free to be taken over  (an operator)
                         ├──UNLOCK_EXPIRED──> Failed, free to be taken over
                         └──TAKE_OVER──> Running of a new owner       (the old one is dead)

Every write is conditional on the owner, so a repeated or late one changes nothing that is not its own.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ConditionExpressions.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

#: Stands for the task of a failure that no task had.
NO_TASK = "none"

JobState = Literal["Ready", "Running", "Failed"]
READY: JobState = "Ready"
RUNNING: JobState = "Running"
FAILED: JobState = "Failed"

_RUN = "JobState = :running, #owner = :owner, RedriveCount = :redrives"
_CLEAN = "JobEnd, FailedTask, FailedStatement, FailureMessage, AfterFailure, ReservedFor"
_IS_OWNER = "#owner = :owner"


@dataclass(frozen=True)
class Write:
    """One conditional update of an audit item.

    :param update: DynamoDB's UpdateExpression.
    :param condition: DynamoDB's ConditionExpression.
    :param constants: placeholders that always have the same value.
    """

    update: str
    condition: str
    constants: Mapping[str, str]

    def request(self, table: Any, job_id: str, **values: Any) -> dict[str, Any]:
        """The members of an ``UpdateItem`` request.

        :param values: the placeholders' values, such as ``owner="arn:…"``; ``redrives`` and ``claim`` are numbers in
            digits, all others are strings.
        """
        given = {**self.constants, **values}
        return {
            "TableName": table,
            "Key": key(job_id),
            "UpdateExpression": self.update,
            "ConditionExpression": self.condition,
            "ExpressionAttributeNames": {"#owner": "Owner"},
            "ExpressionAttributeValues": {
                f":{name}": {"N" if name in ("redrives", "claim") else "S": value} for name, value in given.items()
            },
        }


def key(job_id: str) -> dict[str, Any]:
    """The key of a job's audit item."""
    return {"JobID": {"S": job_id}}


#: Take a free lock; also right when a lost response makes the owner ask again. Needs ``owner``, ``start``,
#: ``redrives``.
ACQUIRE = Write(
    update=f"SET {_RUN}, JobStart = :start REMOVE {_CLEAN}",
    condition=f"attribute_not_exists(JobState) OR JobState = :ready OR {_IS_OWNER}",
    constants={"running": RUNNING, "ready": READY},
)

#: Take the lock of a dead owner as it was seen. Needs ``owner``, ``start``, ``redrives``, ``dead``, ``seen`` (its
#: JobState), ``claim`` (its RedriveCount as it was read) and ``until`` (its lease as it was read, or NO_LEASE), so that
#: an owner who was redriven or renewed its lease in the meantime keeps its lock.
TAKE_OVER = Write(
    update=f"SET {_RUN}, JobStart = :start, TakenOverFrom = :dead REMOVE {_CLEAN}",
    condition=(
        f"{_IS_OWNER} OR (#owner = :dead AND JobState = :seen "
        "AND (attribute_not_exists(RedriveCount) OR RedriveCount = :claim) "
        "AND (attribute_not_exists(LeaseUntil) OR LeaseUntil = :until))"
    ),
    constants={"running": RUNNING},
)

#: The failed or dead owner's work is to be gone on with by another execution, ``reserved``, and by no other while the
#: item stays held: that one may take it over, and whoever takes the lock instead ends the reservation. Needs ``dead``,
#: ``seen`` and ``claim``, as TAKE_OVER does.
RESERVE = Write(
    update="SET ReservedFor = :reserved",
    condition=("#owner = :dead AND JobState = :seen AND (attribute_not_exists(RedriveCount) OR RedriveCount = :claim)"),
    constants={},
)

#: The owner goes on after a redrive. Needs ``owner``, ``redrives``.
RECLAIM = Write(
    update=f"SET {_RUN} REMOVE {_CLEAN}",
    condition=ACQUIRE.condition,
    constants=ACQUIRE.constants,
)

#: The owner's task has failed. Needs ``owner``, ``end``, ``task``, ``statement``, ``message``, ``after`` (hold or
#: release).
RECORD = Write(
    update=(
        "SET JobState = :failed, JobEnd = :end, FailedTask = :task, FailedStatement = :statement, "
        "FailureMessage = :message, AfterFailure = :after"
    ),
    condition=_IS_OWNER,
    constants={"failed": FAILED},
)

#: The owner is done. ``LastOwner`` lets it see, after a lost response, that it has released already. Needs ``owner``,
#: ``end``.
RELEASE = Write(
    update=f"SET JobState = :ready, JobEnd = :end, LastOwner = :owner REMOVE #owner, {_CLEAN.removeprefix('JobEnd, ')}",
    condition=f"{_IS_OWNER} OR (attribute_not_exists(#owner) AND LastOwner = :owner)",
    constants={"ready": READY},
)

#: An operator lets a failed owner's lock go. The item stays Failed until the next run takes it over, which first
#: cancels the statements that the failed run may have left. Needs ``owner`` as it was read, ``end``, ``by``,
#: ``reason``.
UNLOCK = Write(
    update="SET AfterFailure = :after, UnlockedAt = :end, UnlockedBy = :by, UnlockReason = :reason",
    condition=f"JobState = :failed AND {_IS_OWNER}",
    constants={"failed": FAILED, "after": "release"},
)

#: The same for a failed Airflow DAG run, of which nothing runs any more when it is recorded: the item is Ready at once.
UNLOCK_FAILED_DAG_RUN = Write(
    update=(
        "SET JobState = :ready, LastOwner = :owner, UnlockedAt = :end, UnlockedBy = :by, UnlockReason = :reason "
        "REMOVE #owner, AfterFailure"
    ),
    condition=f"JobState = :failed AND {_IS_OWNER} AND AfterFailure = :after",
    constants={"ready": READY, "failed": FAILED, "after": "hold"},
)

#: The same for an Airflow DAG run that is recorded as running, but whose lease has run out: like UNLOCK, since it may
#: have left statements. Needs ``owner`` and ``until``, its lease, as they were read, ``end``, ``by``, ``reason``.
UNLOCK_EXPIRED = Write(
    update=f"SET JobState = :failed, JobEnd = :end, {UNLOCK.update.removeprefix('SET ')}",
    condition=f"JobState = :running AND {_IS_OWNER} AND LeaseUntil = :until",
    constants={"running": RUNNING, **UNLOCK.constants},
)

#: The same for an item without an owner, as another program may have left it: it is Ready at once. Needs ``seen``,
#: its JobState as it was read, ``end``, ``by``, ``reason``.
UNLOCK_UNOWNED = Write(
    update="SET JobState = :ready, JobEnd = :end, UnlockedAt = :end, UnlockedBy = :by, UnlockReason = :reason",
    condition="JobState = :seen AND attribute_not_exists(#owner)",
    constants={"ready": READY},
)

#: An owner that nobody can be asked about, such as an Airflow DAG run, holds the lock for as long as its lease lasts:
#: ``lease`` is an ISO 8601 time in UTC that it moves on while it lives. Needs ``owner``, ``start``, ``redrives``,
#: ``lease``. An execution's item may still show the lease of an owner before it, which then means nothing.
ACQUIRE_LEASED = Write(
    update=ACQUIRE.update.replace(" REMOVE", ", LeaseUntil = :lease REMOVE"),
    condition=ACQUIRE.condition,
    constants=ACQUIRE.constants,
)

#: Take the lock of a dead owner for one with a lease. Needs what TAKE_OVER needs, and ``lease``.
TAKE_OVER_LEASED = Write(
    update=TAKE_OVER.update.replace(" REMOVE", ", LeaseUntil = :lease REMOVE"),
    condition=TAKE_OVER.condition,
    constants=TAKE_OVER.constants,
)

#: The owner lives. Needs ``owner``, ``lease``.
RENEW = Write(
    update="SET LeaseUntil = :lease",
    condition=f"{_IS_OWNER} AND JobState = :running",
    constants={"running": RUNNING},
)

#: The owner's task has failed, nothing of it runs any more, and the next run may begin: the item is Ready, and says
#: what failed until then. Needs what RECORD needs but ``after``.
RECORD_RELEASED = Write(
    update=(
        "SET JobState = :ready, JobEnd = :end, LastOwner = :owner, FailedTask = :task, FailedStatement = :statement, "
        "FailureMessage = :message REMOVE #owner, AfterFailure"
    ),
    condition=RELEASE.condition,
    constants={"ready": READY},
)
