"""One Redshift statement in PostgreSQL's words, by the kind of statement it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect.administration import cancel, refresh, show, use, with_known_options
from elt_redshift.local.redshift.dialect.bodies import as_plain_sql
from elt_redshift.local.redshift.dialect.catalog import Catalog, NoCatalog
from elt_redshift.local.redshift.dialect.expressions import expression
from elt_redshift.local.redshift.dialect.foreign import refuse_postgres
from elt_redshift.local.redshift.dialect.physical import attributes
from elt_redshift.local.redshift.dialect.procedures import create_routine
from elt_redshift.local.redshift.dialect.queries import Context, whole
from elt_redshift.local.redshift.dialect.refusals import refuse
from elt_redshift.local.redshift.dialect.rights import default_rights, grant
from elt_redshift.local.redshift.dialect.settings import IGNORED_SETTINGS, setting_of
from elt_redshift.local.redshift.dialect.signatures import alter_procedure, drop_procedure, on_function
from elt_redshift.local.redshift.dialect.tables import alter_table, create_table
from elt_redshift.local.redshift.dialect.tokens import (
    following,
    lex,
    match,
    name_end,
    quote,
    strip,
    text,
    word,
    words,
)
from elt_redshift.local.redshift.dialect.views import create_view, drop_table, drop_view

#: Writes a statement, given as tokens, in PostgreSQL's words.
Writer = Callable[[list[Token], Context], str]
#: What ALTER MATERIALIZED VIEW changes that nothing here works by.
_PHYSICAL = {"refresh", "distkey", "diststyle", "sortkey"}
_ROUTINES = ("procedure", "function")
_NAMED = ("user", "group", "role", "schema", "database")
Kind = Literal["sql", "nothing", "copy", "unload"]


@dataclass(frozen=True)
class Translation:
    """What to do for one Redshift statement.

    :param kind: ``sql``: run ``sql`` on PostgreSQL; ``nothing``: accepted without effect; ``copy``, ``unload``: ``sql``
        is Redshift's statement, which this process carries out with S3.
    :param verb: the statement's first word in lower case.
    :param after: a function to call when ``sql`` has been run.
    """

    kind: Kind
    sql: str
    verb: str
    after: str = ""

    @property
    def script(self) -> str:
        """``sql`` and what belongs behind it."""
        return f"{self.sql}; select {self.after}" if self.after else self.sql


def _plain(tokens: list[Token], context: Context) -> str:
    return text(whole(tokens, context))


def _create(tokens: list[Token], context: Context) -> str:
    head = words(tokens, 6)
    kind = next((item for item in head[1:] if item in _CREATORS), "")
    return _CREATORS.get(kind, _plain)(tokens, context)


def _named(tokens: list[Token], _context: Context) -> str:
    return with_known_options(tokens)


def _create_routine(tokens: list[Token], context: Context) -> str:
    return create_routine(tokens, context, partial(_inside_body, context=context))


_CREATORS: dict[str, Writer] = {
    "table": create_table,
    "view": create_view,
    "procedure": _create_routine,
    "function": _create_routine,
    **dict.fromkeys(_NAMED, _named),
}


def _alter(tokens: list[Token], context: Context) -> str:
    kind = "".join(words(tokens, 2)[1:])
    if kind == "table":
        return alter_table(tokens)
    if kind == "default":
        return default_rights(tokens)
    if kind in _ROUTINES:
        return alter_procedure(tokens) if kind == "procedure" else on_function(tokens)
    if words(tokens, 3)[1:] == ["materialized", "view"] and _PHYSICAL & set(words(tokens, len(tokens))):
        return ""
    return (
        with_known_options(tokens)
        if kind in ("user", "group", "role", "schema", "database")
        else _plain(tokens, context)
    )


def _merge(tokens: list[Token], context: Context) -> str:
    """MERGE … REMOVE DUPLICATES replaces the matching rows by those of the source.

    The other form is PostgreSQL's MERGE. https://docs.aws.amazon.com/redshift/latest/dg/r_MERGE.html
    """
    if words(tokens, len(tokens))[-2:] != ["remove", "duplicates"]:
        return _plain(tokens, context)
    start = following(tokens, following(tokens, following(tokens, -1)))
    using = name_end(tokens, start)
    source = following(tokens, using)
    on = next(index for index in range(source, len(tokens)) if word(tokens, index) == "on")
    ending = max(index for index in range(len(tokens)) if word(tokens, index) == "remove")
    target, rows = text(expression(strip(tokens[start:using]))), text(expression(strip(tokens[source:on])))
    condition = text(expression(tokens[on + 1 : ending]))
    return (
        f"with replaced as (delete from {target} using {rows} where {condition}) "  # noqa: S608 - rewrites SQL
        f"insert into {target} select * from {rows}"
    )


def _delete(tokens: list[Token], context: Context) -> str:
    """Redshift's FROM is optional."""
    first = following(tokens, -1)
    rest = tokens[first + 1 :]
    return f"delete{'' if words(rest, 1) == ['from'] else ' from'}{_plain(rest, context)}"


def _set(tokens: list[Token], context: Context) -> str:
    first = words(tokens, 3)[1:]
    if "authorization" in words(tokens, 4):
        return _session_authorization(tokens, context)
    name = first[1] if first[:1] in (["session"], ["local"]) and len(first) > 1 else (first or [""])[0]
    if name in IGNORED_SETTINGS:  # kept, so that SHOW can tell
        place = next(index for index in range(len(tokens)) if word(tokens, index) == name)
        return f"{text(tokens[:place])}redshift.{text(tokens[place:])}" if words(tokens, 1) == ["set"] else ""
    return "reset redshift.use_" if words(tokens, 2) == ["reset", "use"] else setting_of(tokens)


