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
from typing import Any

import jsonschema
import pytest

import elt_redshift
from elt_redshift.provider import MODULES, get_provider_info
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
    data = {"elt_redshift/job/job.schema.json", "elt_redshift/local/redshift/sql/super.sql", "elt_redshift/py.typed"}
    assert data | {"elt_redshift/provider.py", "elt_redshift_plugin.py"} <= found
    assert not [path for path in found if "test" in path.replace("elt_redshift/testing/", "")]


def test_the_metadata_is_as_airflow_wants_it() -> None:
    """It fits the schema that Airflow checks it with; whatever names an integration names one of ours, whose guide is
    there."""
    import airflow

    info = get_provider_info()
    schema = json.loads((Path(airflow.__path__[0]) / "provider_info.schema.json").read_text())
    jsonschema.validate(info, schema)
    integrations = {one["integration-name"] for one in info["integrations"]}
    assert {listed["integration-name"] for role in MODULES for listed in info[role]} == integrations
    guides = [guide for one in info["integrations"] for guide in one["how-to-guide"]]
    assert [guide for guide in guides if not (ROOT / guide.lstrip("/")).is_file()] == []


@pytest.mark.parametrize("role", ["operators", "sensors", "hooks", "triggers"])
def test_every_module_is_listed_by_its_role(role: str) -> None:
    """What a folder named after a role holds, Airflow is told of, once: every module with a class of that role."""
    listed = [module for one in get_provider_info().get(role, []) for module in one["python-modules"]]
    assert sorted(listed) == [name for name, found in _modules(role) if _classes(found, role.removesuffix("s").title())]


def test_every_link_is_listed() -> None:
    """Airflow shows links of the classes that it is told of only."""
    found = [f"{name}.{one}" for name, module in _modules("links") for one in _classes(module, "Link")]
    assert sorted(get_provider_info()["extra-links"]) == found


def _modules(folder: str) -> list[tuple[str, Any]]:
    """The modules of a folder of the package by their names; none where there is no such folder."""
    names = pkgutil.iter_modules([str(Path(elt_redshift.__path__[0]) / folder)], f"elt_redshift.{folder}.")
    return [(module.name, importlib.import_module(module.name)) for module in names]


def _classes(module: Any, ending: str) -> list[str]:
    """The public classes that a module defines with such a name."""
    found = (one for one in vars(module).values() if isinstance(one, type) and one.__module__ == module.__name__)
    return sorted(one.__name__ for one in found if one.__name__.endswith(ending) and not one.__name__.startswith("_"))


def test_asking_the_provider_imports_nothing() -> None:
    """Every process of Airflow asks each provider."""
    program = (
        "import sys; before = set(sys.modules); from elt_redshift.provider import get_provider_info; "
        "get_provider_info(); print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    imported = [name for name in done.stdout.split() if name.partition(".")[0] not in sys.stdlib_module_names]
    assert imported == ["elt_redshift", "elt_redshift.provider", "elt_redshift.version"]
