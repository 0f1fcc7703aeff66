"""Jobs as DAGs folders hold them."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import pytest

from elt_redshift import EltJob
from elt_redshift.exceptions import EltError, JobError
from elt_redshift.job import packaged
from tests.unit.asl.jobs import JOBS


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file of a packaged job."""
    made = tmp_path / "sales.jsonl"
    made.write_bytes(packaged.render(JOBS["parameters"].spec))
    return made


def _with_other_sql() -> list[bytes]:
    """The lines of the same job's next version."""
    spec = JOBS["parameters"].spec
    task = replace(spec.tasks[0], statements=(replace(spec.tasks[0].statements[0], text="select :year, :region"),))
    return packaged.render(replace(spec, tasks=(task, *spec.tasks[1:]))).splitlines(keepends=True)


@pytest.mark.parametrize("name", JOBS)
def test_a_packaged_job_is_the_job(name: str, tmp_path: Path) -> None:
    """Whatever a job has is there again, and packaging it again gives the same bytes."""
    data = packaged.render(JOBS[name].spec)
    (tmp_path / "job.jsonl").write_bytes(data)
    read = packaged.read(tmp_path / "job.jsonl")
    assert read == JOBS[name].spec
    assert packaged.render(read) == data


def test_sql_is_read_when_it_is_needed(file: Path) -> None:
    """A job is read without its SQL, which is another line; whoever needs a text gets it, copies of it too."""
    whole = file.read_bytes()
    job = whole.splitlines(keepends=True)[0]
    assert b"delete from t" not in job
    file.write_bytes(job)
    (statement,) = packaged.read(file).tasks[0].statements
    assert (statement.place, statement.parameters) == ("a.sql:1", ("year", "region"))
    file.unlink()
    with pytest.raises(EltError, match=r"sales\.jsonl: The SQL of task a cannot be read: .* Make it anew with"):
        _ = statement.text
    file.write_bytes(whole)
    assert copy.deepcopy(statement).text == statement.text == "delete from t where y = :year and r = :region"


@pytest.mark.parametrize("lines", [(0, 1), (0,), (1,)])
def test_sql_of_another_version_is_never_taken(file: Path, lines: tuple[int, ...]) -> None:
    """Jobs are synced while Airflow reads them: one whose file is replaced, or half written, between its two lines says
    so, and does not run the next version's SQL in the old one's order."""
    found = file.read_bytes().splitlines(keepends=True)
    (statement,) = packaged.read(file).tasks[0].statements
    written = _with_other_sql()
    file.write_bytes(b"".join([found[0], written[1]] if lines == (1,) else [written[line] for line in lines]))
    with pytest.raises(
        EltError, match=r"sales\.jsonl: The job was replaced, .* since it was read\. Run the task again"
    ):
        _ = statement.text


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"sql": 1}', '{"job": 1}'])
def test_a_damaged_file_is_named(file: Path, text: str) -> None:
    """What is no packaged job is refused with the file's name and a remedy."""
    file.write_text(text)
    with pytest.raises(JobError, match=r"sales\.jsonl: The packaged job cannot be read: .* Make it anew with"):
        packaged.read(file)


def test_jobs_are_made_of_sql(file: Path) -> None:
    """Only the text of a packaged statement is looked for elsewhere."""
    (statement,) = packaged.read(file).tasks[0].statements
    with pytest.raises(AttributeError, match="parts"):
        _ = statement.parts  # type: ignore[attr-defined]
    assert EltJob.from_dict(JOBS["parameters"].to_dict()).tasks[0].statements == (statement,)


@pytest.mark.parametrize("syntax", ["glob", "regexp"])
def test_airflow_looks_for_no_dags_among_the_jobs(tmp_path: Path, syntax: str) -> None:
    """Whichever kind of patterns an Airflow takes, it does not even see the jobs' files; it sees all others."""
    discovery = pytest.importorskip("airflow._shared.module_loading.file_discovery")
    files = {packaged.path("sales"): b"{}", f"{packaged.FOLDER}/{packaged.IGNORE}": packaged.IGNORED, "2/dag.py": b""}
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    found = discovery.find_path_from_directory(tmp_path, ".airflowignore", syntax)
    assert list(found) == [str(tmp_path / "2" / "dag.py")]
