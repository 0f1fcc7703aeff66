"""The items of the table of joins, and what is written to them.

They are keyed by ``Run`` and ``Task``, texts both, and DynamoDB removes them some time after their last write:

=========================================== ==========================================================================
of a task that others must tell of their    a mark for each that has ended, ``Done0``, ``Done1`` …, or ``Done``, a set
ends (:mod:`elt_redshift.asl.patterns.joins`) of them, and the ``TaskToken`` by which it waits
in the map layout                           ``Done``, and how the task ended
                                            (:mod:`elt_redshift.asl.patterns.reporting`)
of the run, its task being :data:`RUN_ITEM` ``Done``, and for each number of redrives ``Blocked``, ``Failure``,
                                            ``Parked`` (:mod:`elt_redshift.asl.patterns.settling`)
the same, of a run in parts                 ``Done``, ``Redrives``, and of that number alone ``Blocked``, ``Failure``,
                                            ``Parked`` (:mod:`elt_redshift.asl.patterns.held_back`)
of the run, its task being                  ``HeldAt`` (:mod:`elt_redshift.asl.patterns.any_task`)
:data:`LOCK_ITEM`
of a statement, by its id, its task being   ``Ended``, and the ``TaskToken`` by which its task waits
:data:`STATEMENT_ITEM`                      (:mod:`elt_redshift.asl.patterns.event`)
=========================================== ==========================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

from elt_redshift.protocol.writes import Absent, Below, Given, Is, Present, Size, Write, every, some

#: The table's key - which run, which task of it - and the attribute by which DynamoDB removes old items.
RUN_KEY, TASK_KEY = "Run", "Task"
EXPIRY = "ExpiresAt"

#: Items live this long after their last write: an execution lasts at most a year, and no wait may lose its item.
DAYS_KEPT = 400

#: No task has a blank in its name.
RUN_ITEM = "all tasks"
LOCK_ITEM = "held lock"
STATEMENT_ITEM = "end of statement"

#: Number of nobody: it makes ``Done`` exist, so that its size can be compared.
NOBODY = "0"

DONE, TOKEN = "Done", "TaskToken"
#: There is one of these for each number of redrives.
BLOCKED, FAILURE, PARKED = "Blocked", "Failure", "Parked"
ENDED = "Ended"
HELD_AT = "HeldAt"

_EXPIRY = {EXPIRY: Given("expiry", "number")}
_TOKEN = Given("token")
_OTHERS, _AWAITED = Given("others", "number"), Given("awaited", "number")


@dataclass(frozen=True)
class RunItems:
    """Where the items of a run are, as the state that runs the tasks of the map layout is told for those who read its
    history.

    :param run: the first part of their keys, the second one being the task's name.
    """

    table: str
    run: str

    def told(self) -> dict[str, Any]:
        """The input that tells it."""
        return {"progress": {"table": self.table, "run": self.run}}

    @classmethod
    def find(cls, given: Mapping[str, Any]) -> RunItems | None:
        """What a state's input tells, if it is the state that runs the tasks."""
        told = given.get("progress")
        return cls(told["table"], told["run"]) if told else None


def key(run: Any, task: Any) -> dict[str, Any]:
    """The key of an item."""
    return {RUN_KEY: run, TASK_KEY: task}


#: The set is not complete, of which ``awaited`` members are awaited. Where that is known at run time only, and may be
#: none, the other demand is one that never holds.
NOT_COMPLETE = some(Absent(DONE), Size(DONE, "<", _AWAITED))
NOTHING_AWAITED = every(Present(DONE), Size(DONE, "<", _AWAITED))

#: Nobody has seen lately that the run holds its lock: ``awaited`` is not a number of upstreams then, but since when
#: counts, in epoch milliseconds.
NOT_SEEN_HELD = some(Absent(HELD_AT), Below(HELD_AT, _AWAITED))

#: The run held its lock at this time, in epoch milliseconds, or later.
SEE_HELD = Write(sets={HELD_AT: Given("held", "number"), **_EXPIRY})

#: A task that waits stores its token.
STORE = Write(NOT_COMPLETE, sets={TOKEN: _TOKEN, **_EXPIRY})

#: Nobody is to be woken after one more has ended: no token is there, or the set is not complete even with one more.
#: ``others`` is one less than are awaited; the other demand is for where that is none.
NOT_LAST = some(Absent(TOKEN), Absent(DONE), Size(DONE, "<", _OTHERS))
NOT_ALONE = some(Absent(TOKEN), every(Present(DONE), Size(DONE, "<", _OTHERS)))

#: An upstream has ended, which is the ``task`` of a set of one; and the same if and only if nobody is to be woken.
ANNOUNCE_LAST = Write(adds={DONE: Given("task", "texts")}, sets=_EXPIRY)
ANNOUNCE = Write(NOT_LAST, adds=ANNOUNCE_LAST.adds, sets=_EXPIRY)

#: So many upstreams at most have marks of their own on the item of a task that awaits them: its condition names all,
#: and DynamoDB takes expressions of 4 KB. A transaction writes at most so many items.
#: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
MAX_MARKS = 100
MAX_TRANSACTION = 100


