"""What Airflow's pages tell of a job."""

from __future__ import annotations

import pytest

from elt_redshift import notes
from elt_redshift.graph.groups import Groups
from elt_redshift.graph.of_job import groups_of
from elt_redshift.job.model import EltJob, SqlStatement, SqlTask
from elt_redshift.job.packaged import StoredText


def _job(tasks: int = 1, sql: str = "select 1") -> EltJob:
    job = EltJob(job_id="7", name="sales")
    for number in range(tasks):
        job.task(f"task_{number}", statement=sql)
    return job


def test_long_sql_is_cut_with_a_word_on_the_rest() -> None:
    """A task's notes hold so much SQL, and say where the whole is."""
    (note,) = notes.of_tasks(_job(sql=f"select '{'x' * 10_000}'")).values()
    assert len(note) < notes.LONGEST + 200
    assert "x\n-- … 6,009 more characters; the whole stands in tasks.task_0.statement\n```" in note


def test_many_statements_share_the_room_of_their_task(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What no room is left for is counted."""
    folder = tmp_path_factory.mktemp("job")
    (folder / "a.sql").write_text("".join(f"select {'x' * 2_500};\n" for _ in range(5)))
    job = EltJob(job_id="7", name="sales", base=folder)
    job.task("a", sql="a.sql")
    note = notes.of_tasks(job)["a"]
    assert note.count("```sql") == 2
    assert "the whole stands in a.sql:2" in note
    assert note.endswith("… and 3 more, from `a.sql:3` on.")


def test_the_notes_of_a_large_job_stay_small() -> None:
    """However many tasks there are, each tells how its SQL begins, and all together stay near the bound."""
    found = notes.of_tasks(_job(tasks=1000, sql="select " + "x" * 5000))
    assert sum(map(len, found.values())) < notes.TOGETHER + 1000 * 150
    assert all("x" * (notes.SHORTEST - 10) in note for note in found.values())


def test_sql_cannot_leave_its_fence() -> None:
    """Backticks in SQL end no block of Markdown."""
    (note,) = notes.of_tasks(_job(sql="select '```' -- ````")).values()
    assert "`````sql\nselect '```' -- ````\n`````" in note


def test_a_graph_that_nobody_could_read_is_not_drawn() -> None:
    """Airflow's own graph shows large jobs."""
    assert "flowchart" in notes.of_job(_job(tasks=notes.MAX_DRAWN))
    assert "flowchart" not in notes.of_job(_job(tasks=notes.MAX_DRAWN + 1))


def test_mermaids_own_words_can_name_tasks() -> None:
    """A task named end is drawn as others are."""
    job = EltJob(job_id="7", name="sales")
    job.task("end", statement="select 1")
    job.task("b", statement="select 1", upstream=["end"])
    assert 'end_["end"]\n    end_["end"] --> b\n' in notes.of_job(job)


def test_sql_that_is_away_breaks_no_dag_file() -> None:
    """The note of a packaged job's task tells what is missing and the remedy."""
    kept = SqlStatement.kept(stored=StoredText("/nowhere/job.jsonl", "a", 0, ""))
    job = EltJob(job_id="7", name="sales", tasks=[SqlTask(name="a", statements=(kept,))])
    assert notes.of_tasks(job)["a"].startswith("/nowhere/job.jsonl: The SQL of task a cannot be read")


def test_a_dag_of_groups_is_drawn_and_told_by_groups() -> None:
    """The drawing has the groups; each group lists its tasks with their files, as far as there is room."""
    job = EltJob(job_id="7", name="sales")
    for number in range(3000):
        job.task(f"task_{number}", statement="select 1", group="marts.core" if number else "stage")
    job.task("last", statement="select 1", group="stage", upstream=["task_0"])
    groups = groups_of(job)
    assert '    marts_core_["marts.core"]' in notes.of_job(job, groups)
    assert "3001 tasks. Shown by groups (2)" in notes.of_job(job, groups)
    told = notes.of_groups(job, Groups({**groups.tasks, **{f"g{n}": () for n in range(2000)}}, {}))
    assert told["stage"] == "2 tasks:\n\n- task_0\n- last"
    assert told["marts.core"].endswith("- task_24\n\n… and 2975 more.")
