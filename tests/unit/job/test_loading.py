"""Finding jobs by path, by name, and in modules."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from elt_redshift import EltJob
from elt_redshift.exceptions import JobError
from elt_redshift.job import loading, packaged
from elt_redshift.job.loading import find
from elt_redshift.job.parts import JobSpec
from elt_redshift.version import __version__


def _job(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "job.yaml").write_text(f'job_id: "1"\nname: {name}\ntasks:\n  a: {{statement: select 1}}\n')
    return folder


def _packaged(dags: Path, folder: str, name: str) -> None:
    file = dags / packaged.path(folder)
    file.parent.mkdir(parents=True)
    file.write_bytes(packaged.render(JobSpec(job_id="1", name=name)))


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test starts in an empty folder, with no jobs anywhere; dags/ is on Python's path, as in Airflow."""
    monkeypatch.chdir(tmp_path)
    for name in ("AIRFLOW_HOME", "AIRFLOW__CORE__DAGS_FOLDER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("ELT_REDSHIFT_JOBS", raising=False)
    monkeypatch.setattr(loading, "HOME", tmp_path / "plugins")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "dags")])


def test_a_job_is_found_by_its_file_and_by_its_folder(tmp_path: Path) -> None:
    """Both as text and as a path."""
    folder = _job(tmp_path / "anywhere" / "sales", "sales")
    for path in (folder, str(folder), folder / "job.yaml", "anywhere/sales", "anywhere/sales/job.yaml"):
        assert EltJob.load(path).name == "sales"


def test_a_job_file_may_have_another_name(tmp_path: Path) -> None:
    """A path that ends in .yaml is the file itself."""
    _job(tmp_path / "x", "sales").joinpath("job.yaml").rename(tmp_path / "sales.yaml")
    assert EltJob.load("sales.yaml").name == "sales"


def test_a_job_is_found_by_name_in_each_place_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """./sql/, then the folders of $ELT_REDSHIFT_JOBS, then sql/ beside plugins/, then the packaged jobs."""
    _packaged(tmp_path / "dags", "sales", "packaged")
    assert EltJob.load("sales").name == "packaged"
    monkeypatch.setenv("ELT_REDSHIFT_JOBS", os.pathsep.join([str(tmp_path / "one"), str(tmp_path / "two")]))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    places = [tmp_path / "sql", tmp_path / "two", tmp_path / "one", tmp_path / "here" / "sql"]
    for number, place in enumerate(places):
        _job(place / "sales", f"sales_{number}")
        assert EltJob.load("sales").name == f"sales_{number}"


def test_a_path_to_a_job_that_is_packaged_by_its_name_says_so(tmp_path: Path) -> None:
    """On MWAA there is no folder beside the DAG files; the refusal tells how the job is found."""
    _packaged(tmp_path / "dags", "sales", "sales")
    with pytest.raises(JobError, match=r"A job is found by its name everywhere: EltJob.load\('sales'\)\."):
        EltJob.load(tmp_path / "elsewhere" / "sales")


@pytest.mark.parametrize("variables", [{"AIRFLOW_HOME": "af"}, {"AIRFLOW__CORE__DAGS_FOLDER": "af/dags"}])
def test_a_packaged_job_is_found_in_airflows_dags_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    """Also where that is not on Python's path, as in `airflow dags test` of Airflow 3.0 and 3.2."""
    _packaged(tmp_path / "af" / "dags", "sales", "sales")
    for name, value in variables.items():
        monkeypatch.setenv(name, str(tmp_path / value))
    assert EltJob.load("sales").name == "sales"


def test_a_job_of_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two versions' jobs are side by side while an environment is updated, and each package reads its own; where there
    are only another version's, that is told."""
    _packaged(tmp_path / "dags", "sales", "sales")
    monkeypatch.setattr(packaged, "__version__", "0.0.1")
    monkeypatch.setattr(loading, "__version__", "0.0.1")
    with pytest.raises(
        JobError, match=rf"It is packaged for elt_redshift {__version__}; this is 0\.0\.1\. Make it anew"
    ):
        EltJob.load("sales")
    _packaged(tmp_path / "dags", "sales", "older")
    assert EltJob.load("sales").name == "older"


