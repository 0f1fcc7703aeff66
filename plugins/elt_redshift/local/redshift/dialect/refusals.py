"""Statements that only a real Redshift can carry out, by name.

https://docs.aws.amazon.com/redshift/latest/dg/c_SQL_commands.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect.errors import UnsupportedSqlError
from elt_redshift.local.redshift.dialect.tokens import words

_VERBS = ("create", "alter", "drop", "attach", "detach", "desc", "describe", "show", "grant", "revoke")
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


#: What other statements say of things that are not here, in their words.
_INSIDE = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("row level security", r"alter (table|materialized view) .* row level security\b"),
        ("masking for datashares", r"alter table .* masking (on|off) for datashares\b"),
        ("alter external table", r"alter table .* set (table properties|location|file format)\b"),
        ("alter external table", r"alter table .* (add|drop) (if not exists )?partition \("),
        ("drop external database", r"drop schema .* drop external database\b"),
        ("create database from a datashare", r"create database \S+ from datashare "),
        ("create database from an integration", r"create database \S+ from integration "),
        ("create database from a data catalog", r"create database \S+ from arn "),
        ("rights in another database", r"(grant|revoke) .* (on|in) schema \S+ \. \S+ (to|from) "),
        ("datashare", r"(grant|revoke) .* on datashare (?!to |from )"),
        ("model", r"(grant|revoke) .* on model (?!to |from )"),
        ("external schema", r"(grant|revoke) .* on external (schema|table|column) "),
        ("copy job", r"(grant|revoke) .* on copy job "),
        ("rls policy", r"(grant|revoke) .* (to|from) rls policy "),
        ("scoped permissions", r"(grant|revoke) .* for (tables|functions|procedures|schemas|languages|copy jobs) in "),
        ("alter system", r"alter system "),
        ("show grants", r"show grants\b"),
        ("analyze compression", r"analyze compression\b"),
        ("copy job", r"copy job\b"),
    )
)
#: So many words are looked at.
_WORDS = 80


def refuse(tokens: Sequence[Token]) -> None:
    """:raises UnsupportedSqlError: the statement is about something that is not emulated."""
    found = words(tokens, _WORDS)
    head = [item for item in found[:8] if item not in ("or", "replace", "if", "not", "exists", "protected")]
    kind = next((kind for kind in _KINDS if tuple(head[1 : 1 + len(kind)]) == kind), None)
    written = " ".join(found)
    name = next((name for name, pattern in _INSIDE if pattern.match(written)), "")
    if kind and head[0] in _VERBS:
        name = " ".join([head[0], *kind])
    if name:
        raise UnsupportedSqlError(f"{name.upper()} is not emulated: it needs a real Amazon Redshift.")
