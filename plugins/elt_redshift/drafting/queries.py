"""What statements do that hold queries, as sqlglot reads them (https://sqlglot.com).

It is the one module that imports sqlglot, which comes with the extra ``init``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from elt_redshift.drafting.uses import Kind, Use, folded
from elt_redshift.job import sql

#: What sqlglot 30 does not know of Redshift, and what stands in the same place and touches the same tables.
_INSTEAD = (
    (re.compile(r"\bremove\s+duplicates\b", re.IGNORECASE), "when matched then delete"),
    (re.compile(r"\bsortkey\s+auto\b|\b(?:dist|sort)key\b(?!\s*\()", re.IGNORECASE), ""),  # of a column, too
    (re.compile(r"\A\s*delete\s++(?!from\b)", re.IGNORECASE), "delete from "),
)
_CHANGED = (exp.Insert, exp.Update, exp.Delete, exp.Merge)

logging.getLogger(sqlglot.__name__).setLevel(logging.ERROR)  # what it does not know is told by us


class UnknownError(Exception):
    """A statement is not understood."""


def uses(text: str) -> list[Use]:
    """What one statement does.

    :raises UnknownError: nobody knows.
    """
    text = "".join(" " if token.kind == "comment" else token.text for token in sql.tokenize(text))
    for pattern, instead in _INSTEAD:
        text = pattern.sub(instead, text)
    try:
        tree = sqlglot.parse_one(text, dialect="redshift")
    except (SqlglotError, RecursionError) as error:
        raise UnknownError(text) from error
    target = _target(tree)
    tables = [table for table in tree.find_all(exp.Table) if table is not target and not _is_no_table(table)]
    found = [Use(_kind(table), _name(table)) for table in tables]
    written = [*found, Use(_done_to(tree), _name(target))] if target else found
    return sorted(written, key=lambda use: use.kind in ("makes", "temp", "empties", "writes"))


def _target(tree: exp.Expr) -> exp.Table | None:
    """The table that the statement changes or makes; a query has none.

    :raises UnknownError: it is no statement of the kinds known here.
    """
    if isinstance(tree, exp.Query):
        return None
    if isinstance(tree, _CHANGED) or (isinstance(tree, exp.Create) and tree.kind in ("TABLE", "VIEW")):
        table = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
        if isinstance(table, exp.Table):
            return table
    raise UnknownError(tree.key)


def _done_to(tree: exp.Expr) -> Kind:
    if isinstance(tree, exp.Create):
        return "temp" if tree.find(exp.TemporaryProperty) or _name(tree.find(exp.Table)).startswith("#") else "makes"
    everything = isinstance(tree, exp.Delete) and not tree.args.get("where") and not tree.args.get("using")
    return "empties" if everything else "writes"


def _kind(table: exp.Table) -> Kind:
    if isinstance(into := table.parent, exp.Into):
        return "temp" if into.args.get("temporary") or table.name.startswith("#") else "makes"
    return "needs" if table.find_ancestor(exp.LikeProperty, exp.Reference) else "reads"


def _name(table: exp.Table | None) -> str:
    return folded(part.name for part in table.parts) if table else ""


def _is_no_table(table: exp.Table) -> bool:
    """Whether it is a function that gives rows, or a name that holds in the query only."""
    if not isinstance(table.this, exp.Identifier):
        return True
    name = table.name.lower()
    return not table.db and (name in _queries_in_sight(table) or name in _arrays_beside(table))


def _arrays_beside(table: exp.Table) -> Iterator[str]:
    """The names of elements of arrays, of which others may be elements: ``from t, t.items as i, i.parts as p``."""
    query = table.find_ancestor(exp.Select)
    for array in query.find_all(exp.Unnest) if query else ():
        yield from (name.lower() for name in array.alias_column_names)


def _queries_in_sight(table: exp.Table) -> Iterator[str]:
    """The names that each ``WITH`` around a table gives and that hold where it stands: a query of it knows those before
    it, and itself only if it is ``RECURSIVE``."""
    inner: exp.Expr = table
    while (outer := inner.parent) is not None:
        if isinstance(outer, exp.With):
            known = outer.expressions[: outer.expressions.index(inner) + bool(outer.recursive)]
        else:
            named = outer.args.get("with_")
            known = named.expressions if named and named is not inner else []
        yield from (query.alias.lower() for query in known)
        inner = outer
