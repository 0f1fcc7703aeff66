"""A schedule that starts runs faster than they end is told, with what becomes of them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from elt_redshift.asl.compiler import compile_job
from elt_redshift.cli.main import main
from elt_redshift.job.model import EltJob, LockPolicy, Schedule
from elt_redshift.planning.plan import plan_job
from elt_redshift.planning.risks import risks
from tests.unit.asl.jobs import job, task


def _job(schedule: Schedule | None, lock: LockPolicy | None = None) -> EltJob:
    """Two tasks, one behind the other, of ten minutes each, and one of which nothing is known."""
    each: dict[str, Any] = {"expected": timedelta(minutes=10)}
    return job(task("a", **each), task("b", "a", **each), task("c"), schedule=schedule, lock=lock)


def _told(of: EltJob) -> list[str]:
    found = risks(compile_job(of))
    assert not [risk for risk in found if risk.sure]
    return [str(risk.problem) for risk in found]


@pytest.mark.parametrize(
    ("when_locked", "fate"),
    [
        ("skip", "those that meet a running one are skipped (`when_locked: skip`)"),
        ("fail", "those that meet a running one fail (`when_locked: fail`)"),
        ("wait", "they queue, and the queue grows without end (`when_locked: wait`)"),
    ],
)
def test_runs_that_overlap_are_told(when_locked: Any, fate: str) -> None:
    """What is expected of the longest way is compared with the shortest time between two starts."""
    lock = LockPolicy(when_locked=when_locked, when_held="fail")
    assert _told(_job(Schedule(rate="15 minutes"), lock)) == [
        "job sample: schedule: A run is expected to take 20m, and rate(15 minutes) starts one after 15m: "
        f"{fate}. Start it less often, if that is not meant."
    ]


@pytest.mark.parametrize(
    "schedule",
    [None, Schedule(rate="20 minutes"), Schedule(rate="15 minutes", enabled=False), Schedule(cron="0 5 * * ? *")],
)
def test_others_are_not(schedule: Schedule | None) -> None:
    """A run that ends before the next one starts, and a schedule that is off, are as they should be."""
    assert _told(_job(schedule)) == []


def test_runs_that_would_pile_up_behind_a_failure_are_told() -> None:
    """Where runs wait for a job that a failure holds, each start of the schedule adds one."""
    held = LockPolicy(when_locked="skip", when_held="wait")
    (told,) = _told(_job(Schedule(rate="1 hour"), held))
    assert told.startswith("job sample: schedule: After a failure, the runs that rate(1 hour) starts wait until")
    assert _told(_job(Schedule(rate="1 hour"), LockPolicy(when_held="wait", after_failure="release"))) == []


def test_plan_tells_what_a_schedule_costs() -> None:
    """So many runs in 30 days, each as a typical one; nothing where it is off."""
    planned = plan_job(compile_job(_job(Schedule(cron="0 5 * * ? *", timezone="Europe/Berlin"))))
    assert planned.schedule == ("cron(0 5 * * ? *) Europe/Berlin", 30.0)
    assert planned.scheduled_cost == pytest.approx(30 * planned.estimates.typical.cost)
    told = planned.to_dict()["schedule"]
    assert (told["when"], told["starts"]) == planned.schedule
    assert plan_job(compile_job(_job(Schedule(rate="1 day", enabled=False)))).to_dict()["schedule"] is None


def test_check_tells_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`elt-redshift check` warns, and takes the job."""
    text = "job_id: '1'\nname: j\ntasks:\n  a: {statement: select 1, expected: 2h}\nschedule: rate(1 hour)\n"
    (tmp_path / "job.yaml").write_text(text)
    assert main(["check", str(tmp_path)]) == 0
    assert "Warning: job j: schedule: A run is expected to take 2h, and" in capsys.readouterr().err
