"""The benchmarks, which nothing else runs."""

import ast
import importlib
import importlib.util
from pathlib import Path

import pytest

BENCHMARKS = sorted((Path(__file__).parents[2] / "benchmarks").glob("*.py"))


@pytest.mark.parametrize("script", BENCHMARKS, ids=lambda script: script.stem)
def test_what_a_benchmark_imports_of_ours_is_there(script: Path) -> None:
    """Each name that a benchmark takes from this package is where it looks for it."""
    missing = [
        f"{node.module}.{alias.name}"
        for node in ast.walk(ast.parse(script.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("elt_redshift")
        for alias in node.names
        if not _is_there(node.module or "", alias.name)
    ]
    assert not missing


def _is_there(module: str, name: str) -> bool:
    if hasattr(importlib.import_module(module), name):
        return True
    return importlib.util.find_spec(f"{module}.{name}") is not None
