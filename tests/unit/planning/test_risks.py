"""What breaks a limit, told before it does."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from elt_redshift.asl import bounds
from elt_redshift.asl.compiler import compile_job
from elt_redshift.cli.main import main
from elt_redshift.exceptions import JobError
from elt_redshift.job.model import EltJob
from elt_redshift.planning.plan import plan_job
from elt_redshift.planning.risks import risks, warnings
from tests.unit.asl.jobs import job, task

HOURS = timedelta(hours=6)


def _job(tasks: int = 20, layout: Any = "auto", held_back: bool = False, **options: Any) -> EltJob:
    """:param held_back: failures are, so that no statement can be followed by an execution of its own."""
    made = (task(f"t{n}", *([f"t{n - 1}"] if n else []), **options) for n in range(tasks))
    return job(*made, layout=layout, on_task_failure="finish_independent" if held_back else "stop")


@pytest.mark.parametrize(
    ("options", "layout"),
    [
        ({}, "unrolled"),
        ({"expected": HOURS, "held_back": True}, "parts"),
        ({"expected": HOURS}, "unrolled"),
        ({"expected": HOURS, "wait": "event"}, "unrolled"),
        ({"timeout": 2 * HOURS, "held_back": True}, "parts"),
        ({"timeout": 2 * HOURS, "held_back": True, "expected": timedelta(seconds=30)}, "unrolled"),
    ],
)
def test_auto_goes_by_what_is_expected(options: dict[str, Any], layout: str) -> None:
    """What is expected counts before the timeout, so that neither a long timeout nor none at all decides alone."""
    planned = plan_job(compile_job(_job(**options)))
    assert (planned.layout, planned.risks) == (layout, ())


@pytest.mark.parametrize(
    ("options", "recorded", "seconds"),
    [
        ({"expected": timedelta(minutes=5), "timeout": HOURS}, 3600.0, 600.0),
        ({"expected": timedelta(minutes=5), "timeout": timedelta(minutes=6)}, None, 360.0),
        ({"timeout": HOURS}, 3600.0, 7200.0),
        ({"timeout": HOURS}, None, HOURS.total_seconds()),
        ({"expected": timedelta(hours=20)}, None, 86_400.0),
        ({}, None, 600.0),
    ],
)
def test_durations_are_expected_recorded_or_limited(
    options: dict[str, Any], recorded: float | None, seconds: float
) -> None:
    """In this order, the first two doubled and never past the timeout."""
    of = _job(1, **options)
    assert bounds.assumed_seconds(of, {"t0": recorded} if recorded else None) == {"t0": seconds}


def test_what_surely_breaks_is_refused_and_what_may_is_told() -> None:
    """Durations that are expected break it for sure; timeouts and the margin may."""
    sure, maybe = (_job(layout="unrolled", held_back=True, **one) for one in ({"expected": HOURS}, {"timeout": HOURS}))
    with pytest.raises(JobError, match="events when its tasks take as long as is expected"):
        warnings(compile_job(sure))
    (told,) = warnings(compile_job(maybe))
    assert "may have" in told
    assert bounds.ASSUMPTION in told
    assert [risk.sure for risk in risks(compile_job(maybe), dict.fromkeys(maybe.task_names, 21_600.0))] == [True]
    assert warnings(compile_job(_job(layout="unrolled"))) == []
    assert warnings(compile_job(_job(layout="unrolled", expected=HOURS))) == []  # followed, it adds little


def test_a_child_of_the_map_layout_is_judged_by_itself() -> None:
    """Its history is that of one task."""
    assert risks(compile_job(_job(40, layout="map", expected=HOURS))) == []


def test_check_warns_deploy_refuses_and_plan_tells(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same words and numbers in all three."""
    tasks = "".join(f"  t{n}: {{statement: select 1, expected: 10h}}\n" for n in range(12))
    (tmp_path / "job.yaml").write_text(
        f'job_id: "1"\nname: j\nlayout: unrolled\non_task_failure: finish_independent\ntasks:\n{tasks}'
    )
    (problem,) = (str(risk.problem) for risk in risks(compile_job(EltJob.load(tmp_path))))
    assert main(["check", str(tmp_path)]) == 0
    assert f"Warning: {problem} It will not be deployed." in capsys.readouterr().err
    assert main(["plan", str(tmp_path)]) == 0
    assert f"Not deployable: {problem}" in capsys.readouterr().out
    client = MagicMock()
    client.meta.partition = "aws"
    client.validate_state_machine_definition.return_value = {"diagnostics": []}
    monkeypatch.setattr("boto3.client", lambda *_, **__: client)
    assert main(["deploy", str(tmp_path), "--stack", "S"]) == 1
    assert problem in capsys.readouterr().err
    client.create_change_set.assert_not_called()
