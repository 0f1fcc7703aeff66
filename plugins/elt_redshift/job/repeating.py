"""How often a failed task is submitted again, and whether it may be without its author saying so.

What Redshift rolled back as a whole may: a single statement, or a batch in one transaction. What may have committed a
part before it failed may not, since that part would be there twice: statements that commit one by one, a procedure
(it may COMMIT), and what commits the transaction it stands in.
https://docs.aws.amazon.com/redshift/latest/dg/stored-procedure-transaction-management.html and
https://docs.aws.amazon.com/redshift/latest/dg/r_TRUNCATE.html
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import dropwhile

from elt_redshift.job import sql
from elt_redshift.job.parts import SqlTask
from elt_redshift.protocol.errors import KINDS, Kind

#: A transaction that met another one is repeated this often even where the task has fewer retries of its own.
UNASKED = 5

#: Statements that commit what stands before them, or may.
_COMMITTING = frozenset({"call", "truncate", "commit", "end", "begin", "start", "rollback", "abort"})


def times(task: SqlTask) -> Mapping[Kind, int]:
    """How often ``task`` is submitted again after failures of each kind."""
    rule = task.retry_rule
    asked = {kind: rule.times if "any" in rule.on or kind in rule.on else 0 for kind in KINDS}
    if is_one_transaction(task):
        asked["conflict"] = max(asked["conflict"], UNASKED)
    return asked


def is_one_transaction(task: SqlTask) -> bool:
    """Whether a failed attempt of ``task`` leaves nothing behind that another one would do a second time."""
    words = [_first_word(statement.text) for statement in task.statements]
    if len(words) > 1 and not task.transaction:
        return False
    # To empty a table twice is the same as once, and nothing stands before it that it could commit.
    rest = dropwhile(lambda word: word == "truncate", words)
    return not _COMMITTING.intersection(rest)


def _first_word(text: str) -> str:
    return next((token.word for token in sql.tokenize(text) if token.kind not in sql.BLANK), "")
