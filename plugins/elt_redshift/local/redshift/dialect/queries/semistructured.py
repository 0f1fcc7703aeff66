"""SUPER: navigation with dots and brackets, and arrays and objects as tables of the FROM clause.

https://docs.aws.amazon.com/redshift/latest/dg/query-super.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect.catalog import ARRAY_OIDS, SUPER_OID
from elt_redshift.local.redshift.dialect.expressions import expression
from elt_redshift.local.redshift.dialect.queries.context import Context
from elt_redshift.local.redshift.dialect.queries.select import Select, opens_query
from elt_redshift.local.redshift.dialect.queries.sources import Source, clause, identifier, is_path, names, sources
from elt_redshift.local.redshift.dialect.tokens import (
    closing,
    following,
    is_blank,
    last_word,
    lex,
    quote,
    quoted_name,
    raw,
    strip,
    symbol,
    text,
    word,
)


@dataclass
class _Path:
    """``base.step[step].step``.

    :param parts: names, and subscripts as SQL.
    :param end: the index after it.
    """

    parts: list[str]
    subscripts: list[bool]
    end: int


def _path(tokens: Sequence[Token], index: int) -> _Path:
    """The path that begins with the name at ``index``."""
    path = _Path([identifier(tokens[index])], [False], index + 1)
    while True:
        after = following(tokens, path.end - 1)
        if symbol(tokens, after) == "." and following(tokens, after) < len(tokens):
            part = tokens[following(tokens, after)]
            if part.kind not in ("name", "quoted"):
                return path
            path.parts.append(identifier(part))
            path.subscripts.append(False)
            path.end = following(tokens, after) + 1
        elif symbol(tokens, after) == "[":
            close = next((place for place in range(after, len(tokens)) if symbol(tokens, place) == "]"), None)
            if close is None:
                return path
            path.parts.append(text(strip(tokens[after + 1 : close])))
            path.subscripts.append(True)
            path.end = close + 1
        else:
            return path


class _Scope:
    """What the names at the beginning of a path can be."""

    def __init__(self, found: Sequence[Source], context: Context) -> None:
        self._found, self._context = found, context
        self.tables = names(found) | context.tables
        self.elements = elements(found, context)
        self._supers: set[str] | None = None
        self._arrays: set[str] = set()

    def _is_super(self, column: str) -> bool:
        """Whether the tables have a SUPER of that name."""
        if self._supers is None:
            source = text(expression(clause([unnested(source, self) for source in self._found])))
            columns = self._context.columns(source) if self._found else ()
            self._supers = {column.name for column in columns or () if column.oid == SUPER_OID}
            self._arrays = {column.name for column in columns or () if column.oid in ARRAY_OIDS}
        return column in self._supers

    def _is_array(self, path: _Path) -> bool:
        """Whether the path is an element of an array of PostgreSQL's, as the catalog has them."""
        place = next((place for place, subscript in enumerate(path.subscripts) if subscript), 0)
        if place != len(path.parts) - 1 or not self._found:
            return False
        self._is_super("")
        return path.parts[place - 1] in self._arrays

    def base(self, path: _Path) -> int:
        """How many parts of the path name a column; all of them when nothing is navigated."""
        parts, whole = path.parts, len(path.parts)
        if parts[0] in self.elements:
            return 1
        if any(path.subscripts[1:2]):
            return 1
        if parts[0] in self.tables:
            return min(2, whole)
        if whole > 2 and parts[1] in self.tables:
            return min(3, whole)
        if whole > 1 and self._is_super(parts[0]):
            return 1
        return next((place for place, subscript in enumerate(path.subscripts) if subscript), whole)

    def sql(self, path: _Path) -> str | None:
        """The path in PostgreSQL's words; ``None`` when nothing is navigated."""
        base = self.base(path)
        if base < len(path.parts) and self._is_array(path):
            return None
        if base == len(path.parts) and path.parts[0] not in self.elements:
            return None
        column = ".".join(map(quoted_name, path.parts[:base]))
        if path.parts[0] in self.elements:
            column = f"{quoted_name(path.parts[0])}.{quoted_name(path.parts[0])}"
        steps = zip(path.parts[base:], path.subscripts[base:], strict=True)
        written = "".join(f" -> {step if subscript else quote(step)}" for step, subscript in steps)
        return f"redshift.of_json(redshift.to_json({column}){written})" if written else column


