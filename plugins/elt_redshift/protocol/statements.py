"""The statements of the Redshift Data API: how ours are named, and the statuses that they pass.

A statement of ours is named ``<job_id>/<owner's label>/<task>/<attempt>``, so that whoever knows its beginning finds
it: all that an owner left running, or the newest attempt of a task. Behind the attempt there may be a task token,
which holds slashes of its own, of a statement whose end is told by an event.
https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_DescribeStatement.html
"""

from __future__ import annotations

from typing import Final, TypeVar

_Part = TypeVar("_Part")

SUBMITTED: Final = "SUBMITTED"
PICKED: Final = "PICKED"
STARTED: Final = "STARTED"
FINISHED: Final = "FINISHED"
FAILED: Final = "FAILED"
ABORTED: Final = "ABORTED"

#: The statuses of a statement that has not ended, in the order in which it passes them.
OPEN = (SUBMITTED, PICKED, STARTED)

#: Those of one that has ended badly.
UNSUCCESSFUL = (FAILED, ABORTED)

#: Asks ListStatements for statements of every status.
ANY = "ALL"

#: Stands for the id of a statement where none was submitted.
NO_STATEMENT = "none"

#: Between the parts of a statement's name.
SLASH = "/"

#: The parts of a name before the token: job, owner, task, attempt.
PARTS = 4


def beginning(job_id: str, *parts: _Part) -> tuple[_Part | str, ...]:
    """What the names of statements begin with, in pieces to be joined: the job's id, ``parts`` - the owner's label,
    the task, the attempt - and a slash behind each.

    :param parts: as texts, or as code of a state machine that computes them.
    """
    return (f"{job_id}{SLASH}", *(piece for part in parts for piece in (part, SLASH)))


def name(job_id: str, label: _Part, task: _Part, attempt: _Part) -> tuple[_Part | str, ...]:
    """A statement's name, in pieces as :func:`beginning` gives them."""
    return (*beginning(job_id, label, task), attempt)


def submitted(statement_id: str | None) -> str | None:
    """The id of a statement; None where it only stands for one that never was submitted, or is forgotten."""
    return None if statement_id == NO_STATEMENT or is_forgotten(statement_id) else statement_id


def is_forgotten(statement_id: str | None) -> bool:
    """Whether the Data API knows the statement no more: where its id is to stand, there is its name."""
    return SLASH in (statement_id or "")


def whole(statement_id: str) -> str:
    """The id of the batch that a statement, such as ``<id>:2``, is a part of; otherwise its own."""
    return statement_id.partition(":")[0]
