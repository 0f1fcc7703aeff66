"""Users, groups, roles, rights, schemas, databases: without what PostgreSQL does not have, and nothing here enforces.

https://docs.aws.amazon.com/redshift/latest/dg/r_GRANT.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect.expressions import expression
from elt_redshift.local.redshift.dialect.settings import IGNORED_SETTINGS
from elt_redshift.local.redshift.dialect.tokens import following, lex, quote, strip, symbol, text, word, words

#: Options of users, roles, schemas and databases that change nothing here.
_DROPPED = re.compile(
    r"""\s+(?:
        password\s+disable | session\s+timeout\s+(?:to\s+)?\d+ | reset\s+session\s+timeout
      | syslog\s+access\s+(?:un)?restricted | externalid\s+(?:to\s+)?(?:'[^']*'|"[^"]*"|\w+) | (?:no)?createuser
      | quota\s+(?:unlimited|\d+(?:\.\d+)?(?:\s*(?:mb|gb|tb))?)
      | collate\s+(?:case_sensitive|case_insensitive|cs|ci) | isolation\s+level\s+(?:snapshot|serializable)
      | (?:with\s+)?owner\s+to\s+\S+ (?=\s*$) | force | restrict
    )(?![\w$])""",
    re.IGNORECASE | re.VERBOSE,
)
_UNLIMITED = re.compile(r"\bconnection\s+limit\s+unlimited\b", re.IGNORECASE)
#: Rights to tables that PostgreSQL knows by no name of their own.
_UNKNOWN_RIGHTS = ("drop", "alter")
#: What GRANT … TO ROLE gives of the system's own, such as CREATE TABLE, which nothing here asks for.
_SYSTEM_RIGHTS = ("create", "drop", "alter", "access", "explain", "ignore", "analyze", "vacuum", "cancel", "truncate")


def with_known_options(tokens: Sequence[Token]) -> str:
    """CREATE and ALTER of users, groups, roles, schemas and databases; empty when nothing is left to do."""
    written = _UNLIMITED.sub("connection limit -1", _DROPPED.sub("", text(tokens)))
    head = words(tokens, 2)
    if head == ["alter", "role"]:
        written = re.sub(r"(?i)\swith\s+(?=rename\s)", " ", written)
    elif head[0] == "alter" and head[1] in ("schema", "database") and "owner" in words(tokens, len(tokens)):
        written = text(tokens)
    if head == ["drop", "role"] and words(tokens, len(tokens))[-1] == "force":
        return f"drop owned by {words(tokens, 3)[2]}; {written}"
    rest = words(lex(written), 4)
    if head[0] == "alter" and len(rest) == 3:
        return ""
    return written if head[1] != "database" else re.sub(r"(?i)^(create database \S+)\s*$", r"\1", written)


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
    on = next((index for index in range(len(tokens)) if word(tokens, index) == "on"), None)
    if on is None:
        return _membership(tokens)
    first = following(tokens, -1) + 1
    options, rights = _rights(strip(tokens[first:on]))
    if not rights or words(tokens[on:], 2)[1] == "language":  # only SQL and PL/pgSQL are here, which all may use
        return ""
    return f"{text(tokens[:first])}{options} {', '.join(rights)} {text(expression(_without_role(tokens[on:])))}"


def default_rights(tokens: Sequence[Token]) -> str:
    """ALTER DEFAULT PRIVILEGES, whose PROCEDURES are PostgreSQL's ROUTINES."""
    return re.sub(r"(?i)\bon\s+procedures\b", "on routines", text(expression(_without_role(tokens))))


def refresh(tokens: Sequence[Token]) -> str:
    """REFRESH MATERIALIZED VIEW, with CASCADE of the views that it reads too.

    https://docs.aws.amazon.com/redshift/latest/dg/materialized-view-refresh-sql-command.html
    """
    ending = words(tokens, len(tokens))[-1]
    if ending not in ("cascade", "restrict"):
        return text(expression(tokens))
    last = max(index for index in range(len(tokens)) if word(tokens, index) == ending)
    if ending == "restrict":
        return text(expression(tokens[:last]))
    start = following(tokens, following(tokens, following(tokens, following(tokens, -1))))
    view = quote(text(expression(strip(tokens[start:last]))))
    return f"do $refresh$begin perform redshift.refresh_cascade({view}::regclass); end$refresh$"


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


def cancel(tokens: Sequence[Token]) -> str:
    """``CANCEL pid ['message']``."""
    return f"select pg_cancel_backend({words(tokens, 2)[1]})"


def show(tokens: Sequence[Token]) -> str:
    """SHOW of a setting, which is PostgreSQL's, or of what there is: see sql/catalog.sql."""
    kind = " ".join(words(tokens, 2)[1:])
    last = following(tokens, following(tokens, -1))
    named = text(strip(tokens[following(tokens, last) :]))
    if kind in ("view", "table", "procedure") and named:
        shown = quote(text(expression(lex(named))))
        return f"select * from redshift.show_{kind}({shown})"  # noqa: S608 - rewrites SQL
    if kind in ("databases", "schemas", "tables", "columns", "procedures", "functions"):
        return _listing(kind, tokens)
    if kind == "search_path":
        # Without the schemas that are behind every path here.
        return "select replace(current_setting('search_path'), ', redshift, pg_catalog', '') as search_path"
    if kind in IGNORED_SETTINGS:
        return f"select current_setting('redshift.{kind}', true) as {kind}"
    return text(tokens)


def _listing(kind: str, tokens: Sequence[Token]) -> str:
    """``SHOW TABLES FROM SCHEMA database.schema LIKE 'pattern' LIMIT 5``."""
    found = words(tokens, len(tokens))
    pattern = found[found.index("like") + 1] if "like" in found else "'%'"
    limit = f" limit {found[found.index('limit') + 1]}" if "limit" in found else ""
    place = next((index for index in range(len(tokens)) if word(tokens, index) == "from"), len(tokens))
    path = [
        token.text for token in tokens[place:] if token.kind in ("name", "quoted") and token.word not in _PATH_WORDS
    ]
    if symbol(tokens, place) or not path:
        path = ["public"] if kind != "databases" else [""]
    scope = quote(".".join(part.strip('"') for part in path).split(".", 1)[-1] if len(path) > 1 else path[0])
    return f"select * from redshift.show_{kind}({scope}, {pattern}){limit}"  # noqa: S608 - rewrites SQL


_PATH_WORDS = ("from", "schema", "database", "table", "like", "limit")
