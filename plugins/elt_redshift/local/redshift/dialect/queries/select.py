"""A level of brackets as what comes before its SELECTs, the SELECTs cut at their clauses, and what parts them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect.tokens import (
    SPACE,
    closing,
    divide,
    following,
    last_word,
    raw,
    strip,
    symbol,
    word,
)

#: The clauses behind the select list, in the order in which PostgreSQL takes them.
CLAUSES = ("into", "from", "where", "start", "connect", "group", "having", "window", "qualify")
#: The clauses that belong to the whole chain of SELECTs.
TAIL = ("order", "limit", "offset", "fetch", "for")
_BETWEEN = ("union", "except", "intersect", "minus")
#: What ends a query inside a procedure: FOR … IN SELECT … LOOP.
_ENDS = ("loop",)


@dataclass
class Select:
    """One SELECT; every clause without its keyword.

    :param lead: SELECT, and ALL, DISTINCT or DISTINCT ON (…).
    :param top: the number of TOP, as it is written.
    :param items: the select list.
    :param excluded: the columns behind EXCLUDE.
    """

    lead: list[Token]
    items: list[list[Token]]
    clauses: dict[str, list[Token]] = field(default_factory=dict)
    tail: dict[str, list[Token]] = field(default_factory=dict)
    top: list[Token] | None = None
    excluded: list[list[Token]] = field(default_factory=list)

    @property
    def is_distinct(self) -> bool:
        return any(token.word == "distinct" for token in self.lead)

    def tokens(self) -> list[Token]:
        """The SELECT in PostgreSQL's words, if all that PostgreSQL does not have was taken out of it."""
        written = [*self.lead, SPACE]
        for place, item in enumerate(self.items):
            written += [raw(", "), *item] if place else item
        for keyword, clause in (*self.clauses.items(), *self.tail.items()):
            written += [SPACE, *_KEYWORDS[keyword], SPACE, *clause]
        return written


@dataclass
class Chain:
    """SELECTs with UNION, EXCEPT or INTERSECT between them, or VALUES and queries in brackets in their place.

    :param before: what stands before the first: ``insert into t``, ``with …``.
    :param parts: a :class:`Select`, or tokens that are none.
    :param after: what stands behind the last.
    """

    before: list[Token]
    parts: list[Select | list[Token]]
    after: list[Token]

    @property
    def selects(self) -> list[Select]:
        return [part for part in self.parts if isinstance(part, Select)]

    def tokens(self) -> list[Token]:
        written = list(self.before)
        for part in self.parts:
            written += part.tokens() if isinstance(part, Select) else part
        return [*written, *self.after]


_KEYWORDS = {
    keyword: [Token("name", text, 0)]
    for keyword, text in {
        **{keyword: keyword for keyword in (*CLAUSES, *TAIL)},
        "start": "start with",
        "connect": "connect by",
        "group": "group by",
        "order": "order by",
    }.items()
}


def opens_query(tokens: Sequence[Token], index: int) -> bool:
    """Whether a bracket with a query in it opens at ``index``."""
    return symbol(tokens, index) == "(" and word(tokens, following(tokens, index)) in ("select", "with")


def top_level(tokens: Sequence[Token]) -> Iterator[int]:
    """The indexes of the tokens outside of all brackets and CASE … END; a bracket's opening one is among them."""
    index, depth = 0, 0
    while index < len(tokens):
        depth += 1 if word(tokens, index) == "case" else 0
        if depth == 0:
            yield index
        depth -= 1 if depth and word(tokens, index) == "end" else 0
        index = closing(tokens, index) + 1 if symbol(tokens, index) == "(" else index + 1


def _clause_at(tokens: Sequence[Token], index: int, before: Token | None) -> tuple[str, int] | None:
    """The clause that begins at ``index``, and the index after its keywords."""
    keyword, after = word(tokens, index), following(tokens, index)
    previous = before.word if before else ""
    if before is not None and (before.text in (".", "::") or previous == "as"):
        return None
    if keyword in ("group", "order"):
        return (keyword, following(tokens, after)) if word(tokens, after) == "by" and previous != "within" else None
    if keyword in ("start", "connect"):
        second = {"start": "with", "connect": "by"}[keyword]
        return (keyword, following(tokens, after)) if word(tokens, after) == second else None
    if keyword == "from":
        return None if previous == "distinct" and _is_distinct_from(tokens, index) else (keyword, after)
    if keyword == "for":
        return (keyword, after) if word(tokens, after) in ("update", "share", "no", "key") else None
    if keyword in ("qualify", "window", "offset", "fetch") and _is_name(tokens, index, previous):
        return None
    return (keyword, after) if keyword in (*CLAUSES, *TAIL) else None