def _is_element(source: Source, tables: set[str], found: set[str]) -> bool:
    """Whether a table of the FROM clause is an array or object of a table before it.

    :param tables: what the tables before it are called; ``found`` are those of them that are elements.
    """
    if word(source.reference, 0) == "unpivot":
        return True
    if not is_path(source.reference) or source.pivot:
        return False
    path = _path(source.reference, 0)
    return path.parts[0] in (tables if len(path.parts) > 1 else found)


def elements(found: Sequence[Source], context: Context) -> set[str]:
    """The names of the tables that are elements of arrays or values of objects, here and around."""
    known, result = set(context.tables), set(context.elements)
    for source in found:
        if _is_element(source, known, result):
            result.add(source.name)
        else:
            result.discard(source.name)
        known |= {source.name} - {""}
    return result


def unnested(source: Source, scope: _Scope) -> Source:
    """A table that is an array or object, as PostgreSQL's function of it."""
    if source.name not in scope.elements or not (word(source.reference, 0) == "unpivot" or is_path(source.reference)):
        return source
    unpivots = word(source.reference, 0) == "unpivot"
    reference = strip(source.reference[1:]) if unpivots else source.reference
    path = _path(reference, 0)
    navigated = scope.sql(path) or ".".join(map(quoted_name, path.parts))
    function = "attributes" if unpivots else "elements"
    name, index = quoted_name(source.name), quoted_name(source.index or f"{source.name}_index_")
    written = f"redshift.{function}({navigated}) as {name}({name}, {index})"
    if not source.index:  # nor does * give it
        written = f"(select {name} from {written}) as {name}"  # noqa: S608 - rewrites SQL
    written = f"lateral {written}"
    return Source(source.join, [raw(written)], [], [], source.name, "", source.condition)


def _paths(tokens: Sequence[Token]) -> Iterator[tuple[int, _Path]]:
    index = 0
    while index < len(tokens):
        before = last_word(tokens[:index])
        starts = tokens[index].kind in ("name", "quoted") and (before is None or before.text not in (".", "::"))
        if opens_query(tokens, index):
            index = closing(tokens, index) + 1
        elif starts and word(tokens, index) not in ("array", "as") and (before is None or before.word != "as"):
            path = _path(tokens, index)
            if symbol(tokens, following(tokens, path.end - 1)) != "(":
                yield index, path
            index = path.end
        else:
            index += 1


def _navigated(tokens: list[Token], scope: _Scope) -> list[Token]:
    result: list[Token] = []
    done = 0
    for index, path in _paths(tokens):
        written = scope.sql(path)
        if written is not None:
            result += [*tokens[done:index], raw(written)]
            done = path.end
    return [*result, *tokens[done:]] if done else tokens


def _named(item: list[Token], scope: _Scope) -> list[Token]:
    """An item of the select list that is a path is called after its last part."""
    stripped = strip(item)
    path = _path(stripped, 0) if stripped and stripped[0].kind in ("name", "quoted") else None
    rest = [token for token in stripped[path.end :] if not is_blank(token)] if path else []
    if path is None or any(token.kind == "operator" and token.text not in ("::", "(", ")") for token in rest):
        return item
    last = next(
        (part for part, subscript in zip(reversed(path.parts), reversed(path.subscripts), strict=True) if not subscript)
    )
    plain = not rest or (rest[0].text == "::" and not any(token.word == "as" for token in rest))
    if not plain or scope.sql(path) is None:
        return item
    return [*item, *lex(f" as {quoted_name(last)}")]


def rewrite(select: Select, context: Context) -> None:
    """Navigate, unnest and unpivot."""
    found = sources(select.clauses.get("from", []))
    scope = _Scope(found if select.clauses.get("from") else [], context)
    select.items = [_navigated(_named(item, scope), scope) for item in select.items]
    for keyword in ("where", "group", "having", "qualify"):
        if keyword in select.clauses:
            select.clauses[keyword] = _navigated(select.clauses[keyword], scope)
    if "order" in select.tail:
        select.tail["order"] = _navigated(select.tail["order"], scope)
    if select.clauses.get("from"):
        tables = [unnested(source, scope) for source in found]
        for source in tables:
            source.condition = _navigated(source.condition, scope)
        select.clauses["from"] = clause(tables)
