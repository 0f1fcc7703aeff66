"""Whether a definition keeps within the hard limits of Step Functions (:mod:`elt_redshift.protocol.limits`)."""

from __future__ import annotations

import json
import math
from typing import Any

from elt_redshift.asl.jobfile import Item
from elt_redshift.exceptions import Problem
from elt_redshift.job.model import EltJob, SqlTask
from elt_redshift.protocol.limits import LONG_POLL, MAX_BATCH, MAX_DEFINITION, MAX_EVENTS, MAX_PAYLOAD

#: A definition up to this size is unrolled unless the job says otherwise; the rest is for what deployment fills in.
AUTO_DEFINITION = MAX_DEFINITION * 9 // 10

#: No task has fewer bytes of states than this, besides its SQL.
_LEAST_STATES = 5_000

#: A task without a timeout counts as running this long, in seconds, when events are estimated …
_ASSUMED_SECONDS = 600

#: … each task with this many events beside the long polls, with seven events each.
_TASK_EVENTS, _POLL_EVENTS = 25, 7

#: A task that waits for an event looks for its statement this seldom, at worst.
_EVENT_SECONDS = 300

#: A task that fails, or that ends while a failed one waits for it, has at most so many more.
_SETTLING_EVENTS = 25

#: A child of the map layout tells each waiting task in at most 14 events of its own history.
MAX_WAITERS = 1_500

#: What a child's input holds beside its item, at most, in bytes: the connection and the job's parameters.
_RUN_OVERHEAD = 16_384

#: What a Data API answer holds beside the text of each statement, at most, in bytes.
ANSWER_PER_STATEMENT = 800

#: The same for the largest batch.
_ANSWER_OVERHEAD = MAX_BATCH * ANSWER_PER_STATEMENT


def size(definition: Any) -> int:
    """Bytes of ``definition`` as it is deployed."""
    return len(json.dumps(definition, separators=(",", ":"), ensure_ascii=False).encode())


def over(job: EltJob) -> bool:
    """Whether the job is over a limit when unrolled, as far as that shows before it is compiled."""
    texts = sum(len(statement.text) for task in job.tasks for statement in task.statements)
    return len(job.tasks) * _LEAST_STATES + texts > AUTO_DEFINITION or history_events(job) > MAX_EVENTS


def history_events(job: EltJob) -> int:
    """Events of a run in the unrolled layout in which every task takes as long as its timeout allows."""
    each = _TASK_EVENTS + (_SETTLING_EVENTS if job.settles else 0)
    return sum(each + _POLL_EVENTS * _polls(task) for task in job.tasks)


def _polls(task: SqlTask) -> int:
    seconds = task.timeout.total_seconds() if task.timeout else _ASSUMED_SECONDS
    return math.ceil(seconds / (_EVENT_SECONDS if task.wait == "event" else LONG_POLL))


def check_items(job: EltJob, file: list[Item] | None) -> list[Problem]:
    """Problems of the map layout with its job file; none in the unrolled layout."""
    problems = []
    for item in file or ():
        place = f"job {job.name}: tasks.{item['name']}"
        if (actual := size(item)) > MAX_PAYLOAD - _RUN_OVERHEAD:
            problems.append(
                Problem(
                    place,
                    f"its item of the job file has {actual:,} bytes, and a child execution takes at most "
                    f"{MAX_PAYLOAD - _RUN_OVERHEAD:,}.",
                    "Split the task in two, or move SQL into a stored procedure.",
                )
            )
        if (waiters := len(item["waiters"])) > MAX_WAITERS:
            problems.append(
                Problem(
                    place,
                    f"{waiters:,} tasks wait for it directly, and it can tell at most {MAX_WAITERS:,}.",
                    "Put a task between it and some of them.",
                )
            )
    return problems


def check_definition(job: EltJob, actual: int) -> list[Problem]:
    """Problems of the compiled definition, of ``actual`` bytes, as a whole; an empty list when it fits."""
    problems = []
    if actual > MAX_DEFINITION:
        problems.append(
            Problem(
                f"job {job.name}",
                f"its definition has {actual:,} bytes, and Step Functions takes at most {MAX_DEFINITION:,}.",
                "Leave out `layout: unrolled`, move long SQL into stored procedures, or split the job.",
            )
        )
    for task in job.tasks:
        # DescribeStatement answers with every text of a batch, and an answer is a payload.
        texts = sum(len(statement.text.encode()) for statement in task.statements)
        if texts > MAX_PAYLOAD - _ANSWER_OVERHEAD:
            problems.append(
                Problem(
                    f"job {job.name}: tasks.{task.name}",
                    f"its statements have {texts:,} bytes together, and a state handles at most "
                    f"{MAX_PAYLOAD - _ANSWER_OVERHEAD:,}.",
                    "Split the task in two, or move SQL into a stored procedure.",
                )
            )
    return problems
