"""The scratch jobs, whose runs are looked at."""

from __future__ import annotations

from typing import Literal

from elt_redshift.job.model import EltJob

#: The tasks of the scratch job: one that waits for its statement's event, one that polls, and one that fails; and what
#: Redshift then says.
TOLD, GOOD, BAD, MESSAGE = "told", "good", "bad", "by zero"

#: The tasks of the one with Lambda functions: the first two end in branches of their own; BOTH waits for them, BEHIND
#: for RIGHT alone.
LEFT, RIGHT, BOTH, BEHIND = "left", "right", "both", "behind"

#: Which scratch job: one as most are, one in the map layout, one with Lambda functions.
Kind = Literal["plain", "large", "functions"]


def scratch(kind: Kind, job_id: str) -> EltJob:
    """A job of a few tasks."""
    name = job_id.replace("-", "_")
    if kind == "functions":
        job = EltJob(job_id=job_id, name=name, runtime="lambda")
        for task, upstream in {LEFT: (), RIGHT: (), BOTH: (LEFT, RIGHT), BEHIND: (RIGHT,)}.items():
            job.task(task, statement="select 1", upstream=upstream, timeout="5m")
        return job
    job = EltJob(job_id=job_id, name=name, layout="map" if kind == "large" else "unrolled")
    if kind == "plain":
        job.task(TOLD, statement="select 1", wait="event")
    job.task(GOOD, statement="select 1", upstream=[TOLD] if kind == "plain" else [])
    job.task(BAD, statement="select 1/0", upstream=[GOOD])
    return job
