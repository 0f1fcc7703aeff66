"""Users, groups, roles, schemas, databases, without what PostgreSQL does not have; what only a superuser is asked for.

https://docs.aws.amazon.com/redshift/latest/dg/r_ALTER_USER.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect.expressions import expression
from elt_redshift.local.redshift.dialect.settings import IGNORED_SETTINGS, setting_of
from elt_redshift.local.redshift.dialect.signatures import show_procedure
from elt_redshift.local.redshift.dialect.tokens import (
    following,
    last_word,
    lex,
    quote,
    strip,
    symbol,
    text,
    with_namespaces,
    word,
    words,
)

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
#: What the options of ALTER USER begin with.
_OPTIONS = ("set", "reset", "password", "createdb", "nocreatedb", "valid", "connection", "rename", "login", "nologin")


def with_known_options(tokens: Sequence[Token]) -> str:
    """CREATE and ALTER of users, groups, roles, schemas and databases; empty when nothing is left to do."""
    tokens = with_namespaces(tokens)
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
    return _alter_user(lex(written)) if head == ["alter", "user"] else written


def _alter_user(tokens: Sequence[Token]) -> str:
    """ALTER USER with any number of options; PostgreSQL takes a setting alone.

    https://docs.aws.amazon.com/redshift/latest/dg/r_ALTER_USER.html
    """
    end = following(tokens, following(tokens, -1)) + 1
    head = following(tokens, end - 1) + 1
    options: list[list[Token]] = [[]]
    for index in range(head, len(tokens)):
        before = last_word(options[-1])
        if word(tokens, index) in _OPTIONS and (before is None or before.text not in ("to", "=", ",")):
            options.append([])
        options[-1].append(tokens[index])
    settings = [strip(option) for option in options if word(option, 0) in ("set", "reset")]
    others = "".join(text(option) for option in options if word(option, 0) not in ("set", "reset"))
    changes = [others] if words(lex(others), 1) else []
    changes += [f" {setting_of(option)}" for option in settings if words(option, 2)[-1] not in IGNORED_SETTINGS]
    return "; ".join(f"{text(tokens[:head])}{change}" for change in changes)


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


def cancel(tokens: Sequence[Token]) -> str:
    """``CANCEL pid ['message']``."""
    return f"select pg_cancel_backend({words(tokens, 2)[1]})"


def show(tokens: Sequence[Token]) -> str:
    """SHOW of a setting, which is PostgreSQL's, or of what there is: see sql/catalog.sql."""
    kind = " ".join(words(tokens, 2)[1:])
    last = following(tokens, following(tokens, -1))
    named = text(strip(tokens[following(tokens, last) :]))
    if kind == "procedure" and named:
        return show_procedure(tokens)
    if kind in ("view", "table") and named:
        shown = quote(text(expression(lex(named))))
        return f"select * from redshift.show_{kind}({shown})"  # noqa: S608 - rewrites SQL
    if kind in ("databases", "schemas", "tables", "columns", "procedures", "functions"):
        return _listing(kind, tokens)
    if kind == "search_path":
        # Without the schemas that are behind every path here.
        return "select replace(current_setting('search_path'), ', redshift, pg_catalog', '') as search_path"
    if kind == "use":
        return """select coalesce(current_setting('redshift.use_', true), '') as "Use Database\""""
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
    # A table's path may begin with its schema, or with the database before it; a schema's with the database.
    names = [part.strip('"') for part in path]
    scope = quote(".".join(names[1:] if len(names) > 1 else names))
    return f"select * from redshift.show_{kind}({scope}, {pattern}){limit}"  # noqa: S608 - rewrites SQL


_PATH_WORDS = ("from", "schema", "database", "table", "like", "limit")


def use(tokens: Sequence[Token]) -> str:
    """``USE database``: the one of the connection, or an error that says so.

    https://docs.aws.amazon.com/redshift/latest/dg/r_USE_command.html
    """
    database = quote(text(strip(tokens[following(tokens, -1) + 1 :])))
    return f"do $use$begin perform redshift.use_database({database}); end$use$"
