"""The fence: what makes Redshift itself refuse the SQL of a run that has lost its lock, however late it arrives.

A job with a fence has a table in the database. Each transaction of a run begins with :func:`check`, which fails where
the table holds the run's *claim*, or a later one. Whoever is to have the lock behind somebody who may have calls under
way first writes into the table the last claim that was made by then (:func:`writing`), settles what runs, and takes the
lock only then. A claim is a text that grows with each acquisition, and with each redrive::

    2026-11-20T10:00:00.000Z 000000000000007 00002
    FenceEra                 FenceNumber     RedriveCount

All three stand in the audit item. The era is when the item's numbers began to count: whoever deletes an item begins a
later one. ``docs/adr/0020-the-fence.md`` says why this is right under both of Redshift's isolation levels.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Final, TypeVar

_Part = TypeVar("_Part")

#: The schema of the table where a job's ``fence`` is only ``true``.
PUBLIC = "public"

#: So many digits have the numbers of a claim, so that claims sort as texts.
NUMBER_DIGITS, REDRIVE_DIGITS = 15, 5

#: Stands for a redrive count that an item does not tell: none is greater.
ANY_REDRIVE = "9" * REDRIVE_DIGITS

#: The parameters of the statements below: the audit table, since another one has locks of its own, and a claim.
LOCK, CLAIM = "elt_lock", "elt_claim"
PARAMETERS = (LOCK, CLAIM)

#: Stands for the task in the names of the statements that write into the table; no task is called so.
WRITES: Final = "-fence"

#: What Redshift says of a table that is not there, as a regular expression of Python and of JSONata alike …
NO_TABLE = "does not exist"
#: … and of a check that finds the claim written: the one error that it raises by itself is a division by zero.
REFUSED = "by zero"

_COMMENT = "/* fence of elt_redshift */"


def table(job_id: str, schema: str) -> str:
    """The table of a job. Redshift does not tell names apart by their case."""
    name = job_id
    if not re.fullmatch("[a-z0-9_]+", job_id):
        digest = hashlib.sha256(job_id.encode()).hexdigest()[:8]
        name = f"{re.sub('[^a-z0-9_]', '_', job_id.lower())}_{digest}"
    return f"{schema}.elt_fence_{name}"


def check(table: str) -> str:
    """The first statement of each transaction. As it tells the time, Redshift does not answer it from its cache."""
    passes = f"min(case when claim < :{CLAIM} then 1 else 0 end)"
    return f"{_COMMENT} select 1 / {passes}, getdate() from {table} where audit_table = :{LOCK}"  # noqa: S608 - a name


def is_check(sql: str) -> bool:
    """Whether a statement is none of the job's own."""
    return sql.startswith(_COMMENT)


def creating(table: str) -> str:
    """Makes the table. For a database user who may not somebody else does, and grants SELECT, INSERT and UPDATE."""
    return f"create table if not exists {table} (audit_table varchar(255) not null, claim varchar(64) not null)"


def writing(table: str) -> tuple[str, str]:
    """Two statements, to be one transaction, that write a claim. They wait for each transaction that has passed its
    check, and keep those that come meanwhile waiting."""
    return f"lock table {table}", f"insert into {table} (audit_table, claim) values (:{LOCK}, :{CLAIM})"  # noqa: S608


def claim(era: _Part, number: _Part, redrives: _Part, padded: Callable[[_Part, int], _Part]) -> tuple[_Part | str, ...]:
    """A claim, in pieces to be joined.

    :param padded: writes digits, given as text or as code that computes it, with zeros before them.
    """
    return (era, " ", padded(number, NUMBER_DIGITS), " ", padded(redrives, REDRIVE_DIGITS))


def claim_of(era: str, number: str, redrives: str) -> str:
    """The claim as a text."""
    return "".join(claim(era, number, redrives, str.zfill))
