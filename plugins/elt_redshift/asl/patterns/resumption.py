"""Resumption: an execution goes on with the work of an earlier one, whose definition or lock it cannot have.

A redrive runs the definition that the execution started with, and never a mended one. So whoever lets a failed run go
on after its job was deployed anew starts another execution, with this in its input beside ``parameters``::

    "resume": {
        "from": the ARN of the earlier execution,
        "kept": the fingerprints of the tasks that are done and shall not run, one behind the other,
        "open": [{"task": name, "fingerprint": …, "by": …}, …],    tasks of which nobody knows yet whether they are
                                                 done, and the execution that may have submitted them; default: "from"
        "asked": who asked for it, so that one wish is fulfilled once
    }

Each task knows its own fingerprint (:mod:`elt_redshift.asl.fingerprints`), and that is all it compares: what was
deployed meanwhile has another one and runs. A kept task submits nothing: the arguments of that call refuse to be
evaluated, and its ``status`` leads past everything to what follows the task. Nobody else pays for it. ::

    acquire lock ──open tasks──> acquire lock to resume ──────────┐
        │ held after the failure, and reserved for this execution  v
        v                                                find finished statements ──> tasks
    read lock, judge lock, ask for owner, find left statements …   ^
                                    └──none left──> take over lock ┘

When the statements of the earlier execution have all ended, by themselves or cancelled, those that have finished tell
which of the open tasks are done. The state machine asks that itself, since its role may see them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elt_redshift.asl.language import calls
from elt_redshift.asl.language.jsonata import INPUT, RESUMED, expression, fields
from elt_redshift.asl.language.jsonata import literal as text
from elt_redshift.asl.language.states import Flow, Map, Task
from elt_redshift.asl.target import Target
from elt_redshift.protocol import statements

#: The variable that holds the fingerprints of kept tasks.
VARIABLE = "kept"

FIND_FINISHED = "find finished statements"

#: Whether there are tasks of which it is not known whether they are done.
OPEN = f"$exists({RESUMED}.open)"

_GIVEN = f"$exists({RESUMED}.kept) ? {RESUMED}.kept : ''"


def variables() -> dict[str, str]:
    """What is assigned when the lock is taken."""
    return {VARIABLE: expression(_GIVEN)}


def is_kept(fingerprint: str) -> str:
    """Whether the task with a fingerprint, both JSONata, need not run."""
    return f"$contains(${VARIABLE}, {fingerprint})"


def find_finished(job_id: str, target: Target, next: str, output: Mapping[str, Any]) -> Map:
    """The state that adds to the kept tasks those of the open ones that have a finished statement."""
    execution = f"($exists({INPUT}.by) ? {INPUT}.by : $split({RESUMED}.from, ':')[-1])"
    slash = f"'{statements.SLASH}'"
    job = text("".join(statements.beginning(job_id)))
    find = Task(
        "find finished statement",
        calls.LIST_STATEMENTS,
        {
            **target.warehouse,
            **fields(StatementName=f"{job} & {execution} & {slash} & {INPUT}.task & {slash}"),
            "Status": statements.FINISHED,
            "RoleLevel": True,
            "MaxResults": 100,
        },
        next=None,
        output=expression(f"$exists($states.result.Statements[0].Id) ? {INPUT}.fingerprint : ''"),
        retry=calls.DATA_API_RETRY,
        partition=target.partition,
    )
    return Map(
        FIND_FINISHED,
        items=expression(f"{OPEN} ? {RESUMED}.open : []"),
        processor=Flow((find,)),
        next=next,
        output=output,
        assign={VARIABLE: expression(f"({_GIVEN}) & ' ' & $join([$states.result], ' ')")},
    )
