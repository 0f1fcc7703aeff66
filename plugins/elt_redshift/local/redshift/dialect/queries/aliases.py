"""Names of the select list used beside it: ``select a * 2 as b, b + 1 as c from t where b > 3``.

The expression is put in the place of the name, as Redshift does it, unless a table has a column of that name.
https://docs.aws.amazon.com/redshift/latest/dg/r_SELECT_list.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect.expressions import expression
from elt_redshift.local.redshift.dialect.queries.context import Context
from elt_redshift.local.redshift.dialect.queries.names import alias_of, alias_start
from elt_redshift.local.redshift.dialect.queries.select import Select, opens_query
from elt_redshift.local.redshift.dialect.queries.sources import identifier
from elt_redshift.local.redshift.dialect.tokens import (
    SPACE,
    closing,
    divide,
    following,
    is_blank,
    last_word,
    raw,
    strip,
    symbol,
    text,
)

Definitions = Mapping[str, list[Token]]


def _uses(tokens: Sequence[Token], names: frozenset[str]) -> Iterator[int]:
    """Where one of ``names`` stands as a column, outside of the queries in ``tokens``."""
    index = 0
    while index < len(tokens):
        token, after = tokens[index], following(tokens, index)
        before = last_word(tokens[:index])
        if opens_query(tokens, index):
            index = closing(tokens, index)
        elif token.kind in ("name", "quoted") and identifier(token) in names:
            mark = before.text if before is not None else ""
            if mark not in (".", "::") and mark.lower() != "as" and symbol(tokens, after) not in (".", "("):
                yield index
        index += 1


def _replaced(tokens: Sequence[Token], definitions: Definitions) -> list[Token]:
    places = set(_uses(tokens, frozenset(definitions)))
    result: list[Token] = []
    for index, token in enumerate(tokens):
        if index in places:
            result += [raw("("), *definitions[identifier(token)], raw(")")]
        else:
            result.append(token)
    return result


def _definition(item: Sequence[Token]) -> tuple[str, list[Token]] | None:
    """The name that an item defines, and its expression; ``None`` when it only names a column."""
    alias = alias_of(item)
    if alias is None:
        return None
    return alias, strip(item[: alias_start(item)])


def _columns(select: Select, context: Context) -> set[str] | None:
    """The columns that the tables have; ``None``: nobody knows."""
    source = select.clauses.get("from")
    if source is None:
        return set()
    known = context.columns(text(expression(source)))
    return None if known is None else {column.name for column in known}


def _candidates(select: Select) -> set[str]:
    """The names that are defined in the select list and used where PostgreSQL does not know them."""
    defined: set[str] = set()
    used: set[str] = set()
    for item in select.items:
        used |= {identifier(item[place]) for place in _uses(_body(item), frozenset(defined))}
        if (definition := _definition(item)) is not None:
            defined.add(definition[0])
    for keyword, clause in _places(select):
        parts = (
            [clause]
            if keyword not in ("group", "order")
            else [part for part in divide(clause) if len(_plain(part)) > 1]
        )
        used |= {identifier(part[place]) for part in parts for place in _uses(part, frozenset(defined))}
    return used


def _plain(part: Sequence[Token]) -> list[Token]:
    """A sort key without its direction."""
    return [
        token
        for token in strip(part)
        if token.word not in ("asc", "desc", "nulls", "first", "last") and not is_blank(token)
    ]


def _body(item: list[Token]) -> list[Token]:
    definition = _definition(item)
    return item if definition is None else definition[1]


def _places(select: Select) -> Iterator[tuple[str, list[Token]]]:
    for keyword in ("where", "group", "having", "qualify"):
        if keyword in select.clauses:
            yield keyword, select.clauses[keyword]
    if "order" in select.tail:
        yield "order", select.tail["order"]


def _keys(clause: list[Token], definitions: Definitions) -> list[Token]:
    """GROUP BY or ORDER BY: a name alone PostgreSQL knows by itself."""
    parts = [part if len(_plain(part)) == 1 else _replaced(part, definitions) for part in divide(clause)]
    return [token for place, part in enumerate(parts) for token in ([raw(","), *part] if place else part)]


def rewrite(select: Select, context: Context) -> None:
    """Put expressions in the place of the names that stand for them."""
    wanted = _candidates(select)
    if not wanted:
        return
    columns = _columns(select, context)
    definitions: dict[str, list[Token]] = {}
    for place, item in enumerate(select.items):
        body = _replaced(_body(item), definitions)
        definition = _definition(item)
        if definition is None:
            select.items[place] = body
            continue
        name = definition[0]
        select.items[place] = [*body, SPACE, *item[alias_start(item) :]]
        own = _is_column(definition[1], name)
        if name in wanted and not own and (columns is None or name not in columns):
            definitions[name] = body
    for keyword, clause in list(_places(select)):
        written = _keys(clause, definitions) if keyword in ("group", "order") else _replaced(clause, definitions)
        (select.tail if keyword == "order" else select.clauses)[keyword] = written


def _is_column(body: Sequence[Token], name: str) -> bool:
    """Whether an expression uses a column of its own name, so that there is one."""
    return any(True for _ in _uses(body, frozenset({name})))
