"""Which DAG files give a job a schedule of Airflow's, as far as they say so in plain words.

The files are read and not run: neither Airflow nor what they import is needed. What is computed, a job that comes from
elsewhere or a schedule by another name, is not seen.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path


def scheduling(folder: Path, names: Collection[str]) -> Iterator[str]:
    """The places, as ``dags/sales.py:7``, at which a DAG that runs the job is given a schedule.

    :param folder: of DAG files, with its subfolders.
    :param names: what the job is loaded by: its name, or that of its folder.
    """
    for file in sorted(folder.rglob("*.py")):
        try:
            tree = ast.parse(file.read_bytes())
        except (SyntaxError, ValueError, OSError):  # Airflow tells of such a file
            continue
        values = {
            target.id: node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        yield from (f"{file}:{line}" for line in sorted(_lines(tree, names, values)))


def _lines(tree: ast.Module, names: Collection[str], values: Mapping[str, ast.expr]) -> Iterator[int]:
    """The lines of the calls that give a schedule to a DAG of the job: made by us, or with the job's tasks in it."""
    for node in ast.walk(tree):
        match node:
            case ast.Call() if _name(node) == "elt_dag":
                found = [node] if _runs(node, names, values) else []
            case ast.With() | ast.FunctionDef():
                made = [item.context_expr for item in node.items] if isinstance(node, ast.With) else node.decorator_list
                dags = [one for one in made if isinstance(one, ast.Call) and _name(one) in ("DAG", "dag")]
                groups = [one for one in ast.walk(node) if isinstance(one, ast.Call) and _name(one) == "elt_task_group"]
                found = dags if any(_runs(group, names, values) for group in groups) else []
            case _:
                continue
        yield from (call.lineno for call in found if _has_schedule(call))


def _name(call: ast.Call) -> str:
    """What is called, without the module that it is in."""
    called = call.func
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""


def _has_schedule(call: ast.Call) -> bool:
    return any(
        keyword.arg == "schedule" and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is None)
        for keyword in call.keywords
    )


def _runs(call: ast.Call, names: Collection[str], values: Mapping[str, ast.expr]) -> bool:
    """Whether the job that is given is loaded by one of the names."""
    given = [*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg == "job")]
    job = given[0] if given else None
    if isinstance(job, ast.Name):
        job = values.get(job.id)
    if not isinstance(job, ast.Call) or _name(job) not in ("load", "EltJob"):
        return False
    texts = [node.value for node in ast.walk(job) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return any(Path(text).name in names or Path(text).parent.name in names for text in texts)
