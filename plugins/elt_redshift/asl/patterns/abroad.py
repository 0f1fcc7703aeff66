"""A warehouse in another account: every call of the Data API is made as a role of that account.

The audit table, the history and whatever else the machine touches are at home. Only Standard and Express machines' own
tasks can assume a role, each by itself: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-access-cross-acct-resources.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from elt_redshift.asl.language.calls import EXECUTE_STATEMENT
from elt_redshift.asl.language.states import DistributedMap, Flow, Map, Parallel, State, Task
from elt_redshift.exceptions import Problem
from elt_redshift.job.model import EltJob


def as_role(flow: Flow, role: str) -> Flow:
    """The states, with all calls of the Data API made as ``role``."""
    return Flow(tuple(_state(state, role) for state in flow.states))


def _state(state: State, role: str) -> State:
    match state:
        case Task() if state.call.service == EXECUTE_STATEMENT.service:
            return replace(state, credentials=role)
        case Parallel():
            return replace(state, branches=tuple(as_role(branch, role) for branch in state.branches))
        case Map() | DistributedMap():
            return replace(state, processor=as_role(state.processor, role))
    return state


def problems(job: EltJob) -> Iterator[Problem]:
    """What a job has that its own account would have to hear of: ends of statements are events of the warehouse's."""
    if job.uses_functions:
        message = "Lambda functions are roles of this account, and the warehouse is in another one."
        yield Problem("runtime", message, "Leave out runtime: lambda.")
    if job.audit_in_redshift:
        message = "The function for the audit item is a role of this account, and the warehouse is in another one."
        yield Problem("audit_store", message, "Leave out audit_store: redshift.")
    for task in job.tasks:
        if task.wait == "event":
            message = "Events of statements go to the account of the warehouse, which is another one."
            yield Problem(f"tasks.{task.name}.wait", message, "Take long_poll or poll.")
