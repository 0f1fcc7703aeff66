"""docs/failures.md: every failure has a test that shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "failures.md"
#: The tests that a row names, and then the file that they are in; the same file as before is not linked again.
CITED = re.compile(r"(`test_\w+`(?:, `test_\w+`)*)(?: in \[\w+\]\(([^)]+)\)|, same file)")
HEAD = "| what happened | what one sees | what to do | test |"


def rows() -> Iterator[tuple[str, list[tuple[Path, str]]]]:
    """What happened, and the tests that are cited for it."""
    file = None
    for line in PAGE.read_text().splitlines():
        if not line.startswith("| ") or line == HEAD:
            continue
        what, _, _, cell = line.strip("| ").split(" | ")
        tests: list[tuple[Path, str]] = []
        for names, link in CITED.findall(cell):
            file = (PAGE.parent / link).resolve() if link else file
            assert file is not None, f"{what}: the same file as which?"
            tests += [(file, name) for name in re.findall(r"test_\w+", names)]
        yield what, tests


@pytest.mark.parametrize(("what", "tests"), [*rows()], ids=lambda one: one if isinstance(one, str) else "")
def test_a_failure_is_shown_by_a_test(what: str, tests: list[tuple[Path, str]]) -> None:
    """The row names it, and it is there."""
    assert tests
    for file, name in tests:
        assert re.search(rf"^def {name}\(", file.read_text(), re.MULTILINE), f"{file.name} has no {name}"


def test_every_table_says_what_to_do() -> None:
    """All tables of the page have the same columns, each of its sections has one, and no failure is told twice."""
    text, told = PAGE.read_text(), [what for what, _ in rows()]
    assert len(told) == len(set(told))
    assert text.count(HEAD) == text.count("\n## ")
