"""What must hold for the repository as a whole: its texts, links, versions and pins."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest
import yaml

import elt_redshift
from elt_redshift.cli.main import parser
from tests import bounds

ROOT = Path(__file__).parents[2]

#: In two halves, so that this file does not name them either.
REGISTRIES = tuple(
    ".".join(halves)
    for halves in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("anaconda", "org"),
        ("crates", "io"),
        ("rubygems", "org"),
    )
)
#: What Airflow would load again and again if a DAG file needed it.
HEAVY = {
    "boto3",
    "botocore",
    "airflow.providers.amazon.aws",
    "openlineage",
    "moto",
    "psycopg",
    "sqlglot",
    "elt_redshift.local",
    "elt_redshift.cli",
    "elt_redshift.drafting",
    # What compiles jobs, follows executions and lets them go on is for workers.
    "elt_redshift.asl.compiler",
    "elt_redshift.runs.history",
    "elt_redshift.aws.executions",
}
LINK = re.compile(r"\]\((?!https?://|mailto:)([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@cache
def tracked() -> tuple[Path, ...]:
    """Every file that git knows and that is still there."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return tuple(path for name in listed.split("\0") if name and (path := ROOT / name).is_file())


def texts() -> dict[Path, str]:
    """The tracked text files; a file with a zero byte is none."""
    contents = {path: path.read_bytes() for path in tracked()}
    return {path: data.decode() for path, data in contents.items() if b"\0" not in data}


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def prose(path: Path) -> str:
    """A Markdown file without its code blocks."""
    return FENCE.sub("", path.read_text())


def anchors(path: Path) -> set[str]:
    """The anchors that a reader's browser finds in a Markdown file, as GitHub makes them from headings."""
    headings = HEADING.findall(prose(path))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(path: Path) -> list[str]:
    """The relative links of a Markdown file that lead nowhere."""
    broken = []
    for link in LINK.findall(prose(path)):
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    return broken


def pages() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".md"]


def blocks(path: Path, language: str) -> list[str]:
    """The code blocks of one language in a Markdown file."""
    return [code for name, code in FENCE.findall(path.read_text()) if name == language]


def commands() -> list[str]:
    """Every line in the pages' shell blocks that calls our command line, without where its output goes."""
    lines = [line for path in pages() for code in blocks(path, "sh") for line in code.splitlines()]
    return sorted({re.split(r" [|>] ", line)[0] for line in lines if line.startswith("elt-redshift ")})


def test_no_text_names_a_package_registry() -> None:
    """Where packages come from is the environment's business; no file of ours sends anybody anywhere."""
    named = {(path.relative_to(ROOT), host) for path, text in texts().items() for host in REGISTRIES if host in text}
    assert not named


def test_constraints_hold_versions_only() -> None:
    """A constraints file pins every package exactly and gives no address, option or hash."""
    for path in (ROOT / "constraints").glob("*.txt"):
        lines = path.read_text().splitlines()
        assert lines
        assert not [line for line in lines if not re.match(r"[a-z0-9-]+==[^\s:@]+( ; .+)?$", line)]


def test_constraints_pin_what_the_code_leans_on() -> None:
    """The pins of Airflow 3.3 are the releases that the code was written against."""
    pins = (ROOT / "constraints" / "airflow-3.3.txt").read_text().splitlines()
    assert {"apache-airflow==3.3.1", "apache-airflow-providers-amazon==9.34.0", "moto==5.2.5"} <= set(pins)


def test_moto_is_pinned_in_the_package_too() -> None:
    """The embedded AWS patches moto's internals, so nobody may install it with another moto."""
    assert "moto[server]==5.2.5" in project()["project"]["optional-dependencies"]["local"]


def test_the_package_and_the_project_tell_the_same_version() -> None:
    """The version that users import is the one that is published: both are read from one file."""
    found = project()
    file = ROOT / found["tool"]["hatch"]["version"]["path"]
    assert found["project"]["dynamic"] == ["version"]
    assert f'__version__ = "{elt_redshift.__version__}"' in file.read_text()


def test_the_changelog_has_a_place_for_the_next_change() -> None:
    """Whoever changes something for users finds a section to say so, in the order of Keep a Changelog."""
    unreleased = (ROOT / "CHANGELOG.md").read_text().split("\n## ")[1]
    assert unreleased.startswith("Unreleased\n")
    assert re.findall(r"^### (\w+)$", unreleased, re.MULTILINE) == ["Added", "Changed", "Fixed"]