@dataclass(frozen=True)
class Seat:
    """An upstream among those that a task awaits.

    :param number: from 0 on, in the order of the job.
    :param awaited: how many there are.
    """

    number: int
    awaited: int

    @property
    def marked(self) -> bool:
        """Whether its end is a mark; otherwise it is a member of the set. Marks are texts, which transactions of Step
        Functions' SDK integration write: whether a set is an ``SS`` or an ``Ss`` there, AWS does not say."""
        return self.awaited <= MAX_MARKS

    @property
    def mark(self) -> str:
        return _mark(self.number)


def _mark(number: int) -> str:
    return f"{DONE}{number}"


@cache
def store(awaited: int) -> Write:
    """:data:`STORE`, where each upstream has its mark: one of them is missing."""
    return Write(some(*(Absent(_mark(one)) for one in range(awaited))), sets={TOKEN: _TOKEN, **_EXPIRY})


@cache
def mark_if_not_last(seat: Seat) -> Write:
    """:data:`ANNOUNCE` of an upstream that has a mark, which is its name: no token is there, or another mark is
    missing."""
    others = (Absent(_mark(one)) for one in range(seat.awaited) if one != seat.number)
    return replace(mark_last(seat), demands=some(Absent(TOKEN), *others))


@cache
def mark_last(seat: Seat) -> Write:
    """:data:`ANNOUNCE_LAST` of such an upstream."""
    return Write(sets={seat.mark: Given("task"), **_EXPIRY})


#: The same, where the mark's name is computed.
MARK = Write(sets={DONE: Given("task"), **_EXPIRY})

#: A task is done, by its number, the ``task`` of a set of one; and the same if and only if nothing has failed.
SETTLE_LATE = ANNOUNCE_LAST
SETTLE = Write(Absent(BLOCKED), adds=SETTLE_LATE.adds, sets=_EXPIRY)

#: A task has failed: it and all that wait for it are ``blocked``; the first ``failure`` stays.
BLOCK = Write(
    adds={DONE: Given("nobody", "texts", always=[NOBODY]), BLOCKED: Given("blocked", "texts")},
    sets=_EXPIRY,
    once={FAILURE: Given("failure", "object")},
)

#: The same of a failure that is told in place of others: nobody can know how its statement went.
BLOCK_UNKNOWABLE = replace(BLOCK, sets={**BLOCK.sets, **BLOCK.once}, once={})

#: It waits until all has settled, unless the sets have grown since they had these sizes.
NOT_GROWN = every(Size(DONE, "=", Given("done", "number")), Size(BLOCKED, "=", Given("blocked", "number")))
PARK = Write(NOT_GROWN, sets={PARKED: _TOKEN, **_EXPIRY})

#: How often a run in parts has been redriven: a redrive writes it before it lets any part go on, and failures that are
#: held back are of no other number. Whoever fails reads it, and then writes if it is that still.
COUNTED = "Redrives"
_COUNT = Given("redrives", "number")
GO_ON = Write(
    some(Absent(COUNTED), Below(COUNTED, _COUNT)), sets={COUNTED: _COUNT, **_EXPIRY}, removes=(BLOCKED, FAILURE, PARKED)
)
COUNT = Write(sets=_EXPIRY, once={COUNTED: Given("none", "number", always="0")})
_STILL = Is(COUNTED, _COUNT)
BLOCK_NOW, BLOCK_UNKNOWABLE_NOW = (replace(one, demands=_STILL) for one in (BLOCK, BLOCK_UNKNOWABLE))
PARK_NOW = replace(PARK, demands=every(_STILL, NOT_GROWN))

#: A task waits anew for its statement's event, unless that has come.
STORE_UNTIL_ENDED = Write(Absent(ENDED), sets={TOKEN: _TOKEN, **_EXPIRY})

#: The statement's event has come; ``state`` is its status.
MARK_ENDED = Write(sets={ENDED: Given("state"), **_EXPIRY})

#: How a task of the map layout has ended.
TASK_STATUS, STATEMENT_ID, ENDED_AT = "TaskStatus", "StatementId", "EndedAt"
SUBMITTED_AT, ATTEMPT, MESSAGE = "SubmittedAt", "AttemptNumber", "FailureMessage"
RESULT_ROWS = "ResultRows"
REPORT = (TASK_STATUS, STATEMENT_ID, SUBMITTED_AT, ENDED_AT, ATTEMPT, MESSAGE, RESULT_ROWS)

TaskStatus = Literal["succeeded", "kept", "failed"]

_STATUS, _STATEMENT = {TASK_STATUS: Given("status")}, {STATEMENT_ID: Given("statement")}
_LAST: Mapping[str, Given] = {ENDED_AT: Given("ended"), **_EXPIRY}
_ATTEMPT = {ATTEMPT: Given("attempt", "number"), SUBMITTED_AT: Given("submitted")}
_ROWS = {RESULT_ROWS: Given("rows", "number")}

REPORT_SUCCESS = Write(sets={**_STATUS, **_STATEMENT, **_ROWS, **_ATTEMPT, **_LAST}, removes=(MESSAGE,))
REPORT_FAILURE = Write(
    sets={**_STATUS, **_STATEMENT, MESSAGE: Given("message"), **_LAST}, removes=(SUBMITTED_AT, ATTEMPT, RESULT_ROWS)
)
