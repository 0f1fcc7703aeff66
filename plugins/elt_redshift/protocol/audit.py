"""The audit lock's protocol: what each write to the audit item sets, and on which condition.

Both the state machine (:mod:`elt_redshift.asl.patterns.lock`) and Python (:mod:`elt_redshift.aws.audit`) write
through these, so that the protocol exists once. The item is keyed by ``JobID``; an item that holds only ``JobID`` and
``JobState: Ready`` is free.

::

    free ──ACQUIRE──> Running ──RELEASE──> Ready            (free again)
                         │
                         ├──RECORD──> Failed ──RECLAIM──> Running     (a redrive of the same owner)
                         ├──SETTLE──> Failed, free to be taken over   (the owner ended without a word)
                         ├──TAKE_OVER──> Running of a new owner       (the old one is dead)
                         └──UNLOCK_…──> Failed, free to be taken over, or Ready  (an operator)

Every write is conditional on the owner, so a repeated or late one changes nothing that is not its own.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any, Final, Literal, TypeVar, get_args

from elt_redshift.protocol.policies import HOLD as HOLD
from elt_redshift.protocol.policies import RELEASED as RELEASED
from elt_redshift.protocol.policies import AfterFailure as AfterFailure
from elt_redshift.protocol.statements import SLASH
from elt_redshift.protocol.writes import Absent, AtMost, Below, Demand, Given, Has, Is, IsNot, Typed, Write, every, some

_Part = TypeVar("_Part")

JobState = Literal["Ready", "Running", "Failed"]
READY: Final = "Ready"
RUNNING: Final = "Running"
FAILED: Final = "Failed"

#: Stands for a JobState that is no text.
NO_TEXT = "(no text)"

#: What a statement is taken for whose outcome is unknowable.
Assumption = Literal["done", "not-done"]
ASSUME_DONE: Final = "done"
ASSUME_NOT_DONE: Final = "not-done"
ASSUMPTIONS: tuple[Assumption, ...] = get_args(Assumption)

#: Stands for the task of a failure that no task had.
NO_TASK = "none"

# The attributes of the item.
JOB_ID = "JobID"
JOB_STATE = "JobState"
JOB_START = "JobStart"
JOB_END = "JobEnd"
OWNER = "Owner"
REDRIVES = "RedriveCount"
FAILED_TASK = "FailedTask"
FAILED_STATEMENT = "FailedStatement"
MESSAGE = "FailureMessage"
AFTER_FAILURE = "AfterFailure"
RESERVED_FOR = "ReservedFor"
TAKEN_OVER_FROM = "TakenOverFrom"
LAST_OWNER = "LastOwner"
LEASE_UNTIL = "LeaseUntil"
ASSUMED = "Assumed"
UNLOCKED_FROM = "UnlockedFrom"
FENCE = "FenceNumber"
#: Of a job with a fence (:mod:`.fence`): since when its numbers count, and the table in which everybody is fenced off
#: who may have calls under way, but for the owner. Without it, that must be written before the lock is taken.
FENCE_ERA = "FenceEra"
FENCE_TABLE = "FenceTable"
#: Of a job whose runs wait for the lock: a set of their tickets (:func:`ticket`), which sort as they came.
WAITING = "Waiting"

#: What the attributes that decide about a lock are, as DynamoDB's types. An item edited by hand may have others: then
#: nobody can tell whose the lock is, and a run that meets it says so.
TYPES = {FENCE: "N", JOB_STATE: "S", OWNER: "S", REDRIVES: "N", LEASE_UNTIL: "S"}

# The values of the writes: the states, and what is given to a write. The names of times are those of ISO 8601 texts.
_READY, _RUNNING, _FAILED = (Given(state.lower(), always=state) for state in (READY, RUNNING, FAILED))
_HELD, _LET_GO = (Given("after", always=after) for after in (HOLD, RELEASED))
_OWNER, _START, _END, _LEASE = Given("owner"), Given("start"), Given("end"), Given("lease")
_COUNT = Given("redrives", "number")
_FAILURE = {FAILED_TASK: Given("task"), FAILED_STATEMENT: Given("statement"), MESSAGE: Given("message")}
_UNLOCKED = {
    "UnlockedAt": Given("at"),
    "UnlockedBy": Given("by"),
    "UnlockReason": Given("reason"),
    UNLOCKED_FROM: Given("before"),
}

_RUN = {JOB_STATE: _RUNNING, OWNER: _OWNER, REDRIVES: _COUNT}
_OLD_FAILURE = (FAILED_TASK, FAILED_STATEMENT, MESSAGE, AFTER_FAILURE, RESERVED_FOR)
_CLEAN = (JOB_END, *_OLD_FAILURE)
_MINE = Is(OWNER, _OWNER)
_FREE = some(Absent(JOB_STATE), Is(JOB_STATE, _READY))
#: The lock is this execution's, and it has not ended since it was redriven last. A write that arrives when its
#: execution has ended, long after it was given up, changes nothing then.
_GOING_ON = every(_MINE, some(Is(JOB_STATE, _RUNNING), Absent(REDRIVES), Below(REDRIVES, _COUNT)))


def _as_seen(attribute: str, value: Given) -> Demand:
    """The attribute is as it was read: of an item that had none, it is still not there."""
    return some(Absent(attribute), Is(attribute, value))


_AS_READ = every(*(_as_seen(name, Given(f"read{name}", "read")) for name in TYPES))
_DEAD = (Is(OWNER, Given("dead")), Is(JOB_STATE, Given("seen")), _as_seen(REDRIVES, Given("claim", "number")))
_AS_DEAD = every(*_DEAD, _as_seen(LEASE_UNTIL, Given("until")))


# The fencing number: it grows with each acquisition, so that of two owners the later one is known by it, whatever
# clocks say. An item that has none, as AWS's article leaves it, gets the first.
_NEXT = {FENCE: Given("one", "number", always="1")}
_COUNTS = some(Absent(FENCE), Typed(FENCE, Given("counting", always=TYPES[FENCE])))
_NUMBER = _as_seen(FENCE, Given("number", "number"))
_FENCED = {FENCE_TABLE: Given("fence")}
_STANDS = every(Is(FENCE_TABLE, Given("fence")), Typed(FENCE_ERA, Given("text", always="S")))
_AS_FENCED = every(_AS_DEAD, _NUMBER, Is(FENCE_ERA, Given("era")))


def key(job_id: str) -> dict[str, Any]:
    """The key of a job's audit item."""
    return {JOB_ID: job_id}


