"""What Airflow's pages tell of a job, as Markdown: the DAG's graph, and the SQL of each task.

Airflow keeps it in the serialized DAG, which its triggerer reads whole for each mirror that begins there. So long SQL
is cut, with a word on where the whole stands (docs/adr/0003-cheap-dag-files.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from elt_redshift.exceptions import EltError
from elt_redshift.job.model import EltJob, SqlStatement, SqlTask

#: Characters of SQL in the notes of a task, and in those of a whole DAG; of each task in a large one, at least so many.
LONGEST, TOGETHER, SHORTEST = 4000, 250_000, 200

#: Jobs of more tasks are not drawn: nobody could read that.
MAX_DRAWN = 100

#: Words that Mermaid takes for its own.
_RESERVED = frozenset({"call", "class", "classdef", "click", "default", "end", "flowchart", "graph", "href", "style"})


def of_job(job: EltJob) -> str:
    """The notes of a job's DAG: its description, and the graph as Mermaid draws it (Airflow 3.3 and earlier show the
    drawing's text)."""
    parts = [job.description] if job.description else []
    if len(job.tasks) <= MAX_DRAWN:
        parts.append("\n".join(["```mermaid", "flowchart LR", *_drawing(job), "```"]))
    parts.append(f"Job `{job.job_id}`, {len(job.tasks)} tasks. The SQL of each is in its own documentation.")
    return "\n\n".join(parts)


def _drawing(job: EltJob) -> Iterator[str]:
    for task in job.tasks:
        if not task.upstream:
            yield f"    {_node(task.name)}"
        else:
            yield f"    {' & '.join(map(_node, task.upstream))} --> {_node(task.name)}"


def _node(task: str) -> str:
    return f'{task}_["{task}"]' if task.lower() in _RESERVED else task


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
