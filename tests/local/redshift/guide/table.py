"""The table of docs/embedded-redshift.md: what works, what differs, what is not emulated, as the chapters have it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from . import GUIDE, KINDS, Block

START, END = "<!-- features: start -->", "<!-- features: end -->"
#: How features are named that PostgreSQL has and Redshift has not.
REFUSED = "PostgreSQL's own"
_PLURALS = {
    "function": "Functions",
    "operator": "Operators",
    "type": "Types",
    "clause": "Clauses and expressions",
    "statement": "Statements",
    "option": "Options of COPY and UNLOAD",
    "view": "System tables and views",
}


def _status(blocks: list[Block]) -> str:
    refusals = [block for block in blocks if any("not emulated" in line for line in block.expected)]
    differences = list(dict.fromkeys(block.differs for block in blocks if block.differs))
    if all(block.feature.partition(" ")[2].startswith(REFUSED) for block in blocks):
        return "refused, as by Redshift"
    if differences:
        return f"differs: {'; '.join(differences)}"
    if refusals:
        return "not emulated" if len(refusals) == len([b for b in blocks if b.expected]) else "works in part"
    return "works"


def _features(blocks: Iterable[Block]) -> dict[tuple[str, str], list[Block]]:
    found: dict[tuple[str, str], list[Block]] = {}
    for block in blocks:
        kind, _, name = block.feature.partition(" ")
        if block.expected:
            found.setdefault((kind, name), []).append(block)
    return found


def rows(blocks: Iterable[Block]) -> Iterator[str]:
    """The lines of the table, by kind and name."""
    features = _features(blocks)
    ordered = sorted(features, key=lambda key: (KINDS.index(key[0]), key[1]))
    for kind, keys in groupby(ordered, key=lambda key: key[0]):
        yield from ("", f"#### {_PLURALS[kind]}", "| name | statements tried | here |", "|---|---|---|")
        for key in keys:
            tried = features[key]
            yield f"| [{key[1]}]({GUIDE}{tried[0].page}.html) | {len(tried)} | {_status(tried)} |"


def section(blocks: Iterable[Block]) -> str:
    """What stands between the marks in the document."""
    return "\n".join([START, *rows(blocks), "", END])
