"""Walking over SQL tokens: the neighbours that mean something, brackets, arguments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from elt_redshift.job.sql import BLANK, Token, tokenize


def lex(sql: str) -> list[Token]:
    """The tokens of ``sql`` as a list, with names in lower case even in quotes, as Redshift has them.

    A comment becomes the lines or the blank that it took, so that something can be put behind what stands before it.
    https://docs.aws.amazon.com/redshift/latest/dg/r_names.html
    """
    return _hashed([_plain(token) for token in tokenize(sql)])


def _hashed(tokens: list[Token]) -> list[Token]:
    """``tokens`` with each name that has a ``#`` inside, ``comments#1``, as one; between blanks it is an operator."""
    result: list[Token] = []
    index = 0
    while index < len(tokens):
        name, index = tokens[index], index + 1
        while name.kind in ("name", "quoted") and (piece := _hash_and_more(tokens[index : index + 2])):
            name = replace(name, kind="quoted", text=quoted_name(name.text.strip('"').lower() + piece.lower()))
            index += 1 if tokens[index].kind == "name" else 2
        result.append(name)
    return result


def _hash_and_more(tokens: Sequence[Token]) -> str:
    """``#1`` or ``#b`` right behind a name; empty: something else is there."""
    if len(tokens) == 2 and tokens[0].text == "#" and tokens[1].kind in ("name", "number"):
        return f"#{tokens[1].text}"
    return tokens[0].text if tokens and tokens[0].kind == "name" and tokens[0].text.startswith("#") else ""


def _plain(token: Token) -> Token:
    if token.kind == "quoted":
        return replace(token, text=token.text.lower())
    if token.kind == "comment":
        return replace(token, kind="space", text="\n" * token.text.count("\n") or " ")
    return token


#: A blank between two tokens.
SPACE = Token("space", " ", 0)


def text(tokens: Iterable[Token]) -> str:
    """The SQL that ``tokens`` spell."""
    return "".join(token.text for token in tokens)


def raw(sql: str) -> Token:
    """A stretch of finished SQL that no later pass looks into."""
    return Token("operator", sql, 0)


def is_blank(token: Token) -> bool:
    """Whether ``token`` is white space or a comment."""
    return token.kind in BLANK


def following(tokens: Sequence[Token], index: int) -> int:
    """The index of the next token after ``index`` that is not blank; ``len(tokens)`` at the end."""
    index += 1
    while index < len(tokens) and is_blank(tokens[index]):
        index += 1
    return index


def word(tokens: Sequence[Token], index: int) -> str:
    """The keyword at ``index`` in lower case; empty past the end."""
    return tokens[index].word if 0 <= index < len(tokens) else ""


def symbol(tokens: Sequence[Token], index: int) -> str:
    """The operator at ``index``; empty when there is none."""
    if 0 <= index < len(tokens) and tokens[index].kind == "operator":
        return tokens[index].text
    return ""


def words(tokens: Sequence[Token], limit: int = 8) -> list[str]:
    """The first ``limit`` tokens that are not blank, names in lower case and the rest as written."""
    found: list[str] = []
    for token in tokens:
        if not is_blank(token):
            found.append(token.word or token.text)
            if len(found) == limit:
                break
    return found


def match(tokens: Sequence[Token], index: int, *expected: str) -> int | None:
    """The index after the words ``expected`` that start at ``index``, or ``None`` when they do not stand there."""
    for keyword in expected:
        if word(tokens, index) != keyword:
            return None
        index = following(tokens, index)
    return index


def closing(tokens: Sequence[Token], index: int) -> int:
    """The index of the bracket that closes the ``(`` at ``index``; the last index when none does."""
    depth = 0
    for position in range(index, len(tokens)):
        depth += {"(": 1, ")": -1}.get(symbol(tokens, position), 0)
        if depth == 0:
            return position
    return len(tokens) - 1


def divide(tokens: Sequence[Token], separator: str = ",") -> list[list[Token]]:
    """Cut ``tokens`` at the separators outside of all brackets."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        mark = token.text if token.kind == "operator" else ""
        depth += {"(": 1, ")": -1}.get(mark, 0)
        if mark == separator and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def arguments(tokens: Sequence[Token], index: int) -> tuple[list[list[Token]], int]:
    """The comma-separated pieces in the brackets that open at ``index``, and the index of the closing bracket."""
    end = closing(tokens, index)
    inside = tokens[index + 1 : end]
    return ([] if all(is_blank(token) for token in inside) else divide(inside)), end


def name_end(tokens: Sequence[Token], index: int) -> int:
    """The index after the (possibly dotted) name that starts at ``index``."""
    end = following(tokens, index)
    while symbol(tokens, end) == ".":
        end = following(tokens, following(tokens, end))
    return end


def strip(tokens: Sequence[Token]) -> list[Token]:
    """``tokens`` without the blanks at both ends."""
    start, end = 0, len(tokens)
    while start < end and is_blank(tokens[start]):
        start += 1
    while end > start and is_blank(tokens[end - 1]):
        end -= 1
    return list(tokens[start:end])


def last_word(tokens: Sequence[Token]) -> Token | None:
    """The last token that is not blank."""
    return next((token for token in reversed(tokens) if not is_blank(token)), None)


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


def string_value(token: Token) -> str:
    """What a string literal, plain or dollar-quoted, stands for."""
    if token.kind == "dollar":
        tag = token.text[: token.text.index("$", 1) + 1]
        return token.text[len(tag) : -len(tag)]
    written = token.text[token.text.index("'") + 1 : -1]
    return re.sub(
        r"\\(.)|''", lambda part: _ESCAPES.get(part[1], part[1]) if part[1] else "'", written, flags=re.DOTALL
    )


def quote(value: str) -> str:
    """``value`` as a string literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def spaced(tokens: Sequence[Token]) -> list[Token]:
    """``tokens`` with a blank put between names that a deletion has left side by side."""
    result: list[Token] = list(tokens[:1])
    for before, after in pairwise(tokens):
        if before.kind in ("name", "number", "quoted") and after.kind in ("name", "number", "quoted", "string"):
            result.append(Token("space", " ", 0))
        result.append(after)
    return result


def quoted_name(name: str) -> str:
    """``name`` as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def with_namespaces(tokens: Sequence[Token]) -> list[Token]:
    """``tokens`` with the names of an identity provider's users and roles, ``namespace:name``, as one name each."""
    result: list[Token] = []
    index = 0
    while index < len(tokens):
        part = tokens[index : index + 3]
        if [token.kind for token in part] == ["name", "operator", "name"] and part[1].text == ":":
            result.append(replace(part[0], kind="quoted", text=quoted_name(f"{part[0].word}:{part[2].word}")))
            index += 3
        else:
            result.append(tokens[index])
            index += 1
    return result