def assumed_in(execution: _Part, redrives: _Part, task: _Part) -> tuple[_Part | str, ...]:
    """The key under which the item holds what the statement of ``task`` is taken for in one redrive of an execution, in
    pieces to be joined.

    :param execution: its name.
    :param redrives: how often it has been redriven then, in digits.
    """
    return (execution, SLASH, redrives, SLASH, task)


def ticket(started: _Part, execution: _Part) -> tuple[_Part | str, ...]:
    """What a waiting execution has in the item, in pieces to be joined.

    :param started: when it was started, in ISO 8601 in UTC with milliseconds.
    :param execution: its ARN.
    """
    return (started, " ", execution)


#: What deletes a job's item demands of it: nobody holds the lock.
UNHELD = Write(IsNot(JOB_STATE, _RUNNING))

#: A job that has not run yet: its item is there and free, as AWS's article begins. One that is there stays as it is.
INTRODUCE = Write(Absent(JOB_ID), sets={JOB_STATE: _READY})

#: Take a free lock; also right when a lost response makes the owner ask again. An execution that has released it has
#: succeeded, and asks no more.
ACQUIRE = Write(
    every(some(every(_FREE, IsNot(LAST_OWNER, _OWNER)), _GOING_ON), _COUNTS),
    adds=_NEXT,
    sets={**_RUN, JOB_START: _START},
    removes=(*_CLEAN, LEASE_UNTIL),
)

#: The same of a job with a fence, ``fence`` being its table. It takes no lock twice: a call that arrives late would
#: count an acquisition of which its run does not know, and whose claim would hold off that very run.
ACQUIRE_FENCED = replace(ACQUIRE, demands=every(_FREE, IsNot(LAST_OWNER, _OWNER), _STANDS, _COUNTS))

#: The lock of a job with a fence is this execution's already, by a call whose answer was lost: it learns its number.
KEEP_FENCED = Write(_GOING_ON, sets=_RUN, removes=_CLEAN)

