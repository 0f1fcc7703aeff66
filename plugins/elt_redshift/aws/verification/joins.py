"""Checks of what Lambda functions send, and of joins: the run of a scratch job that has both."""

from __future__ import annotations

from elt_redshift.asl.language import calls
from elt_redshift.aws.verification.bench import Bench, expect
from elt_redshift.aws.verification.jobs import BEHIND, BOTH, LEFT, RIGHT


def functions(bench: Bench) -> str:
    """Lambda functions read and set the audit state, submit the SQL and wait for it, with the boto3 that Lambda has."""
    return _ran(bench)


def waits(bench: Bench) -> str:
    """A task with upstreams in other branches waits by a token in the join table, or goes on at once; it runs once,
    behind them all."""
    seen = _ran(bench)
    joined = bench.functions.scheduled(f"{calls.UPDATE_JOIN_ITEM_AND_WAIT.action}.wait")
    expect(joined, "no task has asked whether it has to wait")
    tasks = bench.functions.tasks
    begun, ended = tasks[BOTH].started, [tasks[one].ended for one in (LEFT, RIGHT)]
    behind = begun and all(one and one <= begun for one in ended)
    expect(behind, f"{BOTH} began at {begun}, what it waits for ended at {ended}")
    return f"{len(joined)} asked whether to wait; {seen}"


def _ran(bench: Bench) -> str:
    run, tasks = bench.functions.first, bench.functions.tasks
    statuses = {name: (one.status, one.attempt) for name, one in tasks.items()}
    expect(run.succeeded, f"{run.status}: {run.cause}")
    expect(statuses == dict.fromkeys((LEFT, RIGHT, BOTH, BEHIND), ("succeeded", 1)), statuses)
    return f"{', '.join(tasks)} succeeded"
