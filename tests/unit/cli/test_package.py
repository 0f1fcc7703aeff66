"""`elt-redshift package`: what MWAA is given."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from elt_redshift import mwaa
from elt_redshift.cli.main import main
from elt_redshift.job import packaged
from elt_redshift.version import __version__

ROOT = Path(__file__).parents[3]

Package = Callable[..., tuple[int, str]]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Package:
    """Runs the command in a repository with a job and a DAG file; gives exit status and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ELT_REDSHIFT_JOBS", "more")
    _job("sql/sales")
    Path("dags/__pycache__").mkdir(parents=True)
    Path("dags/__pycache__/sales.pyc").write_bytes(b"x")
    Path("dags/sales.py").write_text("# a DAG of Airflow\n")

    def run(*arguments: str) -> tuple[int, str]:
        status = main(["package", *arguments])
        return status, capsys.readouterr().err

    return run


def _job(folder: str, sql: str = "select 1") -> None:
    Path(folder).mkdir(parents=True)
    Path(folder, "job.yaml").write_text(f'job_id: "1"\nname: sales\ntasks:\n  a: {{statement: "{sql}"}}\n')


def _packaged(name: str = "sales") -> Path:
    return Path("dist/dags", packaged.path(name))


def _names(archive: str = "dist/plugins.zip") -> list[str]:
    with zipfile.ZipFile(archive) as made:
        return made.namelist()


def test_the_archive_holds_what_dag_runs_need(package: Package) -> None:
    """Package, plugin module and .airflowignore; no embedded AWS, no simulation, no command line, no tests, no job."""
    assert package("sales") == (0, "")
    names = _names()
    assert {"elt_redshift_plugin.py", ".airflowignore", "elt_redshift/dag.py", "elt_redshift/job/model.py"} <= set(
        names
    )
    left_out = r"local/|cli/|drafting/|testing/|__main__|mwaa|pycache|tests|_jobs"
    assert not [name for name in names if re.search(left_out, name)]
    with zipfile.ZipFile("dist/plugins.zip") as made:
        for name in (".airflowignore", "elt_redshift_plugin.py"):
            assert made.read(name) == (ROOT / "plugins" / name).read_bytes()


def test_a_schedule_is_for_workflows(package: Package) -> None:
    """DAG files say themselves when they run."""
    words = "error: --schedule goes with --serverless: DAG files have schedules of their own.\n"
    assert package("sales", "--schedule", "30 5 * * *") == (1, words)


def test_the_same_files_give_the_same_archive(package: Package) -> None:
    """Times and places of the files do not matter, so an unchanged archive is no new version to MWAA."""
    package("sales")
    first = Path("dist/plugins.zip").read_bytes()
    os.utime("sql/sales/job.yaml", (0, 0))
    package("sql/sales/job.yaml", "--output", "again")
    assert Path("again/plugins.zip").read_bytes() == first


def test_the_dags_folder_is_as_it_was(package: Package) -> None:
    """Every file but Python's own litter; beside them the constraints, and the jobs, where Airflow does not look."""
    package("sales")
    found = sorted(str(path.relative_to("dist/dags")) for path in Path("dist/dags").rglob("*") if path.is_file())
    jobs = ["elt_redshift_jobs/.airflowignore", f"elt_redshift_jobs/{__version__}/sales.jsonl"]
    assert found == ["constraints.txt", *jobs, "sales.py"]


def test_a_change_of_a_job_changes_only_the_dags_folder(package: Package, capsys: pytest.CaptureFixture[str]) -> None:
    """An update of the environment takes half an hour, a sync of the folder a minute; the command says which it is."""
    main(["package", "sales"])
    assert capsys.readouterr().out.startswith("Wrote dist/plugins.zip, requirements.txt and dags/ (1 job) for Airflow ")
    archive, job = Path("dist/plugins.zip").read_bytes(), _packaged().read_bytes()
    Path("sql/sales/job.yaml").write_text(Path("sql/sales/job.yaml").read_text().replace("select 1", "select 2"))
    main(["package", "sales"])
    same = "plugins.zip and requirements.txt are as they were: upload dags/."
    assert capsys.readouterr().out == f"Wrote dist/dags (1 job). {same}\n"
    assert (Path("dist/plugins.zip").read_bytes() == archive, _packaged().read_bytes() == job) == (True, False)


@pytest.mark.parametrize("version", mwaa.IMAGES)
def test_requirements_are_constrained_to_what_the_image_has(package: Package, version: str) -> None:
    """The pins are those that the Airflow side is tested with; a requirement that others bring is kept."""
    Path("others.txt").write_text('--constraint "https://example.com/c.txt"\nsome-package==1.0\n')
    assert package("sales", "--airflow", version, "--requirements", "others.txt") == (0, "")
    assert Path("dist/requirements.txt").read_text() == (
        '--constraint "/usr/local/airflow/dags/constraints.txt"\nsome-package==1.0\n'
    )
    tested = (ROOT / "constraints" / f"airflow-{version.rpartition('.')[0]}.in").read_text().replace(">=", "==")
    pins = Path("dist/dags/constraints.txt").read_text().splitlines()
    assert pins == [line for line in tested.splitlines() if re.match(r"apache-airflow|botocore", line)]