def test_an_unknown_name_tells_where_it_was_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal lists the places, and a name that is close."""
    monkeypatch.setenv("ELT_REDSHIFT_JOBS", "more")
    _job(tmp_path / "more" / "yearly_sales", "yearly_sales")
    with pytest.raises(JobError) as raised:
        EltJob.load("yearly_sale")
    packaged = f"elt_redshift_jobs/{__version__}/yearly_sale.jsonl on Python's path"
    assert str(raised.value) == (
        "yearly_sale: There is no job 'yearly_sale'. Looked for yearly_sale/job.yaml, sql/yearly_sale/job.yaml, "
        f"more/yearly_sale/job.yaml, {packaged}. Did you mean 'yearly_sales'?"
    )


def test_a_path_is_not_looked_for_as_a_name() -> None:
    """Only a bare name is looked for in the jobs' folders."""
    with pytest.raises(JobError, match=r"There is no job 'a/b'. Looked for a/b/job.yaml\.$"):
        find("a/b")


def test_a_job_is_found_in_a_module(tmp_path: Path) -> None:
    """module:attribute names a job, one inside something, or what makes one."""
    (tmp_path / "jobs_of_test_loading.py").write_text(
        "from elt_redshift import EltJob\n"
        "job = EltJob(job_id='1', name='sales')\n"
        "job.task('a', statement='select 1')\n"
        "def make(): return job\n"
        "class Jobs:\n    sales = job\n"
        "bad = EltJob(job_id='1', name='bad')\n"
        "number = 5\n"
    )
    for attribute in ("job", "make", "Jobs.sales"):
        assert EltJob.load(f"jobs_of_test_loading:{attribute}").name == "sales"
    with pytest.raises(JobError, match="The job has no tasks"):
        EltJob.load("jobs_of_test_loading:bad")
    with pytest.raises(JobError, match="It is int, not an EltJob"):
        EltJob.load("jobs_of_test_loading:number")
    with pytest.raises(JobError, match=r"It cannot be imported: .*nothing"):
        EltJob.load("jobs_of_test_loading:nothing")


def test_a_module_that_is_not_there_is_told() -> None:
    """The refusal says what could not be imported."""
    with pytest.raises(JobError, match="It cannot be imported: No module named 'no_such_module'"):
        EltJob.load("no_such_module:job")


def test_a_byte_order_mark_is_no_part_of_a_job(tmp_path: Path) -> None:
    """Files that Windows editors saved are read."""
    folder = _job(tmp_path / "sales", "sales")
    (folder / "job.yaml").write_text('\ufeffjob_id: "1"\nname: sales\ntasks:\n  a: {sql: a.sql}\n', "utf-8")
    (folder / "a.sql").write_text("\ufeffselect 1", "utf-8")
    assert EltJob.load("sales").task("a").statements[0].text == "select 1"


def test_values_may_be_shared_by_anchor_and_merged(tmp_path: Path) -> None:
    """YAML's anchors and merge keys work, and a merged key may be overridden."""
    folder = _job(tmp_path / "sales", "sales")
    (folder / "job.yaml").write_text(
        'job_id: "1"\nname: sales\ntasks:\n'
        "  a: &usual {statement: select 1, retries: 2, timeout: 1h}\n"
        "  b:\n    <<: *usual\n    retries: 3\n"
    )
    job = EltJob.load("sales")
    assert [task.retries for task in job.tasks] == [2, 3]
    assert job.task("a").timeout == job.task("b").timeout


def test_the_job_s_wait_is_its_tasks_default(tmp_path: Path) -> None:
    """wait: poll holds for every task that does not say otherwise."""
    folder = _job(tmp_path / "sales", "sales")
    (folder / "job.yaml").write_text(
        'job_id: "1"\nname: sales\nwait: poll\ntasks:\n'
        "  a: {statement: select 1}\n  b: {statement: select 1, wait: long_poll}\n"
    )
    assert [task.wait for task in EltJob.load("sales").tasks] == ["poll", "long_poll"]
