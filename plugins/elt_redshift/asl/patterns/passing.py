"""What a task's states pass on, and what readers of a history take from it.

========= ============================================================================================
attempt   number of the submission; part of its ClientToken and its name
failures  failed submissions since the task, or its redrive, began
redrives  the execution's redrive count when this run of the task took (or kept) the lock
since     when the attempt may have been submitted first, in epoch milliseconds; see :data:`NOT_SUBMITTED`
finished  the task that has ended well, and of it …
statement … the statement's id,
rows      … how many rows it has changed or returned, or :data:`NO_ROWS`, and …
kept      … whether an earlier execution has done it
========= ============================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from elt_redshift.asl.language.jsonata import INPUT, Value, fields
from elt_redshift.asl.language.names import StateName, Step, in_states
from elt_redshift.protocol.statements import NO_STATEMENT

#: Statuses of a statement besides those of the Data API: it is to be submitted; AWS has refused a call about it, or
#: does not know it any more; nobody knows yet whether it was submitted; an earlier execution has done it.
NEW, REFUSED, UNKNOWN, KEPT = "NEW", "REFUSED", "UNKNOWN", "KEPT"

#: … of a task whose failure is held back, or that is done while one is (:mod:`.held_back`).
HELD, DONE = "HELD", "DONE"

#: The ``since`` of an attempt that is known not to have been submitted: a time that never comes.
NOT_SUBMITTED = 9_000_000_000_000

#: … and of one whose statement is known to be forgotten.
FORGOTTEN = 0

#: Stands for a number of rows that is not known. The Data API has the same for one that there is not.
NO_ROWS = -1


def told_rows(of: str) -> str:
    """The rows that ``of``, JSONata of an object, tells of."""
    return f"$max([{NO_ROWS}, {of}.rows])"


#: The rows of the statement in the state's input.
ROWS = told_rows(INPUT)

#: The steps that a task can leave well; the first one is its own state, where that waits for the statement's end.
ENDS: frozenset[Step] = frozenset({"", "finish", "status", "follow", "kept"})


def begin(redrives: str) -> dict[str, Any]:
    """What the first state of a task gets; ``redrives`` is JSONata."""
    return {"attempt": 1, "failures": 0, **fields(redrives=redrives, since="$millis()")}


def rows(result: str, batches: bool | None, fenced: bool) -> str:
    """The rows that DescribeStatement's answer tells of; of a batch, those of its statements together.

    https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_DescribeStatement.html

    :param result: JSONata that gives the answer.
    :param batches: whether it is a batch's; None: it may be one.
    :param fenced: whether its first statement is the check of a fence, which returns one row.
    """
    one = f"$max([{NO_ROWS}, {result}.ResultRows])"
    if batches is False:
        return one
    parts = f"$sum([{result}.SubStatements.ResultRows[$ > 0]]){' - 1' if fenced else ''}"
    return f"({parts})" if batches else f"($exists({result}.SubStatements) ? {parts} : {one})"


def finish(task: Value, statement: str, rows: str) -> dict[str, Any]:
    """What a state in which ``task`` ends well passes on, which the next task begins with.

    :param statement: JSONata that gives the statement's id.
    :param rows: JSONata that gives how many rows it has changed or returned.
    """
    return {"finished": task, **fields(statement=statement, rows=rows), **begin(f"{INPUT}.redrives")}


def keep(task: Value) -> dict[str, Any]:
    """The same of a task that an earlier execution has done."""
    return {**finish(task, "", ""), "statement": NO_STATEMENT, "rows": NO_ROWS, "kept": True}


@dataclass(frozen=True)
class End:
    """How a task has ended well, as its last state tells.

    :param rows: None: it is not known how many.
    """

    statement: str | None
    kept: bool
    rows: int | None = None


def end_of(state: StateName, output: Mapping[str, Any]) -> End | None:
    """The end of the task that ``state`` belongs to, which it was left with; None: it has not ended there."""
    finished = output.get("finished")
    if state.step not in ENDS or not isinstance(finished, str) or in_states(finished) != in_states(state.task):
        return None
    return End(output.get("statement"), bool(output.get("kept")), known_rows(output.get("rows")))


def known_rows(given: Any) -> int | None:
    """The number of rows that a state has passed on; None where it is not known."""
    return given if isinstance(given, int) and given != NO_ROWS else None
