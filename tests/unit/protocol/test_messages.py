"""The messages that more than one program tells."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from elt_redshift.protocol import messages

_HELD = {"task": "a", "since": "noon", "message": "ERROR: no", "owner": "run-1", "redrive": "", "unlock": "unlock"}
SENTENCES = {
    "fenced": messages.FENCED,
    "cancelled": messages.CANCELLED,
    "another part": messages.ANOTHER_PART,
    "held": messages.held_by_failure("101", **_HELD),
    "forgotten": messages.forgotten("101/run/a/1", "a", "sales"),
    "running": messages.running("101", state="Running", owner="run-1"),
    "unowned": messages.unowned("101", "unlock"),
    "unclear": messages.unclear("101", problem="its audit item is none", unlock="unlock"),
    "left": messages.left_untold("101", "run-1", "no"),
    "parts": messages.parts_untold("101", "run-1", "no"),
    "part": messages.part_ended("part 1", messages.PART_LATE),
}


@pytest.mark.parametrize("said", SENTENCES.values(), ids=SENTENCES)
def test_what_is_told_as_it_is_is_a_sentence(said: Iterable[str]) -> None:
    """It ends with one full stop, whatever stands behind it; whoever wants a clause takes that away."""
    text = "".join(said)
    assert text.endswith(".")
    assert not text.endswith("..")
