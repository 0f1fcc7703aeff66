"""How long tasks took counts where nothing is expected of them: for whoever compiles the job, and without AWS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from elt_redshift.asl.compiler import compile_job
from elt_redshift.exceptions import JobError
from elt_redshift.job import durations
from elt_redshift.job.model import EltJob

TASKS = 20


def _folder(path: Path, options: str, seconds: float | None = None) -> Path:
    tasks = "".join(f"  t{n}: {{statement: select 1{options}}}\n" for n in range(TASKS))
    (path / "job.yaml").write_text(f'job_id: "1"\nname: j\ntasks:\n{tasks}')
    if seconds:
        durations.write(path, {**{f"t{n}": seconds for n in range(TASKS)}, "gone": 1.0}, "arn:of:the:run")
    return path


@pytest.mark.parametrize(
    ("options", "recorded", "follows"),
    [
        ("", None, False),
        ("", 21_600.0, True),
        (", timeout: 12h", None, True),
        (", timeout: 12h", 30.0, False),
        (", timeout: 12h, expected: 6h", 30.0, True),
        (", timeout: 1m", 21_600.0, False),
        ("", 0.001, False),
    ],
)
def test_auto_goes_by_what_was_recorded(tmp_path: Path, options: str, recorded: float | None, follows: bool) -> None:
    """Before it goes by timeouts, and after what the job itself expects; a task that is gone is passed over."""
    machine = compile_job(EltJob.load(_folder(tmp_path, options, recorded)))
    assert machine.follows == follows


def test_what_was_recorded_changes_nothing_else(tmp_path: Path) -> None:
    """As long as the layout stays: the definition is the same, and so are the tasks' fingerprints in it."""
    without = compile_job(EltJob.load(_folder(tmp_path, "")))
    assert compile_job(EltJob.load(_folder(tmp_path, "", 5.0))).definition() == without.definition()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "[" * 100_000,
        "1",
        *(json.dumps({"seconds": one}) for one in (None, [], {"t0": "1"}, {"t0": 0}, {"t0": True}, {"t0": 1e9})),
        '{"seconds": {"t0": NaN}}',
        '{"seconds": {"t0": Infinity}}',
        b"\xff",
    ],
)
def test_a_file_that_is_none_is_told(tmp_path: Path, content: Any) -> None:
    """With its place, and how to write it anew."""
    file = _folder(tmp_path, "") / durations.FILE
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(JobError, match="plan JOB --from-history --record") as refused:
        EltJob.load(tmp_path)
    (problem,) = refused.value.problems
    assert problem.place == str(file)
