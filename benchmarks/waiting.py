"""What each `wait` costs: billed transitions and history events of one task, by how long its statement runs.

    python benchmarks/waiting.py

The compiled definitions are simulated; what taking and releasing the lock costs is left out.
"""

from __future__ import annotations

import sys

from elt_redshift.asl.compiler import compile_job
from elt_redshift.job.model import EltJob
from elt_redshift.job.parts import WAITS, Wait
from elt_redshift.planning.counting import EXECUTION_EVENTS
from elt_redshift.planning.scenario import Scenario
from elt_redshift.planning.simulation import Simulation

LENGTHS = {"1 s": 1, "45 s": 45, "4 min": 240, "10 min": 600, "1 h": 3600, "2 h": 7200, "8 h": 28800}

#: Two states of five events each.
LOCK_TRANSITIONS, LOCK_EVENTS = 2, 10


def cost(wait: Wait, seconds: float) -> tuple[int, int]:
    """Transitions and events of a task whose statement runs for so long."""
    job = EltJob(job_id="1", name="one", wait=wait)
    job.task("a", statement="select 1")
    run = Simulation(compile_job(job).flow, Scenario({"a": seconds}))
    return run.transitions - LOCK_TRANSITIONS, run.events - LOCK_EVENTS - EXECUTION_EVENTS


def main() -> None:
    write = sys.stdout.write
    write(f"{'transitions (events)':22}" + "".join(f"{wait:>16}" for wait in WAITS) + "\n")
    for text, seconds in LENGTHS.items():
        cells = ("{} ({})".format(*cost(wait, seconds)) for wait in WAITS)
        write(f"{text:22}" + "".join(f"{cell:>16}" for cell in cells) + "\n")


if __name__ == "__main__":
    main()