#: The numbers of a job with a fence begin to count, if they do not yet. This comes before anything is written into the
#: fence's table, so that there is one era only.
BEGIN_ERA = Write(once={FENCE_ERA: Given("era")})

#: All claims up to that of the fencing ``number`` are written into the fence's table; nobody has taken the free lock
#: since it was read.
FENCE_OFF = Write(every(_FREE, _NUMBER, Is(FENCE_ERA, Given("era"))), sets=_FENCED)

#: Take the lock of a dead owner as it was seen: ``dead``, ``seen`` (its JobState), ``claim`` (its RedriveCount as it
#: was read) and ``until`` (its lease as it was read, or NO_LEASE), so that an owner who was redriven or renewed its
#: lease in the meantime keeps its lock.
TAKE_OVER = Write(
    some(_GOING_ON, _AS_DEAD),
    adds=_NEXT,
    sets={**_RUN, JOB_START: _START, TAKEN_OVER_FROM: Given("dead")},
    removes=(*_CLEAN, LEASE_UNTIL),
)

#: The same of a job with a fence, once that is written; ``number`` is the owner's, as it was read. Not twice either.
TAKE_OVER_FENCED = replace(TAKE_OVER, demands=_AS_FENCED, sets={**TAKE_OVER.sets, **_FENCED})

#: The failed or dead owner's work is to be gone on with by another execution, ``reserved``, and by no other while the
#: item stays held: that one may take it over, and whoever takes the lock instead ends the reservation. The others are
#: as in TAKE_OVER.
RESERVE = Write(every(*_DEAD), sets={RESERVED_FOR: Given("reserved")})

#: The owner goes on after a redrive: the lock is its own still, or was freed, and nobody has run since. Where another
#: run has had it, whatever that has loaded would be overwritten with what is older. A failure that this very redrive
#: has recorded stays: a branch that comes late finds nothing to go on with, and a write that comes late is no news.
RECLAIM = Write(
    some(_GOING_ON, every(_FREE, Absent(LAST_OWNER))),
    sets=_RUN,
    removes=_CLEAN,
)

#: No later redrive than this one, of its owner, has claimed the lock.
_NEWEST = some(Absent(REDRIVES), AtMost(REDRIVES, _COUNT))

#: The owner's task has failed, when it had been redriven ``redrives`` times; ``after`` is one of AfterFailure. What a
#: later redrive has claimed goes on: the failure is one that it mends. The count goes with it, since a task may fail
#: that had not to take the lock again, before another one of the same redrive does so.
RECORD = Write(
    every(_MINE, _NEWEST),
    sets={JOB_STATE: _FAILED, REDRIVES: _COUNT, JOB_END: _END, **_FAILURE, AFTER_FAILURE: Given("after")},
)

#: The owner has ended without saying so: it was stopped, or failed unforeseen. Its lock is let go, since the next run
#: may take it over anyway. What a redrive later than ``redrives`` has claimed is left alone.
SETTLE = Write(
    every(_MINE, Is(JOB_STATE, _RUNNING), _NEWEST),
    sets={JOB_STATE: _FAILED, REDRIVES: _COUNT, JOB_END: _END, **_FAILURE, AFTER_FAILURE: _LET_GO},
)

#: A redrive has ended before it took the lock again: the failure that was to be mended stays, and a late RECLAIM of
#: that redrive finds that it is over.
OUTLIVE = Write(every(Is(JOB_STATE, _FAILED), _MINE, Below(REDRIVES, _COUNT)), sets={REDRIVES: _COUNT})

#: Somebody says what the statements of the owner's tasks are to be taken for whose outcome is unknowable: ``assumed``
#: by :func:`assumed_in`. It stays, for the record.
ASSUME = Write(
    every(Is(JOB_STATE, _FAILED), _MINE),
    sets={ASSUMED: Given("assumed", "object"), "AssumedAt": _END, "AssumedBy": Given("by")},
)

#: The owner is done. ``LastOwner`` lets it see, after a lost response, that it has released already.
RELEASE = Write(
    some(_MINE, every(Absent(OWNER), Is(LAST_OWNER, _OWNER))),
    sets={JOB_STATE: _READY, JOB_END: _END, LAST_OWNER: _OWNER},
    removes=(OWNER, *_OLD_FAILURE),
)

