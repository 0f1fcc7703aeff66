"""The job file: the tasks of a job in the map layout, one item of a JSON array each, read by the Map state from S3.

An item holds all that one child execution needs, which gets it as its input:

=========== =================================================================================
name        of the task
statements  the texts of its SQL, in which ``role`` stands for the warehouse's role
role        that placeholder
auto_commit whether each statement of several is committed by itself
parameters  names of the job's parameters that the SQL refers to
retries     how often a failed attempt is followed by another one, by the kind of its failure …
pause       … and after how many seconds (:mod:`elt_redshift.asl.patterns.repeating`)
timeout     in seconds
awaited     how many upstreams it waits for; those that others imply do not count
waiters     the tasks that wait for it, as ``{waiter: its name, awaited: how many it awaits}``
fingerprint what its result depends on (:mod:`elt_redshift.asl.fingerprints`); of that, ``own`` is its SQL …
upstream    … and these are the places in the file of what it waits for
start       not before so many seconds after the run has the lock, of a job too wide for the Data API's rates
number      in digits, of a job whose failures are held back, as ``blocks`` is
blocks      the numbers of the tasks that cannot run once it has failed, such as ``3-5,9-9``
=========== =================================================================================

The items are in topological order, so that of any number of children that are started first at least one can go on.
In a job so wide that not all children are started at once they stand in the order of their turns, those that wait for
others first; there are so many children that these never take the place of all others.
https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from elt_redshift.asl import fingerprints
from elt_redshift.asl.fingerprints import Fingerprints
from elt_redshift.asl.patterns import repeating
from elt_redshift.asl.patterns.distributed import Pacing
from elt_redshift.asl.patterns.settling import Settling
from elt_redshift.asl.patterns.source import NEVER, seconds
from elt_redshift.asl.target import ROLE_PLACEHOLDER
from elt_redshift.graph import pacing
from elt_redshift.graph.lanes import Graph
from elt_redshift.graph.order import Order
from elt_redshift.graph.pacing import Pace
from elt_redshift.job.model import EltJob, SqlTask
from elt_redshift.job.repeating import times
from elt_redshift.protocol.limits import DATA_API_RATES, MAX_ACTIVE_STATEMENTS, MAX_CHILDREN, MAX_SUBMISSIONS, PACE

Item = dict[str, Any]

#: Where tasks have their turns, one that is throttled nonetheless lets so many seconds' turns pass, about.
_AMONG_TURNS = 4


def items(job: EltJob, graph: Graph, prints: Fingerprints) -> list[Item]:
    """The items of a valid job's file.

    :param graph: what each task waits for.
    """
    order = Order(graph)
    waiters: list[list[dict[str, Any]]] = [[] for _ in order.tasks]
    for task in order.topological:
        for up in order.direct[task]:
            waiters[up].append({"waiter": order.tasks[task], "awaited": len(order.direct[task])})
    tasks, places, starts = job.tasks, order.topological, _starts(job, order)
    if _most(job, [len(ups) for ups in order.direct]) < MAX_CHILDREN:
        places = sorted(places, key=lambda number: (not order.direct[number], starts.get(order.tasks[number], 0)))
    said = fingerprints.in_job_file(prints, [order.tasks[number] for number in places])
    file = [_item(tasks[number], len(order.direct[number]), waiters[number]) for number in places]
    file = [item | one for item, one in zip(file, said, strict=True)]
    if starts:
        file = [item | {"start": starts.get(item["name"], 0)} for item in file]
    if job.settles:
        settling = Settling.of(graph, every=True)
        file = [item | settling.in_job_file(item["name"]) for item in file]
    return file


def pacing_of(job: EltJob, file: list[Item]) -> Pacing:
    """How the tasks keep within the Data API's quotas."""
    return Pacing(paced(file), _interval(file), _most(job, [item["awaited"] for item in file]))


def paced(file: list[Item]) -> bool:
    """Whether some tasks are not to begin at once."""
    return any(item.get("start") for item in file)


def _interval(file: list[Item]) -> int:
    """Within how many seconds a submission that was throttled is made again: those of the most tasks that begin at
    once, behind one that they all wait for, spread over it. Of those that have their turns few are throttled."""
    crowd = pacing.interval(max(len(item["waiters"]) for item in file), MAX_SUBMISSIONS)
    return max(crowd, _AMONG_TURNS if paced(file) else 1)


def _most(job: EltJob, awaited: Sequence[int]) -> int:
    """How many children are there at a time. Those that wait for others are never so many that no other could be: so
    one can always go on, in whichever order they are started. Where that would not leave fewer than Step Functions
    takes, or the lock has to be taken anew by each that starts late, all are started.

    :param awaited: how many upstreams each task waits for.
    """
    waiting = sum(1 for number in awaited if number)
    if len(awaited) - waiting <= MAX_ACTIVE_STATEMENTS or job.fence:
        return MAX_CHILDREN
    return min(MAX_CHILDREN, MAX_ACTIVE_STATEMENTS + waiting)


def _starts(job: EltJob, order: Order) -> dict[str, float]:
    """When tasks are to begin that would be throttled if all began at once; none where none would be."""
    kinds = ["executeStatement" if _is_single(job, task) else "batchExecuteStatement" for task in job.tasks]
    seconds = [task.expected.total_seconds() if task.expected else 0.0 for task in job.tasks]
    rates = {kind: PACE * DATA_API_RATES[kind] for kind in sorted({*kinds})}
    # Where no task waits for another, there are no more children than may be active, whatever is expected of them.
    active = MAX_ACTIVE_STATEMENTS if any(order.direct) or job.fence else len(order.tasks)
    found = pacing.starts(order, Pace(rates, active), kinds, seconds)
    return {order.tasks[number]: round(start, 2) for number, start in found.items() if start >= 1}


def _is_single(job: EltJob, task: SqlTask) -> bool:
    return len(task.statements) == 1 and not job.fence


def _item(task: SqlTask, awaited: int, waiters: list[dict[str, Any]]) -> Item:
    return {
        "name": task.name,
        "statements": [statement.text for statement in task.statements],
        "role": ROLE_PLACEHOLDER,
        "auto_commit": len(task.statements) > 1 and not task.transaction,
        "parameters": list(task.parameters),
        "retries": dict(times(task)),
        "pause": dict(repeating.pauses(task)),
        "timeout": NEVER if task.timeout is None else seconds(task.timeout),
        "awaited": awaited,
        "waiters": waiters,
    }


def dump(file: list[Item]) -> bytes:
    """The file as it is uploaded."""
    return json.dumps(file, separators=(",", ":"), ensure_ascii=False).encode()
