"""The wheel, and what Airflow learns from it."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import subprocess
import sys
import zipfile
from pathlib import Path

import jsonschema
import pytest

import elt_redshift
import elt_redshift.triggers
from elt_redshift.provider import get_provider_info
from tests import bounds

ROOT = Path(__file__).parents[2]

#: Asks Airflow in an environment that has no elt_redshift but the wheel.
LIST = """
import json
from airflow.providers_manager import ProvidersManager
manager = ProvidersManager()
provider = manager.providers["airflow-provider-elt-redshift"]
links = [str(link) for link in manager.extra_links_class_names if str(link).startswith("elt_redshift")]
import elt_redshift
found = {"version": provider.version, "name": provider.data["name"], "links": links, "file": elt_redshift.__file__}
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the built wheel's content."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist")]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = (folder / "dist").iterdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_airflow_lists_the_provider_and_its_links(unpacked: Path, tmp_path: Path) -> None:
    """Installed, the wheel is among Airflow's providers, with the links that plugins would register."""
    environment = {**os.environ, "PYTHONPATH": str(unpacked), "AIRFLOW_HOME": str(tmp_path), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, "-c", LIST], env=environment, check=True, capture_output=True, text=True, timeout=bounds.START
    )
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "version": elt_redshift.__version__,
        "name": "ELT on Amazon Redshift",
        "links": get_provider_info()["extra-links"],
        "file": str(unpacked / "elt_redshift" / "__init__.py"),
    }


def test_the_wheel_holds_what_is_needed(unpacked: Path) -> None:
    """The package with its data, the plugin module that `elt-redshift package` wants, and no test."""
    found = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    files = {"elt_redshift/provider.py", "elt_redshift/local/redshift/functions.sql", "elt_redshift_plugin.py"}
    assert files <= found
    assert not [path for path in found if "test" in path]


def test_the_metadata_is_as_airflow_wants_it() -> None:
    """It fits the schema that Airflow checks it with, and names every module of triggers."""
    import airflow

    info = get_provider_info()
    schema = json.loads((Path(airflow.__path__[0]) / "provider_info.schema.json").read_text())
    jsonschema.validate(info, schema)
    (triggers,) = info["triggers"]
    modules = pkgutil.iter_modules(elt_redshift.triggers.__path__, "elt_redshift.triggers.")
    with_triggers = [module.name for module in modules if _has_triggers(module.name)]
    assert triggers["python-modules"] == with_triggers


def _has_triggers(module: str) -> bool:
    from airflow.triggers.base import BaseTrigger

    found = vars(importlib.import_module(module)).values()
    return any(isinstance(one, type) and issubclass(one, BaseTrigger) and one.__module__ == module for one in found)


def test_asking_the_provider_imports_nothing() -> None:
    """Every process of Airflow asks each provider."""
    program = (
        "import sys; before = set(sys.modules); from elt_redshift.provider import get_provider_info; "
        "get_provider_info(); print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    imported = [name for name in done.stdout.split() if name.partition(".")[0] not in sys.stdlib_module_names]
    assert imported == ["elt_redshift", "elt_redshift.provider"]
