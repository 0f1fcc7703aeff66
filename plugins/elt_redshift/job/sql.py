"""Reading SQL without understanding it: tokens, statements and named parameters.

Redshift's lexical rules are PostgreSQL's (https://docs.aws.amazon.com/redshift/latest/dg/c_names.html), so a script can
be cut into statements and its ``:name`` parameters found from its tokens alone. Nothing here depends on which
statements Redshift knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["space", "comment", "string", "dollar", "name", "quoted", "parameter", "number", "operator"]

#: Kinds that carry no meaning for the database.
BLANK: frozenset[Kind] = frozenset({"space", "comment"})

_PATTERN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<comment>--[^\n]*)
  | (?P<block>/\*)
  | (?P<string>[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*')
  | (?P<dollar>\$(?P<tag>[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*)?\$.*?\$(?P=tag)\$ | \$\$.*?\$\$)
  | (?P<quoted>"(?:[^"]|"")*")
  | (?P<cast>::)
  | (?P<parameter>(?<![\w\]]):[A-Za-z_]\w*)
  | (?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
  | (?P<name>[#A-Za-z_\x80-\U0010ffff][\w$\x80-\U0010ffff]*)
  | (?P<operator>:=|.)
    """,
    re.VERBOSE | re.DOTALL,
)


class SqlSyntaxError(ValueError):
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
    """One statement of a script, without its ``;`` and outer white space, and the 1-based line it starts on."""

    text: str
    line: int


def _line(sql: str, offset: int) -> int:
    return sql.count("\n", 0, offset) + 1


def _block_comment_end(sql: str, start: int) -> int:
    depth = 0
    for mark in re.finditer(r"/\*|\*/", sql[start:]):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return start + mark.end()
    raise SqlSyntaxError("the comment /* is never closed.", _line(sql, start))


_OPENERS = {"'": "the quote '", '"': 'the quote "'}


def tokenize(sql: str) -> Iterator[Token]:
    """Yield the tokens of ``sql``; their texts joined give ``sql`` back.

    :raises SqlSyntaxError: a quote, a ``$tag$`` body or a comment is never closed.
    """
    position = 0
    while position < len(sql):
        match = _PATTERN.match(sql, position)
        assert match is not None and match.lastgroup is not None  # the last alternative matches any character
        group = match.lastgroup
        end = match.end()
        if group == "block":
            end = _block_comment_end(sql, position)
        elif group == "operator" and match[0] in _OPENERS:
            raise SqlSyntaxError(f"{_OPENERS[match[0]]} is never closed.", _line(sql, position))
        elif group == "operator" and (tag := re.match(r"\$[A-Za-z_]*\$", sql[position:])):
            raise SqlSyntaxError(f"the body {tag[0]} is never closed.", _line(sql, position))
        kind: Kind = {"block": "comment", "cast": "operator", "tag": "dollar"}.get(group, group)  # type: ignore[assignment]
        yield Token(kind, sql[position:end], position)
        position = end


def parameters(sql: str) -> list[str]:
    """The names of the ``:name`` parameters in ``sql``, each once, in order of first use.

    A colon inside a string, a comment, a dollar-quoted body or a ``::cast`` is no parameter.

    :raises SqlSyntaxError: see :func:`tokenize`.
    """
    return list(dict.fromkeys(token.text[1:] for token in tokenize(sql) if token.kind == "parameter"))


class _BlockDepth:
    """Counts the open blocks of a procedure body that is written in quotes-free form.

    ``BEGIN … END`` counts only inside ``CREATE … PROCEDURE|FUNCTION``: elsewhere BEGIN starts a transaction and END ends it.
    """

    def __init__(self) -> None:
        self.words: list[str] = []
        self.depth = 0

    def see(self, word: str) -> None:
        if len(self.words) < 8:
            self.words.append(word)
        if not self._in_routine():
            return
        if word in ("begin", "case", "loop") or (word == "if" and self.depth and self._previous != "end"):
            if self._previous != "end":
                self.depth += 1
        elif word == "end":
            self.depth -= 1
        self._previous = word

    _previous = ""

    def _in_routine(self) -> bool:
        head = self.words
        return head[:1] == ["create"] and bool({"procedure", "function"} & set(head[1:5]))


def split(sql: str) -> list[Statement]:
    """Cut a script into its statements at the ``;`` that end them.

    Semicolons in quotes, comments (nested ones too), ``$$`` and ``$tag$`` bodies and in the ``BEGIN … END`` block of a
    procedure do not end a statement. Pieces that hold only white space and comments are dropped; comments inside and before a
    statement stay with it.

    :raises SqlSyntaxError: a quote, body, comment or block is never closed.
    """
    statements: list[Statement] = []
    block = _BlockDepth()
    first: Token | None = None
    start = 0
    for token in tokenize(sql):
        if token.kind == "operator" and token.text == ";" and block.depth <= 0:
            if first is not None:
                statements.append(Statement(sql[start : token.start].strip(), _line(sql, first.start)))
            start, first, block = token.start + 1, None, _BlockDepth()
            continue
        if token.kind not in BLANK:
            first = first or token
            block.see(token.word)
    if first is not None:
        if block.depth > 0:
            raise SqlSyntaxError("the BEGIN block is never closed by END.", _line(sql, first.start))
        statements.append(Statement(sql[start:].strip(), _line(sql, first.start)))
    return statements
