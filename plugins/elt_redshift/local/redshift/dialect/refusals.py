"""Statements that only a real Redshift can carry out, by name.

https://docs.aws.amazon.com/redshift/latest/dg/c_SQL_commands.html
"""

from __future__ import annotations

from collections.abc import Sequence

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect.errors import UnsupportedSqlError
from elt_redshift.local.redshift.dialect.tokens import words

_VERBS = ("create", "alter", "drop", "attach", "detach", "desc", "show", "grant", "revoke")
#: The kinds of things that there are none of here, as the statements name them.
_KINDS = (
    ("external", "schema"),
    ("external", "table"),
    ("external", "view"),
    ("external", "function"),
    ("external", "model"),
    ("external", "tables"),
    ("datashare",),
    ("datashares",),
    ("library",),
    ("model",),
    ("masking", "policy"),
    ("rls", "policy"),
    ("identity", "provider"),
    ("catalog",),
)


def refuse(tokens: Sequence[Token]) -> None:
    """:raises UnsupportedSqlError: the statement is about something that is not emulated."""
    head = [item for item in words(tokens, 8) if item not in ("or", "replace", "if", "not", "exists", "protected")]
    name = ""
    if head[:2] == ["alter", "table"] and "level" in head and "security" in words(tokens, 12):
        name = "row level security"
    elif head[:2] == ["analyze", "compression"] or head[:2] == ["copy", "job"]:
        name = " ".join(head[:2])
    elif head[:1] and head[0] in _VERBS:
        kind = next((kind for kind in _KINDS if tuple(head[1 : 1 + len(kind)]) == kind), None)
        name = " ".join([head[0], *kind]) if kind else ""
    if name:
        raise UnsupportedSqlError(f"{name.upper()} is not emulated: it needs a real Amazon Redshift.")
