"""The patches as a whole: listed, pinned, applied once."""

import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

from elt_redshift.local import stepfunctions
from tests import bounds
from tests.local.must_fail import short
from tests.local.stepfunctions import proofs

ROOT = Path(__file__).parents[3]


def test_the_documents_table_is_the_list_of_patches() -> None:
    """docs/embedded-stepfunctions.md lists every patch with its reason."""
    assert (ROOT / "docs" / "embedded-stepfunctions.md").read_text().endswith(f"\n\n{stepfunctions.table()}")


def test_the_installed_moto_is_the_pinned_one() -> None:
    """The patches are for one version of moto: that of pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"moto[server]=={version('moto')}" in project["optional-dependencies"]["local"]


def test_every_patch_replaces_something_once() -> None:
    """No two patches go to the same place, and each gives its reason."""
    targets = [patch.target for patch in stepfunctions.patches()]
    assert len(targets) == len(set(targets))
    assert all(patch.reason.endswith(".") for patch in stepfunctions.patches())


def test_every_patch_has_a_proof() -> None:
    """Of each patch, a test is named that fails without it, or what it is for though no test misses it."""
    assert sorted([*proofs.PROOFS, *proofs.UNSEEN]) == sorted(short(patch.target) for patch in stepfunctions.patches())


def test_applying_twice_changes_nothing_more() -> None:
    """apply_all is idempotent: a second call wraps nothing again."""
    code = (
        "from elt_redshift.local import stepfunctions as s; s.apply_all()\n"
        "held = [vars(p.owner).get(p.name) for p in s.patches()]; s.apply_all()\n"
        "assert held == [vars(p.owner).get(p.name) for p in s.patches()]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=bounds.START)
