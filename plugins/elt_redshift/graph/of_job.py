"""The graph of a job: where its tasks are seen as a graph and nothing else."""

from __future__ import annotations

from elt_redshift.graph.lanes import limit
from elt_redshift.job.model import EltJob


def graph_of(job: EltJob) -> dict[str, tuple[str, ...]]:
    """What each task of ``job`` waits for: its upstreams, and what keeps the job to its number of active statements."""
    upstream = {task.name: task.upstream for task in job.tasks}
    if not job.max_active_statements:
        return upstream
    return limit(upstream, job.max_active_statements, {task.name: task.expected_seconds for task in job.tasks})
