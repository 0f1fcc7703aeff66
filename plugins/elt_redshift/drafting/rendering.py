"""The text of a drafted job's ``job.yaml``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from elt_redshift.drafting.draft import Draft, why_apart
from elt_redshift.drafting.ordering import several
from elt_redshift.job import checks, document, reading
from elt_redshift.job.findings import Findings
from elt_redshift.job.loading import FILE
from elt_redshift.job.parts import SqlTask
from elt_redshift.job.written import count, in_one_line

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_LONGEST_LINE = 100


def render(draft: Draft) -> str:
    lines = [
        "# Written by `elt-redshift init` from the SQL beside it; yours from here on.",
        f"job_id: {json.dumps(draft.job_id)}",
        f"name: {_text(draft.name)}",
    ]
    if draft.parameters:
        lines += ['# One without a default, such as {default: "1998"}, must be given at every start.', "parameters:"]
        lines += [f"  {_text(name)}: {{}}" for name in draft.parameters]
    lines += ["tasks:"]
    lines += (line for task in draft.tasks for line in _task(task, draft))
    return "\n".join(lines) + "\n"


def _task(task: SqlTask, draft: Draft) -> Iterator[str]:
    yield from (f"  # {in_one_line(doubt.text)}" for doubt in draft.ordering.doubts if task.name in doubt.scripts)
    if circular := draft.ordering.left_out[task.name]:
        yield in_one_line(f"  # Left out of upstream, as edges of a circle: {_waits(circular)}.")
    if not task.upstream and task.transaction:
        yield f"  {_text(task.name)}: {{sql: {_text(task.source)}}}"
        return
    yield f"  {_text(task.name)}:"
    yield f"    sql: {_text(task.source)}"
    yield from _upstream([_text(name) for name in task.upstream])
    if not task.transaction:
        yield in_one_line(f"    transaction: false  # {why_apart(task)}")


def _upstream(names: Sequence[str]) -> Iterator[str]:
    line = f"    upstream: [{', '.join(names)}]"
    if not names:
        return
    if len(line) <= _LONGEST_LINE:
        yield line
        return
    yield "    upstream:"
    yield from (f"      - {name}" for name in names)


def _text(text: str) -> str:
    """As YAML reads a text; in quotes where it would be something else without."""
    plain = _PLAIN.fullmatch(text) and document.scalar(text) == text
    return text if plain else json.dumps(text, ensure_ascii=False)


def checked(text: str, folder: Path) -> None:
    """
    :raises JobError: ``text`` is no ``job.yaml`` that ``elt-redshift check`` would take in that folder.
    """
    data, findings = document.read(text, folder / FILE)
    findings.raise_if_any()
    findings = Findings(str(folder), base=folder)
    checks.require(reading.read_job(data or {}, base=folder, findings=findings), findings)


def report(draft: Draft) -> Iterator[str]:
    """What was found, in lines for people."""
    for task in draft.tasks:
        waits = f" waits for {_waits(draft.ordering.upstream[task.name])}" if task.upstream else ""
        yield in_one_line(f"{task.name}: {task.source}{waits}")
    edges = sum(len(task.upstream) for task in draft.tasks)
    found = [count(len(draft.tasks), "task"), count(edges, "edge"), count(len(draft.parameters), "parameter")]
    yield f"Job {draft.name}: {', '.join(found)}{': ' * bool(draft.parameters)}{', '.join(draft.parameters)}."
    if sources := draft.ordering.sources:
        yield in_one_line(f"{count(len(sources), 'source')}, which no file here writes: {several(sources)}.")


def warnings(draft: Draft) -> Iterator[str]:
    """What a person has to look at, in lines."""
    if draft.empty:
        yield in_one_line(f"No task was made of files that hold no statement: {several(draft.empty)}.")
    apart = [task.name for task in draft.tasks if not task.transaction]
    if apart:
        yield (
            f"{several(apart)} got transaction: false, for what job.yaml says there: each statement commits by itself, "
            "and those behind a failed one still run. Better take out of these files what no transaction holds."
        )
    yield from (in_one_line(doubt.text) for doubt in draft.ordering.doubts)


def _waits(upstream: Mapping[str, Sequence[str]]) -> str:
    return ", ".join(f"{up} ({several(names)})" for up, names in upstream.items())
