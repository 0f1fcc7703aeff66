"""GRANT and REVOKE: without the rights that PostgreSQL does not have, and nothing here enforces.

https://docs.aws.amazon.com/redshift/latest/dg/r_GRANT.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect.expressions import expression
from elt_redshift.local.redshift.dialect.procedures import with_types
from elt_redshift.local.redshift.dialect.signatures import on_procedures
from elt_redshift.local.redshift.dialect.tokens import divide, following, strip, text, with_namespaces, word, words

#: Rights to tables that PostgreSQL knows by no name of their own.
_UNKNOWN_RIGHTS = ("drop", "alter")
#: What GRANT … TO ROLE gives of the system's own, such as CREATE TABLE, which nothing here asks for.
_SYSTEM_RIGHTS = (
    *("create", "drop", "alter", "access", "explain", "ignore", "analyze", "vacuum", "cancel", "truncate", "all"),
)
_OPTION = ["with", "grant", "option"]


def _without_role(tokens: Sequence[Token]) -> list[Token]:
    """``ROLE name`` as the name alone."""
    result: list[Token] = []
    for index, token in enumerate(tokens):
        after = following(tokens, index)
        before = [item.word or item.text for item in tokens[:index] if item.kind != "space"][-1:]
        named = after < len(tokens) and tokens[after].kind in ("name", "quoted")
        if token.word == "role" and named and before in (["to"], ["from"], [","], ["grant"], ["revoke"], ["for"]):
            continue
        result.append(token)
    return result


def grant(tokens: Sequence[Token]) -> str:
    """GRANT and REVOKE; empty when PostgreSQL has nothing to do."""
    if " ".join(words(tokens, 2)) in ("grant assumerole", "revoke assumerole"):
        return ""
    tokens = with_namespaces(tokens)
    on = next((index for index in range(len(tokens)) if word(tokens, index) == "on"), None)
    if on is None:
        return _membership(tokens)
    first = following(tokens, -1) + 1
    options, rights = _rights(strip(tokens[first:on]))
    kind = words(tokens[on:], 2)[1]
    if not rights or kind == "language":  # only SQL and PL/pgSQL are here, which all may use
        return ""
    given = f"{text(tokens[:first])}{options} {', '.join(rights)} "
    objects, grantees = _parted(_without_role(tokens[on:]))
    if kind == "procedure":
        start = following(objects, following(objects, following(objects, -1)))
        return "; ".join(on_procedures(f"{given}on procedure ", objects[start:], receivers) for receivers in grantees)
    written = text(with_types(expression(objects)) if kind == "function" else expression(objects))
    return "; ".join(f"{given}{written}{receivers}" for receivers in grantees)


def _parted(tokens: Sequence[Token]) -> tuple[list[Token], list[str]]:
    """``ON …``, and ``TO …``: those who get a right alone, and those who may also hand it on, are told apart.

    WITH GRANT OPTION belongs to the one behind whom it stands; PostgreSQL's to all of a statement.
    """
    place = next((index for index in range(len(tokens)) if word(tokens, index) in ("to", "from")), len(tokens))
    objects, receivers = list(tokens[:place]), tokens[place:]
    with_option = [piece for piece in divide(receivers[1:]) if words(piece, 9)[-3:] == _OPTION]
    if not with_option:
        return objects, [text(receivers)]
    alone = [piece for piece in divide(receivers[1:]) if piece not in with_option]
    both = [f"to {','.join(map(text, alone))}"] if alone else []
    return objects, [*both, *(f"to {text(strip(piece))}" for piece in with_option)]


def default_rights(tokens: Sequence[Token]) -> str:
    """ALTER DEFAULT PRIVILEGES, whose PROCEDURES are PostgreSQL's ROUTINES."""
    return re.sub(r"(?i)\bon\s+procedures\b", "on routines", text(expression(_without_role(tokens))))


def _rights(tokens: Sequence[Token]) -> tuple[str, list[str]]:
    """GRANT OPTION FOR, and the rights that PostgreSQL knows."""
    options = " grant option for" if words(tokens, 3) == ["grant", "option", "for"] else ""
    parts = re.split(r",(?![^(]*\))", re.sub(r"(?is)^\s*grant\s+option\s+for\s", "", text(tokens)))
    return options, [part.strip() for part in parts if part.strip().lower() not in _UNKNOWN_RIGHTS]


def _membership(tokens: Sequence[Token]) -> str:
    """A role for a user or role, or a right of the system's, which is for nothing here."""
    head = words(tokens, 3)
    if head[1] in _SYSTEM_RIGHTS and head[1] != "role":
        return ""
    return text(_without_role(tokens))