#: An operator lets a failed owner's lock go. The item stays Failed until the next run takes it over, which first
#: cancels the statements that the failed run may have left. All that decides about the lock is as it was read:
#: ``read<attribute>`` for each of TYPES. ``before`` is the item as it was, for the record.
UNLOCK = Write(_AS_READ, sets={AFTER_FAILURE: _LET_GO, **_UNLOCKED}, removes=(LEASE_UNTIL,))

#: The same for one that is not recorded as failed: a dead one, or one that nobody can be asked about.
UNLOCK_UNFAILED = replace(UNLOCK, sets={JOB_STATE: _FAILED, JOB_END: _END, **UNLOCK.sets})

#: The same for a failed Airflow DAG run, of which nothing runs any more when it is recorded: the item is Ready at once.
UNLOCK_FAILED_DAG_RUN = Write(
    _AS_READ,
    sets={JOB_STATE: _READY, LAST_OWNER: _OWNER, **_UNLOCKED},
    removes=(OWNER, AFTER_FAILURE, REDRIVES, LEASE_UNTIL, FENCE_TABLE),
)

#: The same for an item that names no owner whose statements could be found: it is Ready at once.
UNLOCK_UNOWNED = Write(
    _AS_READ,
    sets={JOB_STATE: _READY, JOB_END: _END, **_UNLOCKED},
    removes=(OWNER, AFTER_FAILURE, RESERVED_FOR, REDRIVES, LEASE_UNTIL, FENCE_TABLE),
)

#: An owner that nobody can be asked about, such as an Airflow DAG run, holds the lock for as long as its lease lasts:
#: ``lease`` is an ISO 8601 time in UTC that it moves on while it lives.
#: Its cleared tasks take the lock once more, whatever it did with it before.
ACQUIRE_LEASED = Write(
    every(some(_FREE, _MINE), _COUNTS), adds=_NEXT, sets={**ACQUIRE.sets, LEASE_UNTIL: _LEASE}, removes=_CLEAN
)

_TICKETS = Given("tickets", "texts")
_IS_A_SET = Typed(WAITING, Given("set", always="SS"))
_IN_TURN = some(Absent(WAITING), every(_IS_A_SET, Has(WAITING, Given("ticket"))))


@cache
def in_turn(write: Write) -> Write:
    """A write that takes the lock, of a job whose runs wait: who comes while others wait has to wait behind them.
    ``ticket`` is the run's own, and the one of the set ``tickets``; it goes with the write."""
    demands = _IN_TURN if write.demands is None else every(write.demands, _IN_TURN)
    return replace(write, demands=demands, deletes={WAITING: _TICKETS})


#: A run waits: it has a ticket. Doing so again changes nothing.
QUEUE = Write(some(Absent(WAITING), _IS_A_SET), adds={WAITING: _TICKETS})

#: Whoever has one of these tickets waits no more.
UNQUEUE = Write(_IS_A_SET, deletes={WAITING: _TICKETS})

#: Somebody has edited the tickets, so that they are none; who waits comes back when it looks next.
END_QUEUE = Write(removes=(WAITING,))

#: Take the lock of a dead owner for one with a lease.
TAKE_OVER_LEASED = Write(
    some(_MINE, _AS_DEAD), adds=_NEXT, sets={**TAKE_OVER.sets, LEASE_UNTIL: _LEASE}, removes=_CLEAN
)

#: Both of a job with a fence.
ACQUIRE_LEASED_FENCED = replace(ACQUIRE_LEASED, demands=every(some(every(_FREE, _STANDS), _MINE), _COUNTS))
TAKE_OVER_LEASED_FENCED = replace(
    TAKE_OVER_LEASED, demands=some(_MINE, _AS_FENCED), sets={**TAKE_OVER_LEASED.sets, **_FENCED}
)

#: The owner lives.
RENEW = Write(every(_MINE, Is(JOB_STATE, _RUNNING)), sets={LEASE_UNTIL: _LEASE})

#: The owner's task has failed, nothing of it runs any more, and the next run may begin: the item is Ready, and says
#: what failed until then.
RECORD_RELEASED = Write(
    RELEASE.demands,
    sets={JOB_STATE: _READY, JOB_END: _END, LAST_OWNER: _OWNER, **_FAILURE},
    removes=(OWNER, AFTER_FAILURE, FENCE_TABLE),
)
