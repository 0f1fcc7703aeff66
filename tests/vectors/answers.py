"""What was recorded of AWS by ``elt-redshift verify --record``: calls and answers, each file one account's.

``embedded.json`` was recorded from the embedded AWS, and shows the form only: it says nothing about AWS. A file that
was recorded in an account goes beside it (``hosts`` tells where), and from then on what answers otherwise here fails.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

#: Recorded files; the format is that of :mod:`elt_redshift.aws.verification.recording`.
FILES = sorted(Path(__file__).parent.glob("*.json"))


def unlike(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """How the answers of a recording differ in form from those that were recorded here: an error that no call has met,
    a member that none of the answers has, or one of another type. Values differ, of course."""
    ours = _forms(here)
    return sorted(one for one in _forms(there) - ours if not any(_empty(one, other) for other in ours))


def _empty(one: str, other: str) -> bool:
    """Nothing but a list without members was seen, where others have some."""
    return one.endswith("[]: none") and other.startswith(one.removesuffix(": none"))


def _forms(recording: Mapping[str, Any]) -> set[str]:
    """A line for each error, and for each member of an answer."""
    return {line for call in recording["calls"] for line in _of_call(call)}


def _of_call(call: Mapping[str, Any]) -> Iterator[str]:
    if "error" in call:
        yield f"{call['call']} fails with {call['error']}"
    else:
        yield from (f"{call['call']} answers with {line}" for line in _of_value("", call["answer"]))


def _of_value(place: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _of_value(f"{place}.{name}", one)
    elif isinstance(value, list):
        if not value:
            yield f"{place}[]: none"
        for one in value:
            yield from _of_value(f"{place}[]", one)
    else:
        yield f"{place}: {type(value).__name__}"