@pytest.mark.parametrize("path", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    """Links between the pages, and to places in them, resolve."""
    assert not broken_links(path)


def test_links_into_nowhere_are_found(tmp_path: Path) -> None:
    """The check itself sees a missing file and a missing heading, and passes what is right."""
    page = tmp_path / "page.md"
    page.write_text("# A Title, here\n[x](gone.md) [y](#not-there) [z](#a-title-here) [w](https://example.com/a)\n")
    assert broken_links(page) == ["gone.md", "#not-there"]


@pytest.mark.parametrize("command", commands())
def test_every_command_in_the_pages_exists(command: str) -> None:
    """A reader can type what the pages say: commands and options parse, and there is something to be run."""
    assert callable(parser().parse_args(shlex.split(command, comments=True)[1:]).run)


def test_the_readme_shows_the_demos_job_as_it_is() -> None:
    """The job.yaml in the README is the one that the demo runs."""
    (shown,) = blocks(ROOT / "README.md", "yaml")
    assert yaml.safe_load(shown) == yaml.safe_load((ROOT / "sql" / "yearly_sales" / "job.yaml").read_text())


def test_the_files_that_contributors_are_sent_to_are_there() -> None:
    """Every file and folder that CONTRIBUTING.md names is in the package or in the repository."""
    named = re.findall(r"`([\w./-]+(?:\.py|\.md|\.json|/))`", (ROOT / "CONTRIBUTING.md").read_text())
    homes = (ROOT, ROOT / "plugins" / "elt_redshift")
    assert len(named) > 30
    assert not [name for name in named if not any((home / name).exists() for home in homes)]


def test_the_walks_through_the_code_lead_somewhere() -> None:
    """Every function that docs/architecture.md walks through is there, and each walk passes it once."""
    page = (ROOT / "docs" / "architecture.md").read_text()
    walks = page.partition("## Four walks through the code")[2].partition("\n## ")[0].split("\n**")[1:]
    assert len(walks) == 4
    for walk in walks:
        passed = re.findall(r"`([a-z_]+(?:\.\w+)+)`", walk)
        assert len(passed) == len(set(passed)) >= 4
        assert all(resolve_name(f"elt_redshift.{name}") for name in passed)


def test_every_decision_is_listed() -> None:
    """The index of docs/adr links to each record."""
    folder = ROOT / "docs" / "adr"
    listed = set(LINK.findall((folder / "README.md").read_text()))
    assert listed == {path.name for path in tracked() if path.parent == folder} - {"README.md"}


@pytest.mark.parametrize("path", sorted((ROOT / "dags").glob("*.py")), ids=lambda path: path.name)
def test_a_dag_file_loads_nothing_heavy(path: Path, tmp_path: Path) -> None:
    """Airflow parses DAG files all the time: they load neither AWS's SDK nor the embedded AWS nor the command line."""
    program = f"import runpy, sys; runpy.run_path({str(path)!r}); print(*({HEAVY!r} & set(sys.modules)))"
    environment = {**os.environ, "AIRFLOW_HOME": str(tmp_path)}
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=bounds.START)
    assert not done.stdout.split()


def test_bounds_of_tests_stand_in_one_place() -> None:
    """How long a test waits at most is said by tests/bounds.py, where a slow machine was thought of."""
    bound = re.compile(r"\b(?:timeout|read_timeout)=\d\d|\.(?:wait|result|join)\(\d")
    by_a_clock_of_its_own = {"test_demo_data.py"}
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path, text in texts().items()
        if path.suffix == ".py" and path.is_relative_to(ROOT / "tests") and path.name not in by_a_clock_of_its_own
        for line in text.splitlines()
        if bound.search(line)
    ]
    assert not found


#: A module has no more lines than this.
MOST_LINES = 310

#: Modules that are longer than others may be, and why they are one.
LONG = {
    "airflow_compat.py": "what versions of Airflow differ in stands in one place",
    "asl/language/states.py": "the kinds of states of the States Language, one beside the other",
    "job/keys.py": "the one table of a job file's keys",
    "operators/audit_lock.py": "a lock's operators, and the context that wires them",
    "operators/redshift_sql.py": "an operator with the documentation of its parameters",
    "testing/jsonata.py": "an interpreter: a function for each kind of node",
}


def test_modules_are_short_but_for_a_reason() -> None:
    """Nobody has to read much more than 300 lines at once; what is longer says why, and only that does."""
    package = ROOT / "plugins" / "elt_redshift"
    long = {
        path.relative_to(package).as_posix()
        for path, text in texts().items()
        if path.suffix == ".py" and path.is_relative_to(package) and text.count("\n") > MOST_LINES
    }
    assert long == LONG.keys()
