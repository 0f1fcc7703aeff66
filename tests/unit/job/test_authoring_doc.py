"""docs/authoring.md is true: its files are written, its Python runs, its refusal is the one that users get."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from elt_redshift import EltJob
from elt_redshift.exceptions import JobError
from elt_redshift.job import keys, statements
from elt_redshift.protocol import limits

_DOC = (Path(__file__).parents[3] / "docs" / "authoring.md").read_text()
_TABLES = (keys.JOB, keys.SCHEDULE, keys.NOTIFY, keys.LOCK, keys.PARAMETER, keys.TASK, keys.RETRIES)
_BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", _DOC, re.MULTILINE | re.DOTALL)


@pytest.fixture
def blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str]]]:
    """All blocks of the guide, in a folder that holds those whose first line names a file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ELT_REDSHIFT_JOBS", raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for _, text in _BLOCKS:
        if named := re.match(r"(?:#|--) ([\w./]+\.(?:yaml|sql|py))\n", text):
            file = tmp_path / named[1]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    yield _BLOCKS
    sys.modules.pop("jobs", None)  # the guide's module


def test_the_python_of_the_guide_runs(blocks: list[tuple[str, str]]) -> None:
    """Every Python block runs, one after the other, and its assertions hold."""
    namespace: dict[str, Any] = {"__name__": "guide"}
    programs = [text for language, text in blocks if language == "python"]
    for program in programs:
        exec(compile(program, "docs/authoring.md", "exec"), namespace)
    assert len(programs) == 4


def test_the_refusal_in_the_guide_is_what_users_get(blocks: list[tuple[str, str]]) -> None:
    """The lines shown are the lines told."""
    (shown,) = (text for language, text in blocks if language == "text")
    with pytest.raises(JobError) as raised:
        EltJob.load("daily_sales")
    assert str(raised.value) == shown.rstrip("\n")


@pytest.mark.parametrize("table", _TABLES, ids=["job", "schedule", "notify", "lock", "parameter", "task", "retries"])
def test_the_guides_tables_are_the_table_of_keys(table: dict[str, keys.Key]) -> None:
    """Each key stands in the guide with the words that editors show and the limits that are checked."""
    assert "\n".join(["| key | value | default |", "|---|---|---|", *keys.rows(table), ""]) in _DOC


def test_the_guide_names_every_choice() -> None:
    """Each of the few values of a key is told, and each name that no task can have."""
    choices = {choice for table in _TABLES for key in table.values() for choice in key.choices}
    assert not [
        word for word in sorted({*choices, *keys.RESERVED_TASK_NAMES, *keys.TEMPLATE_WORDS}) if f"`{word}`" not in _DOC
    ]


def test_the_guide_states_the_limits_that_are_checked() -> None:
    """Numbers in the tables are those of the code."""
    assert f"up to {limits.MAX_BATCH} statements of up to {limits.MAX_STATEMENT_BYTES:,} bytes" in _DOC
    assert f"at most {keys.MAX_TASK_NAME}" in _DOC
    assert f"0 to {keys.MAX_RETRIES}" in _DOC
    assert f"at most `{limits.LONGEST_STATEMENT.total_seconds() / 3600:.0f}h`" in _DOC
    assert statements.ROLE_PLACEHOLDER in _DOC