def _session_authorization(tokens: list[Token], context: Context) -> str:
    """To become another user takes a superuser in PostgreSQL, which nobody is here; SET ROLE does what scripts want."""
    place = next(index for index in range(len(tokens)) if word(tokens, index) == "authorization")
    user = strip(tokens[place + 1 :])
    return "reset role" if words(user, 1) in ([], ["default"]) else f"set role {text(user)}"


def _vacuum(tokens: list[Token], context: Context) -> str:
    """Every form of VACUUM is PostgreSQL's plain one, which refuses a transaction block in the same words."""
    index = following(tokens, following(tokens, -1))
    while word(tokens, index) in ("full", "sort", "delete", "only", "reindex", "recluster", "sortkey"):
        index = following(tokens, index)
    named = index < len(tokens) and word(tokens, index) not in ("to", "boost")
    return f"vacuum {text(expression(strip(tokens[index : name_end(tokens, index)])))}" if named else "vacuum"


def _analyze(tokens: list[Token], context: Context) -> str:
    return re.sub(r"(?i)\s+(predicate|all)\s+columns\b", "", text(expression(tokens)))


def _drop(tokens: list[Token], context: Context) -> str:
    kind = "".join(words(tokens, 2)[1:])
    if kind in ("role", "database", "user"):
        return with_known_options(tokens)
    if kind in _ROUTINES:
        return drop_procedure(tokens) if kind == "procedure" else on_function(tokens)
    if kind == "view":
        return drop_view(tokens)
    named = match(tokens, 0, "drop", "table") or match(tokens, 0, "drop", "materialized", "view")
    return _plain(tokens, context) if named is None else drop_table(tokens, named)


def _lock(tokens: list[Token], _context: Context) -> str:
    """LOCK, which outside of a transaction does nothing that lasts; PostgreSQL refuses it there."""
    return f"do $lock$begin {text(expression(tokens))}; end$lock$"


def _rights(tokens: list[Token], _context: Context) -> str:
    return grant(tokens)


def _cancel(tokens: list[Token], _context: Context) -> str:
    return cancel(tokens)


def _refresh(tokens: list[Token], _context: Context) -> str:
    return refresh(tokens)


def _use(tokens: list[Token], _context: Context) -> str:
    return use(tokens)


def _show(tokens: list[Token], _context: Context) -> str:
    return show(tokens)


def _explain(tokens: list[Token], context: Context) -> str:
    """``EXPLAIN [VERBOSE]`` of a statement, which is translated as without it."""
    start = following(tokens, following(tokens, -1))
    if word(tokens, start) == "verbose":
        start = following(tokens, start)
    explained = strip(tokens[start:])
    writer = _STATEMENTS.get((words(explained, 1) or [""])[0], _plain)
    return f"{text(tokens[:start])}{writer(explained, context)}"


_STATEMENTS: dict[str, Writer] = {
    "alter": _alter,
    "analyze": _analyze,
    "cancel": _cancel,
    "create": _create,
    "delete": _delete,
    "drop": _drop,
    "explain": _explain,
    "grant": _rights,
    "lock": _lock,
    "merge": _merge,
    "refresh": _refresh,
    "reset": _set,
    "revoke": _rights,
    "set": _set,
    "show": _show,
    "use": _use,
    "vacuum": _vacuum,
}


def _copy_into(sql: str) -> str:
    """COPY where only PostgreSQL runs: it asks this process for the rows."""
    tokens = strip(lex(sql))
    start = following(tokens, following(tokens, -1))
    table = text(expression(strip(tokens[start : name_end(tokens, start)])))
    return f"redshift.copy_into({quote(table)}, {quote(sql)})"


def _inside_body(sql: str, context: Context) -> str:
    """One SQL statement of a procedure's body."""
    translation = translate(sql, context.catalog)
    if translation.kind == "unload":
        return f"perform redshift.unload_from({quote(sql)})"
    if translation.kind == "copy":
        return f"perform {_copy_into(sql)}"
    if translation.kind != "sql":
        return "null"
    return f"{translation.sql}; perform {translation.after}" if translation.after else translation.sql


def inside_procedure(sql: str, catalog: Catalog) -> str:
    """The text of an EXECUTE in PostgreSQL's words.

    :raises UnsupportedSqlError: only a real Redshift can run it.
    """
    return as_plain_sql(_inside_body(sql, Context(catalog)))


def translate(sql: str, catalog: Catalog | None = None) -> Translation:
    """Translate one statement (as :func:`elt_redshift.job.sql.split` gives it).

    :param catalog: knows the tables; without one, what needs their columns is refused.
    :raises UnsupportedSqlError: only a real Redshift can run it.
    :raises SqlSyntaxError: a quote, comment or body is never closed.
    """
    tokens = strip(lex(sql))
    verb = (words(tokens, 1) or [""])[0]
    refuse(tokens)
    refuse_postgres(tokens)
    if verb in ("copy", "unload"):
        return Translation(verb, sql, verb)  # type: ignore[arg-type]  # two of the kinds are verbs
    written = _STATEMENTS.get(verb, _plain)(tokens, Context(catalog or NoCatalog()))
    after = attributes(tokens) if verb in ("create", "alter") else ""
    if after and not written.strip():
        written, after = f"do $keep$begin perform {after}; end$keep$", ""  # which has no rows, as ALTER has none
    return Translation("sql" if written.strip() else "nothing", written, verb, after)
