"""The graph of a job: where its tasks are seen as a graph and nothing else."""

from __future__ import annotations

from elt_redshift.graph.groups import Groups, grouped
from elt_redshift.graph.lanes import Graph, limit
from elt_redshift.graph.order import ends
from elt_redshift.job.model import EltJob


def graph_of(job: EltJob) -> dict[str, tuple[str, ...]]:
    """What each task of ``job`` waits for: its upstreams, and what keeps the job to its number of active statements."""
    upstream = {task.name: task.upstream for task in job.tasks}
    if not job.max_active_statements:
        return upstream
    return limit(upstream, job.max_active_statements, {task.name: task.expected_seconds for task in job.tasks})


def ends_of(job: EltJob, graph: Graph) -> dict[str, float]:
    """When each task of ``job``, whose graph this is, is expected to end, in seconds from the start."""
    return ends(graph, {task.name: task.expected_seconds for task in job.tasks})


def groups_of(job: EltJob) -> Groups:
    """The tasks of ``job`` by their groups; those without one are together under the job's name."""
    group_of = {task.name: task.group_name or job.name for task in job.tasks}
    return grouped({task.name: task.upstream for task in job.tasks}, group_of)
