"""Reading SQL without understanding it: tokens, statements and named parameters.

Redshift's lexical rules are PostgreSQL's (https://docs.aws.amazon.com/redshift/latest/dg/c_names.html), so a script can
be cut into statements and its ``:name`` parameters found from its tokens alone. Nothing here depends on which
statements Redshift knows. As in PostgreSQL 8, which Redshift grew from, a backslash escapes the next character in every
string, with or without ``E`` before it (that is why its documentation writes ``LIKE '%start\\\\_%'``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, cast, get_args

from elt_redshift.exceptions import EltError
from elt_redshift.job.routines import Routine

Kind = Literal["space", "comment", "string", "dollar", "name", "quoted", "parameter", "number", "operator"]

#: What Redshift's lexer passes over between tokens. (A no-break space is a letter to it.)
WHITE = " \t\n\r\f\v"

#: Kinds that carry no meaning for the database.
BLANK: frozenset[Kind] = frozenset({"space", "comment"})

#: What is told apart wherever it stands, be it that what is in it counts for nothing.
_MARK = r"""
    (?P<comment>--[^\n\r]*)
  | (?P<block>/\*)
  | (?P<string>[eE]?'(?:[^'\\]|\\.|'')*')
  | (?P<dollar>\$(?P<tag>(?:[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*)?)\$.*?\$(?P=tag)\$)
  | (?P<quoted>"(?:[^"]|"")*")
  | (?P<cast>::)
  | (?P<parameter>(?<![\w\]]):[A-Za-z_]\w*+(?!\$))
