"""`import elt_redshift`: everything that users import, found when it is asked for."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import elt_redshift
from tests import bounds

ROOT = Path(__file__).parents[2]
#: How users of the embedded AWS start it from Python, which is a product of its own; and what tests of jobs import.
BESIDE = ("elt_redshift.local", "elt_redshift.testing")


def _loaded_by(program: str) -> set[str]:
    """The modules that a fresh process has loaded after ``program``."""
    command = [sys.executable, "-c", f"import sys\n{program}\nprint(*sys.modules)"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=bounds.START)
    return set(done.stdout.split())


@pytest.mark.parametrize("name", elt_redshift.__all__)
def test_every_public_name_is_there(name: str) -> None:
    """Each name is found in the module that it lives in, and shows when somebody lists the package."""
    found = getattr(elt_redshift, name)
    assert getattr(found, "__name__", name) == name
    assert name in dir(elt_redshift)


def test_runtime_and_type_checkers_are_told_the_same() -> None:
    """Each public name is imported from its home for type checkers, and found there at run time."""
    tree = ast.parse(Path(elt_redshift.__file__).read_text())
    checked = next(node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in checked.body if isinstance(node, ast.ImportFrom)]
    typed = {alias.name: str(node.module).removeprefix("elt_redshift.") for node in imports for alias in node.names}
    assert typed == elt_redshift._HOMES
    assert {*typed, "__version__"} == set(elt_redshift.__all__)
    assert Path(elt_redshift.__file__).with_name("py.typed").is_file()


def test_what_is_not_there_is_told_as_python_does() -> None:
    """A misspelled name is an ImportError that names it."""
    with pytest.raises(AttributeError, match="module 'elt_redshift' has no attribute 'elt_dga'"):
        elt_redshift.elt_dga  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'elt_dga'"):
        exec("from elt_redshift import elt_dga")


def test_the_package_itself_loads_nothing() -> None:
    """Who imports the package has loaded its version, and neither Airflow nor anything else of ours."""
    loaded = _loaded_by("import elt_redshift")
    assert {name for name in loaded if name.startswith("elt_redshift")} == {"elt_redshift", "elt_redshift.version"}
    assert not loaded & {"airflow", "boto3", "yaml", "dataclasses"}


def test_a_name_loads_what_it_needs_only() -> None:
    """A job without a DAG needs no Airflow, and the operators of a lock no DAG of a job."""
    assert "airflow" not in _loaded_by("from elt_redshift import EltJob, JobError")
    loaded = _loaded_by("from elt_redshift import AuditLock, RedshiftSqlOperator")
    assert not loaded & {"elt_redshift.dag", "elt_redshift.operators.step_functions", "boto3"}


def _written() -> list[tuple[str, str]]:
    """Every Python text that users copy: the pages' blocks and the DAG files."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    python = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
    blocks = [(page.name, block) for page in pages for block in python.findall(page.read_text())]
    return blocks + [(file.name, file.read_text()) for file in sorted((ROOT / "dags").rglob("*.py"))]


@pytest.mark.parametrize(("place", "text"), _written())
def test_pages_and_examples_use_the_front_door(place: str, text: str) -> None:
    """What users copy imports from us the front door and nothing behind it."""
    imports = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    ours = {str(node.module) for node in imports if str(node.module).startswith("elt_redshift")}
    assert {name for name in ours if not f"{name}.".startswith(tuple(f"{one}." for one in BESIDE))} <= {"elt_redshift"}