def test_constraints_of_ones_own_are_taken(package: Package) -> None:
    """The constraints file that Airflow publishes pins more than ours."""
    Path("all.txt").write_text("apache-airflow==3.3.1\nsome-package==1.0\n")
    assert package("sales", "--constraints", "all.txt") == (0, "")
    assert Path("dist/dags/constraints.txt").read_text() == Path("all.txt").read_text()


def test_other_plugins_go_into_the_same_archive(package: Package) -> None:
    """MWAA takes one archive: what others have in their plugins folder joins ours, ignored files too."""
    Path("plugins").mkdir()
    Path("plugins/theirs.py").write_text("x = 1\n")
    Path("plugins/.airflowignore").write_text("library/")
    assert package("sales", "--plugins", "plugins") == (0, "")
    with zipfile.ZipFile("dist/plugins.zip") as made:
        assert made.read("theirs.py") == b"x = 1\n"
        assert made.read(".airflowignore") == b"elt_redshift/\nlibrary/\n"


def test_without_names_every_job_that_can_be_loaded_by_name_is_packaged(package: Package) -> None:
    """Of two jobs with one name, the one that EltJob.load finds."""
    _job("more/sales", "select 'not this'")
    _job("more/stock")
    assert package() == (0, "")
    assert _packaged("stock").is_file()
    assert _packaged().read_bytes().endswith(b'{"a":["select 1"]}\n')


def test_the_mistakes_of_all_jobs_are_told(package: Package) -> None:
    """Nothing is written unless every job is right."""
    _job("more/one", "select 1; select 2")
    _job("more/two", "select :nothing")
    status, err = package("one", "two", "sales")
    assert status == 1
    assert "more/one/job.yaml" in err
    assert "more/two/job.yaml" in err
    assert not Path("dist").exists()


def test_two_jobs_of_one_name_are_refused(package: Package) -> None:
    """A DAG file could load only one of them."""
    _job("more/sales")
    status, err = package("sql/sales", "more/sales")
    assert (status, "Another job is in a folder 'sales'." in err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--dags", "nowhere"], "nowhere: There is no such folder."),
        (["--plugins", "nowhere"], "nowhere: There is no such folder."),
        (["--requirements", "nowhere"], "nowhere: The file cannot be read: "),
        (["--plugins", "clash"], "clash/elt_redshift/dag.py: The package has a file of this name itself."),
        (["--dags", "clash"], "clash/constraints.txt: The package has a file of this name itself."),
        (["--dags", "clash"], "clash/elt_redshift_jobs/.airflowignore: The package has a file of this name itself."),
    ],
)
def test_what_cannot_be_packaged_is_named(package: Package, arguments: list[str], words: str) -> None:
    """Place, problem and remedy, and nothing is written."""
    Path("clash/elt_redshift").mkdir(parents=True)
    Path("clash/elt_redshift/dag.py").touch()
    Path("clash/constraints.txt").touch()
    Path("clash/elt_redshift_jobs").mkdir()
    Path("clash/elt_redshift_jobs/.airflowignore").touch()
    status, err = package("sales", *arguments)
    assert status == 1
    assert words in err
    assert not Path("dist").exists()


def test_a_dag_file_whose_job_is_not_packaged_is_named(package: Package) -> None:
    """It would break on MWAA; a path, or what is computed, is the author's business."""
    _job("more/stock")
    for door in ("from elt_redshift import EltJob\nEltJob", "import elt_redshift\nelt_redshift.EltJob"):
        Path("dags/stock.py").write_text(f"{door}.load('stock')\nEltJob.load('some/path')\nEltJob.load(__file__)\n")
        assert package("sales") == (1, "dags/stock.py:2: The job 'stock' is not packaged. Known here: sales.\n")
    assert package("sales", "stock") == (0, "")
    Path("dags/stock.py").write_text("this is no Python")
    assert package("sales", "stock") == (0, "")


def test_a_file_that_is_no_longer_packaged_is_pointed_at(package: Package) -> None:
    """Nothing is deleted, and nothing stale is uploaded: the user decides."""
    package("sales")
    Path("dags/sales.py").rename(Path("dags/other.py"))
    status, err = package("sales")
    assert status == 1
    assert "dist/dags/sales.py: The package does not have this file. Remove it, or give another --output." in err
    assert not Path("dist/dags/other.py").exists()
