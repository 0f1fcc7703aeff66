"""One Redshift statement in PostgreSQL's words, by the kind of statement it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect.catalog import Catalog, NoCatalog
from elt_redshift.local.redshift.dialect.errors import UnsupportedSqlError
from elt_redshift.local.redshift.dialect.expressions import expression
from elt_redshift.local.redshift.dialect.procedures import create_routine
from elt_redshift.local.redshift.dialect.queries import Context, whole
from elt_redshift.local.redshift.dialect.tables import alter_table, create_table, create_view
from elt_redshift.local.redshift.dialect.tokens import (
    arguments,
    following,
    lex,
    match,
    name_end,
    quote,
    strip,
    symbol,
    text,
    word,
    words,
)

#: Settings of Redshift's sessions that change nothing here.
_SETTINGS = frozenset(
    {
        "analyze_threshold_percent",
        "cast_super_null_on_error",
        "describe_field_name_in_uppercase",
        "downcase_delimited_identifier",
        "enable_case_sensitive_identifier",
        "enable_case_sensitive_super_attribute",
        "enable_numeric_rounding",
        "enable_result_cache_for_session",
        "error_on_nondeterministic_update",
        "json_serialization_enable",
        "json_serialization_parse_nested_strings",
        "max_concurrency_scaling_clusters",
        "max_cursor_result_set_size",
        "mv_enable_aqmv_for_session",
        "navigate_super_null_on_error",
        "parse_super_null_on_error",
        "query_group",
        "spectrum_enable_pseudo_columns",
        "spectrum_query_maxerror",
        "stored_proc_log_min_messages",
        "use_fips_ssl",
        "wlm_query_slot_count",
    }
)
_EXTERNAL = ("external", "datashare", "library", "model", "masking", "rls")

#: Writes a statement, given as tokens, in PostgreSQL's words.
Writer = Callable[[list[Token], Context], str]
Kind = Literal["sql", "nothing", "copy", "unload"]


@dataclass(frozen=True)
class Translation:
    """What to do for one Redshift statement.

    :param kind: ``sql``: run ``sql`` on PostgreSQL; ``nothing``: accepted without effect; ``copy``, ``unload``: ``sql``
        is Redshift's statement, which this process carries out with S3.
    :param verb: the statement's first word in lower case.
    """

    kind: Kind
    sql: str
    verb: str


def _plain(tokens: list[Token], context: Context) -> str:
    return text(whole(tokens, context))


def _create(tokens: list[Token], context: Context) -> str:
    head = words(tokens, 6)
    kind = next((item for item in head[1:] if item in _CREATORS or item in _EXTERNAL), "")
    if kind in _EXTERNAL:
        raise UnsupportedSqlError(
            f"CREATE {kind.upper()} needs a real Amazon Redshift: there is nothing external here."
        )
    return _CREATORS.get(kind, _plain)(tokens, context)


def _create_user(tokens: list[Token], context: Context) -> str:
    return re.sub(r"(?i)\s+password\s+disable\b", "", text(tokens))


def _create_routine(tokens: list[Token], context: Context) -> str:
    return create_routine(tokens, context, partial(_inside_body, context=context))


_CREATORS: dict[str, Writer] = {
    "table": create_table,
    "view": create_view,
    "procedure": _create_routine,
    "function": _create_routine,
    "user": _create_user,
    "schema": _plain,
    "database": _plain,
}


def _alter(tokens: list[Token], context: Context) -> str:
    return alter_table(tokens) if words(tokens, 2)[1:] == ["table"] else _plain(tokens, context)


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
    if name in _SETTINGS:
        return ""
    # The functions that Redshift has built in must stay reachable.
    return (
        f"{text(tokens)}, redshift, pg_catalog"
        if name == "search_path" and words(tokens, 1) == ["set"]
        else text(tokens)
    )


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
    if "compression" in words(tokens, 2):
        raise UnsupportedSqlError("ANALYZE COMPRESSION needs a real Amazon Redshift: PostgreSQL encodes no columns.")
    return re.sub(r"(?i)\s+(predicate|all)\s+columns\b", "", text(expression(tokens)))


def _drop(tokens: list[Token], context: Context) -> str:
    """``DROP PROCEDURE p(… OUT …)``: output parameters became INOUT, so the name alone finds it."""
    first = following(tokens, -1)
    kind = following(tokens, first)
    if word(tokens, kind) in _EXTERNAL:
        raise UnsupportedSqlError(f"DROP {word(tokens, kind).upper()} needs a real Amazon Redshift.")
    if word(tokens, kind) == "procedure":
        after = following(tokens, kind)
        end = name_end(tokens, match(tokens, after, "if", "exists") or after)
        if symbol(tokens, end) == "(":
            close = arguments(tokens, end)[1]
            if any(token.word in ("out", "inout") for token in tokens[end:close]):
                return text(tokens[:end])
    return _plain(tokens, context)


_STATEMENTS: dict[str, Writer] = {
    "alter": _alter,
    "analyze": _analyze,
    "create": _create,
    "delete": _delete,
    "drop": _drop,
    "merge": _merge,
    "reset": _set,
    "set": _set,
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
        raise UnsupportedSqlError("UNLOAD inside a procedure is not emulated here.")
    if translation.kind == "copy":
        return f"perform {_copy_into(sql)}"
    return translation.sql if translation.kind == "sql" else "null"


def translate(sql: str, catalog: Catalog | None = None) -> Translation:
    """Translate one statement (as :func:`elt_redshift.job.sql.split` gives it).

    :param catalog: knows the tables; without one, what needs their columns is refused.
    :raises UnsupportedSqlError: only a real Redshift can run it.
    :raises SqlSyntaxError: a quote, comment or body is never closed.
    """
    tokens = strip(lex(sql))
    verb = (words(tokens, 1) or [""])[0]
    if verb in ("copy", "unload"):
        return Translation(verb, sql, verb)  # type: ignore[arg-type]  # two of the kinds are verbs
    written = _STATEMENTS.get(verb, _plain)(tokens, Context(catalog or NoCatalog()))
    return Translation("sql" if written.strip() else "nothing", written, verb)
