"""What Airflow's pages tell of a job, as Markdown: the DAG's graph, the SQL of each task, the tasks of each group.

Airflow keeps it in the serialized DAG, which its triggerer reads whole for each mirror that begins there. So long SQL
is cut, with a word on where the whole stands (docs/adr/0003-cheap-dag-files.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from elt_redshift.exceptions import EltError
from elt_redshift.graph.groups import Groups
from elt_redshift.job.model import EltJob, SqlStatement, SqlTask

#: Characters of SQL in the notes of a task, and in those of a whole DAG; of each task in a large one, at least so many.
LONGEST, TOGETHER, SHORTEST = 4000, 250_000, 200

#: Jobs of more tasks are not drawn: nobody could read that.
MAX_DRAWN = 100

#: Words that Mermaid takes for its own.
_RESERVED = frozenset({"call", "class", "classdef", "click", "default", "end", "flowchart", "graph", "href", "style"})
_NO_NODE = re.compile(r"\W")


def of_job(job: EltJob, groups: Groups | None = None) -> str:
    """The notes of a job's DAG: its description, and the graph as Mermaid draws it (Airflow 3.3 and earlier show the
    drawing's text).

    :param groups: what the DAG shows, where that is not tasks.
    """
    parts = [job.description] if job.description else []
    graph = groups.upstream if groups else {task.name: task.upstream for task in job.tasks}
    if len(graph) <= MAX_DRAWN:
        parts.append("\n".join(["```mermaid", "flowchart LR", *_drawing(graph), "```"]))
    shown = "The SQL of each is in its own documentation."
    if groups:
        shown = f"Shown by groups ({len(graph)}); which tasks are in each is in its documentation."
    parts.append(f"Job `{job.job_id}`, {len(job.tasks)} tasks. {shown}")
    return "\n\n".join(parts)


def _drawing(graph: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for name, upstream in graph.items():
        if not upstream:
            yield f"    {_node(name)}"
        else:
            yield f"    {' & '.join(map(_node, upstream))} --> {_node(name)}"


def _node(name: str) -> str:
    if _NO_NODE.search(name) or name.lower() in _RESERVED:
        return f'{_NO_NODE.sub("_", name)}_["{name}"]'
    return name


def of_groups(job: EltJob, groups: Groups) -> dict[str, str]:
    """The notes of each group: its tasks, and where their SQL stands."""
    sources = {task.name: task.source for task in job.tasks}
    room = max(SHORTEST, TOGETHER // max(len(groups.tasks), 1))
    return {group: _of_group(tasks, sources, room) for group, tasks in groups.tasks.items()}


def _of_group(tasks: Sequence[str], sources: Mapping[str, str], room: int) -> str:
    lines = [f"{len(tasks)} tasks:", ""]
    for number, task in enumerate(tasks):
        if room <= 0:
            return "\n".join([*lines, "", f"… and {len(tasks) - number} more."])
        lines.append(f"- {task} (`{sources[task]}`)" if sources[task] else f"- {task}")
        room -= len(lines[-1])
    return "\n".join(lines)


def of_tasks(job: EltJob) -> dict[str, str]:
    """The notes of each task: its SQL, with file and line."""
    room = max(SHORTEST, min(LONGEST, TOGETHER // max(len(job.tasks), 1)))
    return {task.name: _of_task(task, room) for task in job.tasks}


def _of_task(task: SqlTask, room: int) -> str:
    try:
        return "\n\n".join(_parts(task, room))
    except EltError as error:  # a packaged job's SQL is away: no DAG file breaks for what is only shown
        return str(error)


def _parts(task: SqlTask, room: int) -> Iterator[str]:
    for number, statement in enumerate(task.statements):
        if room <= 0:
            yield f"… and {len(task.statements) - number} more, from {_place(statement)} on."
            break
        yield f"{_place(statement)}\n\n{_fenced(_shortened(statement, room))}"
        room -= len(statement.text)
    if task.parameters:
        yield "Parameters: " + ", ".join(f"`:{name}`" for name in task.parameters)


def _place(statement: SqlStatement) -> str:
    return f"`{statement.place or 'SQL'}`"


def _shortened(statement: SqlStatement, room: int) -> str:
    text = statement.text
    if len(text) <= room:
        return text
    return (
        f"{text[:room]}\n-- … {len(text) - room:,} more characters; the whole stands in {statement.place or 'the job'}"
    )


def _fenced(text: str) -> str:
    """A block of SQL, in a fence that the text does not close."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}sql\n{text}\n{fence}"