"""
_NUMBER = r"\d++(?:\.\d*+)?+(?:[eE][+-]?\d++)?+"
_NAME = r"[A-Za-z_\x80-\U0010ffff][\w$\x80-\U0010ffff]*+"
_LEXEME = rf"""
    (?P<space>[ \t\n\r\f\v]+) | {_MARK}
  | (?P<number>{_NUMBER}|\.\d+(?:[eE][+-]?\d+)?) | (?P<name>[#]?{_NAME}) | (?P<operator>:=|.)
"""
#: The next mark, or semicolon, or character that may be an open quote, behind what is none of them.
_NEXT_MARK = rf"""
    (?:[^\w\x80-\U0010ffff'";:$#/-]++ | {_NUMBER} | [#]?{_NAME} | [#] | -(?!-) | /(?!\*))*+
    (?:{_MARK} | (?P<semicolon>;) | (?P<other>.) | (?P<end>\Z))
"""
#: Only a text that has one of these words can have a body whose semicolons do not count.
_ROUTINE = r"(?i:procedure|function)"
#: What may hold anything, quotes and semicolons included, in the order in which :data:`_LEXEME` tries it.
#: An open quote takes the rest in at one go, lest each one behind it try the same.
_CLOSED = r"--[^\n\r]*|[eE]?'(?:[^'\\]|\\(?:.|\Z)|'')*+(?:'|(?P<open>\Z))|\"(?:[^\"]|\"\")*+(?:\"|(?P<open_name>\Z))"
#: What makes a text worth reading token by token, wherever it stands.
_DIFFICULT = r"/\*|['\";$]"
_COMMENT_MARK = r"/\*|\*/"
_DOLLAR_TAG = r"\$(?:[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*)?\$"
_QUOTES = ("'", '"')


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compiled when first needed: that takes 17 ms, and a DAG file without SQL shall not wait for it."""
    return re.compile(pattern, re.VERBOSE | re.DOTALL)


class SqlSyntaxError(EltError, ValueError):
    """A script ends inside a quote, a comment or a ``BEGIN`` block.

    :param message: what is left open.
    :param line: 1-based line on which it was opened.
    """

    def __init__(self, message: str, line: int) -> None:
        self.message, self.line = message, line
        super().__init__(message, line)

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of SQL text: its kind, its text exactly as written, and the offset where it starts."""

    kind: Kind
    text: str
    start: int

    @property
    def word(self) -> str:
        """The text in lower case, for comparison with keywords; empty unless it is an unquoted name."""
        return self.text.lower() if self.kind == "name" else ""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a script, without its ``;`` and outer white space.

    :param line: on which it starts, from 1.
    :param parameters: as :func:`parameters` finds them in it.
    """

    text: str
    line: int
    parameters: tuple[str, ...] = ()


def _line(sql: str, offset: int) -> int:
    return lines_to(sql, 0, offset) + 1


def lines_to(sql: str, start: int, end: int) -> int:
    """How many lines end between two offsets; with ``\\n``, ``\\r\\n`` or, as on old Macs, ``\\r``."""
    return sql.count("\n", start, end) + sql.count("\r", start, end) - sql.count("\r\n", start, end)


def _block_comment_end(sql: str, start: int) -> int:
    depth = 0
    for mark in _compiled(_COMMENT_MARK).finditer(sql, start):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    raise SqlSyntaxError("the comment /* is never closed.", _line(sql, start))


def _refuse_opener(sql: str, position: int) -> None:
    """A quote or ``$tag$`` that the patterns of whole strings did not match is never closed."""
    if sql[position] in _QUOTES:
        raise SqlSyntaxError(f"the quote {sql[position]} is never closed.", _line(sql, position))
    if tag := _compiled(_DOLLAR_TAG).match(sql, position):
        raise SqlSyntaxError(f"the body {tag[0]} is never closed.", _line(sql, position))


#: From the pattern's groups to the tokens' kinds.
_KINDS: dict[str, Kind] = {kind: kind for kind in get_args(Kind)} | {"block": "comment", "cast": "operator"}


def _marks(sql: str) -> Iterator[tuple[str, int, int, int]]:
    """The marks of ``sql``, and the end: kind, where the text before it begins, its own start and end.

    It is for what needs no other tokens: a text has a fifth as many marks.

    :raises SqlSyntaxError: see :func:`tokenize`.
    """
    position, kind, pattern = 0, "", _compiled(_NEXT_MARK)
    while kind != "end":
        match = cast("re.Match[str]", pattern.match(sql, position))  # one of its alternatives matches anywhere
        kind = cast(str, match.lastgroup)
        start, end = match.span(kind)
        if kind == "other":
            _refuse_opener(sql, start)
        elif kind == "block":
            end = _block_comment_end(sql, start)
        yield kind, position, start, end
        position = end


def tokenize(sql: str) -> Iterator[Token]:
    """Yield the tokens of ``sql``; their texts joined give ``sql`` back.

    :raises SqlSyntaxError: a quote, a ``$tag$`` body or a comment is never closed.
    """
    position, pattern = 0, _compiled(_LEXEME)
    while position < len(sql):
        match = cast("re.Match[str]", pattern.match(sql, position))  # its last alternative matches any character
        group = cast(str, match.lastgroup)
        end = match.end()
        if group == "operator":
            _refuse_opener(sql, position)
        elif group == "block":
            end = _block_comment_end(sql, position)
        yield Token(_KINDS[group], sql[position:end], position)
        position = end


def is_plainly_one(sql: str) -> bool:
    """Whether ``sql`` is certainly one statement in which everything is closed.

    False says nothing; :func:`split` knows. This costs a hundredth of it, and most statements are plain.
    """
    if _compiled(_DIFFICULT).search(sql) is None:
        return not _is_blank(sql)
    rest = _compiled(_CLOSED).sub(lambda found: " " if found.lastgroup is None else _QUOTES[0], sql)
    return _compiled(_DIFFICULT).search(rest) is None and not _is_blank(rest)


def _is_blank(sql: str) -> bool:
    return not _compiled(r"--[^\n\r]*").sub("", sql).strip(WHITE)


def parameters(sql: str) -> list[str]:
    """The names of the ``:name`` parameters in ``sql``, each once, in order of first use.

    A colon inside a string, a comment, a dollar-quoted body or a ``::cast`` is no parameter.

    :raises SqlSyntaxError: see :func:`tokenize`.
    """
    if ":" not in sql and is_plainly_one(sql):
        return []
    found = (sql[start + 1 : end] for kind, _, start, end in _marks(sql) if kind == "parameter")
    return list(dict.fromkeys(found))


def put(sql: str, literals: Mapping[str, str]) -> str:
    """``sql`` with a literal in the place of each ``:name`` parameter that ``literals`` names.

    It is for what cannot be bound: ``NULL`` and ``''``. What looks like a parameter inside a string, a comment or a
    dollar-quoted body stays.

    :raises SqlSyntaxError: see :func:`tokenize`.
    """
    if not literals:
        return sql
    return "".join(
        literals.get(token.text[1:], token.text) if token.kind == "parameter" else token.text for token in tokenize(sql)
    )


def split(sql: str) -> list[Statement]:
    """Cut a script into its statements at the ``;`` that end them.

    Semicolons in quotes, comments (nested ones too), ``$$`` and ``$tag$`` bodies and in the ``BEGIN … END`` block of a
    procedure do not end a statement. Pieces that hold only white space and comments are dropped; comments inside and
    before a statement stay with it.

    :raises SqlSyntaxError: a quote, body, comment or block is never closed.
    """
    statements: list[Statement] = []
    start, line, counted = 0, 1, 0
    for first, end, is_open, names in _pieces(sql) if _compiled(_ROUTINE).search(sql) else _plain_pieces(sql):
        if first is not None:
            line, counted = line + lines_to(sql, counted, first), first
            if is_open:
                raise SqlSyntaxError("the BEGIN block is never closed by END.", line)
            statements.append(Statement(sql[start:end].strip(WHITE), line, tuple(dict.fromkeys(names))))
        start = end + 1
    return statements


#: Between two semicolons that count: where the first meaningful token is, where the piece ends, whether it ends inside
#: the body of a routine, and its parameters.
_Piece = tuple[int | None, int, bool, list[str]]


def _pieces(sql: str) -> Iterator[_Piece]:
    names: list[str] = []
    first, routine = None, Routine()
    for token in tokenize(sql):
        if token.text == ";" and not routine.open:
            yield first, token.start, False, names
            first, routine, names = None, Routine(), []
        elif token.kind not in BLANK:
            first = token.start if first is None else first
            routine.see(token.word, token.text)
            if token.kind == "parameter":
                names.append(token.text[1:])
    yield first, len(sql), routine.open, names


def _plain_pieces(sql: str) -> Iterator[_Piece]:
    """The same of a text without routines, where every semicolon counts."""
    names: list[str] = []
    first, meaningful = None, _compiled(rf"[^{WHITE}]")
    for kind, before, start, end in _marks(sql):
        if first is None and (found := meaningful.search(sql, before, start)):
            first = found.start()
        if kind in ("semicolon", "end"):
            yield first, start, False, names
            first, names = None, []
        elif first is None and kind not in ("comment", "block"):
            first = start
        if kind == "parameter":
            names.append(sql[start + 1 : end])
