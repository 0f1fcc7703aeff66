"""Jobs as plugins.zip carries them."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from elt_redshift import EltJob
from elt_redshift.exceptions import EltError, JobError
from elt_redshift.job import packaged
from tests.unit.asl.jobs import JOBS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a packaged job."""
    for name, data in packaged.render(JOBS["parameters"].spec).items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


@pytest.mark.parametrize("name", JOBS)
def test_a_packaged_job_is_the_job(name: str, tmp_path: Path) -> None:
    """Whatever a job has is there again, and packaging it again gives the same bytes."""
    files = packaged.render(JOBS[name].spec)
    for file, data in files.items():
        (tmp_path / file).write_bytes(data)
    read = packaged.read(tmp_path / packaged.FILE)
    assert read == JOBS[name].spec
    assert packaged.render(read) == files


def test_sql_is_read_when_it_is_needed(folder: Path) -> None:
    """A job is read without its SQL, which is another file; whoever needs a text gets it, copies of it too."""
    assert b"delete from t" not in (folder / packaged.FILE).read_bytes()
    sql = (folder / packaged.SQL_FILE).rename(folder / "away")
    (statement,) = packaged.read(folder / packaged.FILE).tasks[0].statements
    assert (statement.place, statement.parameters) == ("a.sql:1", ("year", "region"))
    with pytest.raises(EltError, match=r"sql\.json: The SQL of task a cannot be read: .* Make it anew with"):
        _ = statement.text
    sql.rename(folder / packaged.SQL_FILE)
    assert copy.deepcopy(statement).text == statement.text == "delete from t where y = :year and r = :region"


def test_a_job_of_another_version_is_refused(folder: Path) -> None:
    """A package that pip installed wins over the one in plugins.zip: it must not guess at the other's files."""
    file = folder / packaged.FILE
    file.write_text(json.dumps({**json.loads(file.read_text()), "version": "0.0.1"}))
    with pytest.raises(JobError, match=r"job\.json: The job was packaged by elt_redshift 0\.0\.1; this is "):
        packaged.read(file)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1}', '{"job": 1}'])
def test_a_damaged_file_is_named(folder: Path, text: str) -> None:
    """What is no packaged job is refused with the file's name and a remedy."""
    (folder / packaged.FILE).write_text(text)
    with pytest.raises(JobError, match=r"job\.json: The packaged job cannot be read: .* Make it anew with"):
        packaged.read(folder / packaged.FILE)


def test_jobs_are_made_of_sql(folder: Path) -> None:
    """Only the text of a packaged statement is looked for elsewhere."""
    (statement,) = packaged.read(folder / packaged.FILE).tasks[0].statements
    with pytest.raises(AttributeError, match="parts"):
        _ = statement.parts  # type: ignore[attr-defined]
    assert EltJob.from_dict(JOBS["parameters"].to_dict()).tasks[0].statements == (statement,)
