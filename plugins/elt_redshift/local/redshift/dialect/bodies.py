"""The inside of a PL/pgSQL procedure: its pieces, each rewritten, put together again.

A body is a flat sequence of pieces (``begin``, ``if … then``, a statement, ``end`` …). What Redshift does differently
at the end of a block that handles exceptions is the business of :mod:`.transactions`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from elt_redshift.job.sql import Token
from elt_redshift.local.redshift.dialect.errors import UnsupportedSqlError
from elt_redshift.local.redshift.dialect.queries import Context, whole
from elt_redshift.local.redshift.dialect.tokens import (
    following,
    lex,
    quote,
    raw,
    string_value,
    strip,
    symbol,
    text,
    word,
    words,
)
from elt_redshift.local.redshift.dialect.transactions import Piece, with_redshift_transactions
from elt_redshift.local.redshift.dialect.types import column

#: Translates one SQL statement of a body; given by the caller, because it knows all kinds of statements.
Translate = Callable[[str], str]


def _cut(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """The stretches between the ``;``."""
    current: list[Token] = []
    for token in tokens:
        if token.text == ";" and token.kind == "operator":
            yield current
            current = []
        else:
            current.append(token)
    yield current


def _until(tokens: Sequence[Token], index: int, ending: str) -> int:
    """The index after the keyword ``ending``, not counting those inside CASE … END."""
    depth = 0
    while index < len(tokens):
        keyword = word(tokens, index)
        depth += {"case": 1, "end": -1}.get(keyword, 0)
        index += 1
        if keyword == ending and depth <= 0:
            break
    return index


def _label_end(tokens: Sequence[Token], index: int) -> int:
    """The index after ``<<name>>`` when it starts at ``index``, else ``index``."""
    marks = [following(tokens, index - 1)]
    for _ in range(4):
        marks.append(following(tokens, marks[-1]))
    if [symbol(tokens, mark) for mark in (marks[0], marks[1], marks[3], marks[4])] == ["<", "<", ">", ">"]:
        return marks[4] + 1
    return index


def _control(tokens: Sequence[Token], index: int) -> tuple[str, int] | None:
    """The kind of control text that starts at ``index`` and the index after it; ``None`` for a statement."""
    keyword = word(tokens, index)
    if (end := _label_end(tokens, index)) != index:
        return "label", end
    if keyword in ("declare", "begin"):
        return keyword, index + 1
    if keyword == "exception" and word(tokens, following(tokens, index)) == "when":
        return "exception", _until(tokens, index, "then")
    if keyword in ("if", "elsif", "elseif", "when"):
        return ("open" if keyword == "if" else "control"), _until(tokens, index, "then")
    if keyword in ("while", "for", "loop"):
        return "open", _until(tokens, index, "loop")
    return ("control", index + 1) if keyword == "else" else None


def as_plain_sql(statement: str) -> str:
    """A statement of a body as PostgreSQL takes it outside of one: PERFORM and NULL are PL/pgSQL's alone."""
    if statement == "null":
        return "select"
    return re.sub("^perform |(?<=; )perform (?=redshift.keep)", "select ", statement)


def _bracketed(tokens: Sequence[Token]) -> Sequence[Token]:
    """A condition that holds a CASE in brackets: PL/pgSQL would take the CASE's THEN for its own."""
    first, last = following(tokens, -1), len(tokens) - 1
    inside = tokens[first + 1 : last]
    if word(tokens, first) in ("if", "elsif", "elseif", "while") and any(token.word == "case" for token in inside):
        return [*tokens[: first + 1], raw(" ("), *strip(inside), raw(") "), tokens[last]]
    return tokens


