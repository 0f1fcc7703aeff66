"""The scratch jobs, whose runs are looked at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

from elt_redshift.job.model import EltJob
from elt_redshift.job.parts import Layout, SqlStatement, SqlTask

#: The tasks of the scratch job: one that waits for its statement's event, one that polls, and one that fails; and what
#: Redshift then says.
TOLD, GOOD, BAD, MESSAGE = "told", "good", "bad", "by zero"

#: The tasks of the one with Lambda functions: the first two end in branches of their own; BOTH waits for them, BEHIND
#: for RIGHT alone.
LEFT, RIGHT, BOTH, BEHIND = "left", "right", "both", "behind"

#: A batch, so that the function may submit one.
_SQL = {BEHIND: ("select 1", "select 2")}

#: Which scratch job: one as most are, one in the map layout, one in parts, one with Lambda functions.
Kind = Literal["plain", "large", "parts", "functions"]
_LAYOUTS: Mapping[Kind, Layout] = {"plain": "unrolled", "large": "map", "parts": "parts"}


def scratch(kind: Kind, job_id: str) -> EltJob:
    """A job of a few tasks."""
    name = job_id.replace("-", "_")
    if kind == "functions":
        upstream = {LEFT: (), RIGHT: (), BOTH: (LEFT, RIGHT), BEHIND: (RIGHT,)}
        tasks = [_task(one, above) for one, above in upstream.items()]
        return EltJob(job_id=job_id, name=name, runtime="lambda", tasks=tasks)
    job = EltJob(job_id=job_id, name=name, layout=_LAYOUTS[kind])
    if kind == "plain":
        job.task(TOLD, statement="select 1", wait="event")
    job.task(GOOD, statement="select 1", upstream=[TOLD] if kind == "plain" else [])
    job.task(BAD, statement="select 1/0", upstream=[GOOD])
    return job


def _task(name: str, upstream: tuple[str, ...]) -> SqlTask:
    statements = tuple(SqlStatement(text=text) for text in _SQL.get(name, ("select 1",)))
    return SqlTask(name=name, statements=statements, upstream=upstream, timeout=timedelta(minutes=5))
