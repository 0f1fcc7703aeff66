"""DAG files that schedule a job are found by what they say, without being run."""

from __future__ import annotations

from pathlib import Path

import pytest

from elt_redshift.cli.main import main
from elt_redshift.planning.dag_files import scheduling


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ('dag = elt_dag(EltJob.load("sales"), schedule="@daily")', [1]),
        ('import elt_redshift as e\nd = e.elt_dag(job=e.EltJob.load("sql/sales/job.yaml"), schedule="@daily")', [2]),
        ('JOB = EltJob.load(Path(__file__).parent / "sql" / "sales")\nd = elt_dag(JOB, schedule=ASSETS)', [2]),
        ('with DAG("mine", schedule="@daily"):\n    elt_task_group(EltJob.load("sales"))', [1]),
        ('@dag(schedule="@daily")\ndef d():\n    elt_task_group(EltJob.load("sales"))', [1]),
        ('dag = elt_dag(EltJob.load("sales"))', []),
        ('dag = elt_dag(EltJob.load("sales"), schedule=None)', []),
        ('dag = elt_dag(EltJob.load("stocks"), schedule="@daily")', []),
        ('a = elt_dag(EltJob.load("stocks"), schedule="@daily")\nb = elt_dag(EltJob.load("sales"))', []),
        ('with DAG("mine", schedule="@daily"):\n    elt_task_group(EltJob.load("stocks"))', []),
        ('with DAG("a", schedule="@daily"):\n    pass\nwith DAG("b"):\n    elt_task_group(EltJob.load("sales"))', []),
        ("elt_dag(job_of_mine(), schedule='@daily')\nelt_dag(schedule=1)\n(lambda: 0)()", []),
        ("this is no Python", []),
    ],
)
def test_a_schedule_is_found_where_it_is_written(tmp_path: Path, text: str, lines: list[int]) -> None:
    """The job may be loaded by its name or its folder, in place or above; other jobs' schedules are their own."""
    file = tmp_path / "team" / "dag.py"
    file.parent.mkdir()
    file.write_text(text)
    assert list(scheduling(tmp_path, {"sales"})) == [f"{file}:{line}" for line in lines]


def test_check_warns_of_a_second_schedule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It names the line of the DAG file; without a schedule in the job, or one that is off, it has nothing to say."""
    monkeypatch.chdir(tmp_path)
    for folder in ("dags", "sql/sales"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "dags" / "sales.py").write_text('dag = elt_dag(EltJob.load("sales"), schedule="@daily")')
    job = "job_id: '1'\nname: sales_of_a_day\ntasks:\n  a: {statement: select 1}\n"
    said = {}
    for schedule in ("", "schedule: rate(1 day)", "schedule: {rate: 1 day, enabled: false}"):
        (tmp_path / "sql" / "sales" / "job.yaml").write_text(job + schedule)
        assert main(["check", "sales"]) == 0
        said[schedule] = capsys.readouterr().err
    told = said.pop("schedule: rate(1 day)")
    assert told.startswith("Warning: dags/sales.py:1: This DAG starts job sales_of_a_day by a schedule, and so does")
    assert "EventBridge Scheduler: rate(1 day). Keep one of the two" in told
    assert set(said.values()) == {""}
