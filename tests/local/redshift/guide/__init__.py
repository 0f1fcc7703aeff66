"""Statements with the results that Amazon Redshift's developer guide documents: the data, and reading it.

Each ``*.sql`` beside this file is a chapter of blocks, parted by empty lines::

    -- page: r_DATEADD_function
    -- feature: function dateadd
    -- was: wrong
    select dateadd(month, 1, '2024-01-31');
    -- 2024-02-29 00:00:00

``page`` (of https://docs.aws.amazon.com/redshift/latest/dg/) and ``feature`` hold until the next of their kind. The
lines behind the SQL are what comes of it: rows (``null`` for NULL; quoted, when blanks would not show), ``(no rows)``,
``columns: a | b``, ``types: int4 | date``, ``changed: 3``, or ``error: …``, a part of the message. A block without such
a line prepares the ones behind it. Before the SQL may stand ``was: wrong`` or ``was: refused``, what the statement came
to before its feature was built, ``differs: …``, in which way the result is not Redshift's, and ``object: key = text``,
something to put into S3 first (``\\n`` is the end of a line).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

GUIDE = "https://docs.aws.amazon.com/redshift/latest/dg/"
FOLDER = Path(__file__).parent
KINDS = ("function", "operator", "type", "clause", "statement", "option", "view")


@dataclass(frozen=True)
class Block:
    """A statement, and what must come of it.

    :param place: file and line, for messages.
    :param feature: kind and name, such as ``function dateadd``.
    :param expected: the lines behind the SQL; none: it must succeed.
    :param was: ``wrong``, ``refused`` or empty.
    :param differs: how the result is not Redshift's; empty: it is.
    :param stored: key and text of an object of the bucket ``guide``; empty: none.
    """

    place: str
    page: str
    feature: str
    sql: str
    expected: tuple[str, ...]
    was: str
    differs: str
    stored: tuple[str, ...] = ()

    @property
    def is_result(self) -> bool:
        """Whether this is a statement with Redshift's own result, and not a preparation."""
        return bool(self.expected) and not self.differs


def _directives(lines: list[str]) -> tuple[dict[str, str], list[str]]:
    found: dict[str, str] = {}
    while lines and (match := re.fullmatch(r"-- (page|feature|was|differs|object): (.*)", lines[0])):
        found[match[1]] = match[2]
        lines = lines[1:]
    return found, lines


def _parts(lines: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """The SQL, and the lines of comment behind it."""
    end = len(lines)
    while end and lines[end - 1].startswith("-- "):
        end -= 1
    return lines[:end], tuple(line[3:] for line in lines[end:])


def chapter(path: Path) -> Iterator[Block]:
    """The blocks of a chapter."""
    page = feature = ""
    number = 1
    for text in path.read_text(encoding="utf-8").split("\n\n"):
        lines = text.strip("\n").split("\n")
        directives, rest = _directives(lines)
        page, feature = directives.get("page", page), directives.get("feature", feature)
        sql, expected = _parts(rest)
        if sql and any(line.strip() for line in sql):
            place = f"{path.name}:{number}"
            was, differs = directives.get("was", ""), directives.get("differs", "")
            stored = tuple(directives["object"].replace("\\n", "\n").split(" = ", 1)) if "object" in directives else ()
            yield Block(place, page, feature, "\n".join(sql), expected, was, differs, stored)
        number += text.count("\n") + 2


def chapters() -> dict[str, list[Block]]:
    """All blocks by chapter."""
    return {path.stem: list(chapter(path)) for path in sorted(FOLDER.glob("*.sql"))}