def _is_name(tokens: Sequence[Token], index: int, previous: str) -> bool:
    """Whether a word that is no reserved one stands where a column does."""
    after = following(tokens, index)
    starts = ("select", "distinct", "by", "and", "or", "on", "when", "then", "else", "where")
    return after >= len(tokens) or previous in starts or symbol(tokens, after) in (",", ".", ")", "=")


def _is_distinct_from(tokens: Sequence[Token], index: int) -> bool:
    """Whether the FROM at ``index`` belongs to IS [NOT] DISTINCT FROM."""
    words = [token.word for token in tokens[:index] if token.kind not in ("space", "comment")]
    return words[-2:-1] in (["is"], ["not"])


def _lead(tokens: Sequence[Token], index: int) -> tuple[list[Token], list[Token] | None, int]:
    """SELECT with DISTINCT or ALL from ``index`` on, TOP's number, and the index after them."""
    lead, top = [tokens[index]], None
    index = following(tokens, index)
    while index < len(tokens):
        after = following(tokens, index)
        keyword = word(tokens, index)
        if (
            keyword == "top"
            and after < len(tokens)
            and (tokens[after].kind == "number" or symbol(tokens, after) == "(")
        ):
            end = closing(tokens, after) if symbol(tokens, after) == "(" else after
            top, index = list(tokens[after : end + 1]), following(tokens, end)
        elif keyword in ("all", "distinct") and symbol(tokens, after) not in (",", "."):
            lead += [SPACE, tokens[index]]
            index = after
        elif keyword == "on" and lead[-1].word == "distinct" and symbol(tokens, after) == "(":
            end = closing(tokens, after)
            lead += [SPACE, *tokens[index : end + 1]]
            index = following(tokens, end)
        else:
            break
    return lead, top, index


def _excluded(items: list[list[Token]]) -> tuple[list[list[Token]], list[list[Token]]]:
    """The select list without ``EXCLUDE columns`` at its end, and those columns."""
    for place, item in enumerate(items):
        for index in top_level(item):
            before = last_word(item[:index])
            if word(item, index) == "exclude" and before is not None and before.text == "*":
                rest = strip(item[index + 1 :])
                if symbol(rest, 0) == "(":
                    return [*items[:place], item[:index]], [strip(piece) for piece in divide(rest[1:-1])]
                return [*items[:place], item[:index]], [rest, *(strip(piece) for piece in items[place + 1 :])]
    return items, []


def _select(tokens: Sequence[Token]) -> Select:
    """:param tokens: one SELECT, up to the word that parts it from the next."""
    lead, top, start = _lead(tokens, 0)
    keys: list[tuple[str, int, int]] = []
    levels = [index for index in top_level(tokens) if index >= start]
    for index in levels:
        found = _clause_at(tokens, index, last_word(tokens[:index]))
        if found and found[0] not in (key for key, _, _ in keys):
            keys.append((found[0], index, found[1]))
    starts = [begin for _, begin, _ in keys] + [len(tokens)]
    clauses = {key: strip(tokens[begin:end]) for (key, _, begin), end in zip(keys, starts[1:], strict=True)}
    inside = tokens[start : keys[0][1] if keys else len(tokens)]
    items, excluded = _excluded([strip(piece) for piece in divide(inside)])
    front = {key: clauses[key] for key in CLAUSES if key in clauses}
    tail = {key: clause for key, clause in clauses.items() if key in TAIL}
    return Select(lead, items, front, tail, top, excluded)


def _boundaries(tokens: Sequence[Token]) -> Iterator[tuple[int, str]]:
    """Where, outside of brackets, a SELECT begins, and the words that end it."""
    for index in top_level(tokens):
        before = last_word(tokens[:index])
        if before is not None and before.text == ".":
            continue
        keyword = word(tokens, index)
        if keyword == "select":
            yield index, "select"
        elif keyword in _BETWEEN and (keyword != "minus" or _parts_queries(tokens, index)):
            yield index, "between"
        elif keyword in _ENDS:
            yield index, "end"


def _parts_queries(tokens: Sequence[Token], index: int) -> bool:
    after = following(tokens, index)
    return word(tokens, after) in ("select", "all") or symbol(tokens, after) == "("


def parse(tokens: Sequence[Token]) -> Chain:
    """Cut a level of brackets into its SELECTs."""
    marks = list(_boundaries(tokens))
    first = next((place for place, (_, kind) in enumerate(marks) if kind == "select"), None)
    if first is None:
        return Chain(list(tokens), [], [])
    parts: list[Select | list[Token]] = []
    before, marks = list(tokens[: marks[first][0]]), marks[first:]
    for place, (start, kind) in enumerate(marks):
        end = marks[place + 1][0] if place + 1 < len(marks) else len(tokens)
        if kind == "end":
            return Chain(before, parts, list(tokens[start:]))
        piece = list(tokens[start:end])
        parts.append(_select(piece) if kind == "select" else [SPACE, *piece])
    return Chain(before, parts, [])
