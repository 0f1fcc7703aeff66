"""Reading a ``job.yaml`` into plain values, with the line of each key, refusing what YAML would silently drop."""

from __future__ import annotations

import pathlib
from typing import Any

import yaml

from elt_redshift.job.findings import Findings, Path

#: Keys deeper than ``parameters.year.default`` mean nothing in a job, so lines are kept down to there.
_DEPTH = 3


def read(text: str, file: pathlib.Path) -> tuple[dict[Any, Any] | None, Findings]:
    """The mapping that ``text`` holds, or ``None`` when there is none, and the mistakes found.

    :param file: where the text comes from, for messages.
    """
    origin = str(file)
    findings = Findings(origin, base=file.parent)
    try:
        data, lines, twice = _parse(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a date such as 2024-13-01; nested too deeply
        findings.add_at((), *_syntax(error, origin))
        return None, findings
    if not isinstance(data, dict):
        held = "is empty" if data is None else "holds no keys"
        findings.add((), f"The file {held}.", "Write job_id, name and tasks; docs/authoring.md shows how.")
        return None, findings
    findings = Findings(origin, lines, file.parent)
    for path, line in twice:
        problem = f"The key '{path[-1]}' stands twice; YAML would keep only the last."
        findings.add_at(path, f"{origin}:{line}: {'.'.join(path)}", problem, "Keep one of them.")
    return data, findings


_Lines = dict[Path, int]
_Twice = list[tuple[Path, int]]


def _parse(text: str) -> tuple[Any, _Lines, _Twice]:
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        lines, twice = _survey(node) if isinstance(node, yaml.MappingNode) else ({}, [])
        data = None if node is None else loader.construct_document(node)
    finally:
        loader.dispose()
    return data, lines, twice


def _syntax(error: Exception, origin: str) -> tuple[str, str, str]:
    mark = getattr(error, "problem_mark", None)
    place = f"{origin}:{mark.line + 1}" if mark else origin
    parts = [getattr(error, "context", None), getattr(error, "problem", None)]
    what = ", ".join(part for part in parts if part) or str(error)
    return place, f"This is not YAML: {what}.", "Mend the indentation, the quotes or the character there."


def _survey(root: yaml.MappingNode) -> tuple[_Lines, _Twice]:
    """The line of each key, and each repetition of a key with its line. Looked at before merge keys are resolved."""
    lines: _Lines = {}
    twice: _Twice = []
    todo: list[tuple[Path, yaml.MappingNode]] = [((), root)]
    while todo:
        path, node = todo.pop()
        for key, value in node.value:
            here = (*path, str(key.value))
            line = key.start_mark.line + 1
            if here in lines:
                twice.append((here, line))
            lines.setdefault(here, line)
            if isinstance(value, yaml.MappingNode) and len(here) < _DEPTH:
                todo.append((here, value))
    return lines, twice
