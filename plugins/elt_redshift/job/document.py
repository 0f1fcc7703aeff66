"""Reading a ``job.yaml`` into plain values, with the line of each key, refusing what YAML would silently drop."""

from __future__ import annotations

from typing import Any

import yaml

from elt_redshift.job.findings import Findings, Path

#: Keys deeper than ``parameters.year.default`` mean nothing in a job, so lines are kept down to there.
_DEPTH = 3


def read(text: str, origin: str) -> tuple[dict[Any, Any] | None, Findings]:
    """The mapping that ``text`` holds, or ``None`` when there is none, and the mistakes found.

    :param origin: the file's name, for messages.
    """
    findings = Findings(origin)
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            held = "is empty" if node is None else "holds no keys"
            findings.add((), f"The file {held}.", "Write job_id, name and tasks; docs/authoring.md shows how.")
            return None, findings
        findings = Findings(origin, {})
        lines, twice = _survey(node)
        data = loader.construct_document(node)
    except yaml.YAMLError as error:
        findings.add_at((), *_syntax(error, origin))
        return None, findings
    finally:
        loader.dispose()
    findings = Findings(origin, lines)
    for path, line in twice:
        problem = f"The key '{path[-1]}' stands twice; YAML would keep only the last."
        findings.add_at(path, f"{origin}:{line}: {'.'.join(path)}", problem, "Keep one of them.")
    return data, findings


def _syntax(error: yaml.YAMLError, origin: str) -> tuple[str, str, str]:
    mark = getattr(error, "problem_mark", None)
    place = f"{origin}:{mark.line + 1}" if mark else origin
    what = getattr(error, "problem", None) or str(error)
    return place, f"This is not YAML: {what}.", "Mend the indentation, the quotes or the character there."


def _survey(root: yaml.MappingNode) -> tuple[dict[Path, int], list[tuple[Path, int]]]:
    """The line of each key, and each repetition of a key with its line. Looked at before merge keys are resolved."""
    lines: dict[Path, int] = {}
    twice: list[tuple[Path, int]] = []
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