@dataclass(frozen=True)
class _Reader:
    """Takes a body apart and rewrites each piece.

    :param context: what is around its queries.
    :param translate: translates one SQL statement.
    """

    context: Context
    translate: Translate

    def _dynamic(self, tokens: Sequence[Token]) -> list[Token]:
        """``EXECUTE`` text, from the word on: a constant is translated now, anything else when it runs."""
        start = following(tokens, following(tokens, -1))
        end = next(
            (index for index in range(start, len(tokens)) if word(tokens, index) in ("into", "using", "loop")),
            len(tokens),
        )
        command = strip(tokens[start:end])
        written = self._constant(command) or f"redshift.dynamic_sql({text(whole(command, self.context))})"
        return [raw(f"execute {written} "), *whole(tokens[end:], self.context)]

    def _constant(self, command: Sequence[Token]) -> str | None:
        """A constant text in PostgreSQL's words; ``None``: it is none, or can be rewritten only when it runs."""
        if len(command) != 1 or command[0].kind not in ("string", "dollar"):
            return None
        try:
            written = self.translate(string_value(command[0]))
            return quote(as_plain_sql(written))
        except UnsupportedSqlError:
            return None

    def _head(self, tokens: Sequence[Token]) -> str:
        """A piece of control text; the query of a FOR loop may be dynamic."""
        execute = next((index for index in range(len(tokens)) if word(tokens, index) == "execute"), None)
        if execute is None:
            return text(whole(_bracketed(tokens), self.context))
        return text([*tokens[:execute], *self._dynamic(tokens[execute:])])

    def _statement(self, tokens: Sequence[Token]) -> Piece:
        first = words(tokens, 2)
        if first[0] == "end":
            return Piece("close" if first[1:] in (["if"], ["loop"], ["case"]) else "end", text(tokens))
        if first[0] in ("commit", "rollback") and len(words(tokens)) == 1:
            return Piece("transaction", text(tokens))
        if first[0] == "execute":
            return Piece("statement", text(self._dynamic(tokens)))
        if first[0] in ("open", "return") and any(token.word == "execute" for token in tokens):
            return Piece("statement", self._head(tokens))
        if first[0] == "call":
            return Piece("call", self.translate(text(tokens)))
        if symbol(tokens, following(tokens, following(tokens, -1))) == ":=":
            return Piece("statement", text(whole(tokens, self.context)))
        return Piece("statement", self.translate(text(tokens)))

    def pieces(self, body: str) -> Iterator[Piece]:
        """The pieces of ``body``, rewritten."""
        declaring = False
        for stretch in _cut(lex(body)):
            index = 0
            while (start := following(stretch, index - 1)) < len(stretch):
                if index < start:
                    yield Piece("space", text(stretch[index:start]))
                rest = stretch[start:]
                if _case_statement(rest):
                    found: tuple[str, int] | None = ("open", _until(rest, 1, "then"))
                else:
                    found = _control(rest, 0)
                if found is None:
                    break
                kind, length = found
                declaring = kind == "declare" or (declaring and kind != "begin")
                yield Piece(kind, self._head(rest[:length]))
                index = start + length
            rest = stretch[start:]
            if strip(rest):
                yield self._declaration(rest) if declaring else self._statement(rest)
                yield Piece("space", ";")
            elif start < len(stretch) or rest:
                yield Piece("space", text(rest))

    def _declaration(self, tokens: Sequence[Token]) -> Piece:
        return Piece("declaration", text(whole(column(tokens), self.context)))


def _case_statement(tokens: Sequence[Token]) -> bool:
    """Whether a CASE at the start of a stretch is PL/pgSQL's statement (it has statements in it, so it goes on)."""
    return word(tokens, following(tokens, -1)) == "case"


def plpgsql_body(body: str, context: Context, translate: Translate, *, nonatomic: bool) -> str:
    """Rewrite the body of a procedure.

    :param body: what stands between the dollar quotes.
    :param context: what is around its queries.
    :param translate: translates one SQL statement of it.
    :param nonatomic: the procedure is declared NONATOMIC, so an exception that it handled is not raised again.
    """
    written = with_redshift_transactions(list(_Reader(context, translate).pieces(body)), nonatomic=nonatomic)
    # A variable goes before a column of its name, as in the PostgreSQL that Redshift grew from.
    return f"#variable_conflict use_variable\n{written}"
