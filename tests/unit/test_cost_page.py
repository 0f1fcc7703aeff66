"""docs/cost.md says what the flows cost."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from elt_redshift.asl.compiler import compile_job
from elt_redshift.job.model import EltJob
from elt_redshift.job.parts import WAITS
from elt_redshift.planning.scenario import Scenario
from elt_redshift.planning.simulation import Simulation

PAGE = Path(__file__).resolve().parents[2] / "docs" / "cost.md"
SECONDS = {"2 s": 2, "12 s": 12, "45 s": 45, "10 min": 600, "1 h": 3600}


def _counted(**more: Any) -> list[int]:
    """The transitions of the demo's shape by the length of its statements."""
    job = EltJob(job_id="1", name="one", **more)
    limit = {"timeout": "14m"} if job.uses_functions else {}
    job.task("a", statement="select 1", **limit)
    job.task("b", statement="select 1", **limit)
    job.task("c", statement="select 1", upstream=["a", "b"], **limit)
    flow = compile_job(job).flow
    lengths = [seconds for seconds in SECONDS.values() if seconds <= 840 or not job.uses_functions]
    return [Simulation(flow, Scenario(dict.fromkeys("abc", seconds))).transitions for seconds in lengths]


@pytest.mark.parametrize("how", [*({"wait": wait} for wait in WAITS), {"runtime": "lambda"}], ids=str)
def test_the_page_tells_the_transitions_of_the_demos_shape(how: dict[str, str]) -> None:
    """Each number of ours in the first table is that of the compiled definition."""
    page = PAGE.read_text()
    ((name, value),) = how.items()
    assert f"| | {' | '.join(SECONDS)} |" in page
    row = re.search(rf"^\| `{name}: {value}` \| (.*) \|$", page, re.MULTILINE)
    assert row
    cells = [cell.replace(",", "") for cell in row[1].split(" | ")]
    assert [int(cell) for cell in cells if cell.isdigit()] == _counted(**how)


@pytest.mark.parametrize("tasks", [13, 100])
def test_the_page_tells_what_large_jobs_cost(tasks: int) -> None:
    """The rows of the smaller ones are what the benchmark prints; those of the larger ones take it longer."""
    benchmark = runpy.run_path(str(PAGE.parents[1] / "benchmarks" / "large_job.py"))
    page = PAGE.read_text().splitlines()
    assert [row for row in page if row.startswith(f"| {tasks} | ")] == [*benchmark["rows"](tasks)]
    assert [row for row in page if row.startswith(f"| {benchmark['SIZES'][-1]:,} | ")]
