"""docs/cost.md says what the flows cost."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from elt_redshift.asl.compiler import compile_job
from elt_redshift.job.model import EltJob
from elt_redshift.job.parts import WAITS, Wait
from elt_redshift.planning.simulation import Scenario, Simulation

PAGE = Path(__file__).resolve().parents[2] / "docs" / "cost.md"
SECONDS = {"2 s": 2, "12 s": 12, "45 s": 45, "10 min": 600, "1 h": 3600}


@pytest.mark.parametrize("wait", WAITS)
def test_the_page_tells_the_transitions_of_the_demos_shape(wait: Wait) -> None:
    """Each number of ours in the first table is that of the compiled definition."""
    job = EltJob(job_id="1", name="one", wait=wait)
    job.task("a", statement="select 1")
    job.task("b", statement="select 1")
    job.task("c", statement="select 1", upstream=["a", "b"])
    flow = compile_job(job).flow
    counted = [Simulation(flow, Scenario(dict.fromkeys("abc", seconds))).transitions for seconds in SECONDS.values()]
    page = PAGE.read_text()
    assert f"| | {' | '.join(SECONDS)} |" in page
    row = re.search(rf"^\| `wait: {wait}` \| (.*) \|$", page, re.MULTILINE)
    assert row
    assert [int(cell.replace(",", "")) for cell in row[1].split(" | ")] == counted
