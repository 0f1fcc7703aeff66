"""Whether a definition keeps within the hard limits of Step Functions (:mod:`elt_redshift.protocol.limits`)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from elt_redshift.asl.jobfile import Item
from elt_redshift.exceptions import Problem
from elt_redshift.job.model import EltJob, SqlTask
from elt_redshift.protocol.followers import LONGEST
from elt_redshift.protocol.limits import (
    ANSWER_PER_STATEMENT,
    LONG_POLL,
    LONGEST_STATEMENT,
    MAX_BATCH,
    MAX_DEFINITION,
    MAX_EVENTS,
    MAX_PAYLOAD,
)

#: A definition up to this size is unrolled unless the job says otherwise; the rest is for what deployment fills in.
AUTO_DEFINITION = MAX_DEFINITION * 9 // 10

#: A job that needs more parts than this gets the map layout, unless it says otherwise.
MAX_PARTS = 30

#: No task has fewer bytes of states than this, besides its SQL; and of those whose statements are followed.
_LEAST_STATES, _LEAST_FOLLOWED = 5_000, 2_500

#: A task counts as running so many times as long as is expected, or as was recorded, but not past its timeout. Of
#: which neither is known, it counts as running until its timeout; without one, so many seconds.
MARGIN = 2
_ASSUMED_SECONDS = 600
ASSUMPTION = (
    f"each task is taken to last {MARGIN} times as long as is expected, of which nothing is expected until its "
    f"timeout, and without one {_ASSUMED_SECONDS // 60} minutes"
)

#: Events of a task beside its long polls, and of each of these.
_TASK_EVENTS, _POLL_EVENTS = 25, 6

#: The same of a task whose statement is followed, in the history of its run, and for each hour.
_FOLLOWED_EVENTS, _HOUR_EVENTS = 26, 7

#: A task that waits for an event looks for its statement this seldom, at worst.
_EVENT_SECONDS = 300

#: A task that fails, or that ends while a failed one waits for it, has at most so many more.
SETTLING_EVENTS = 25

#: A child of the map layout tells each waiting task in at most 14 events of its own history.
MAX_WAITERS = 1_500

#: What a child's input holds beside its item, at most, in bytes: the connection and the job's parameters.
_RUN_OVERHEAD = 16_384

#: What an answer of the Data API holds beside the texts of the largest batch, at most, in bytes.
_ANSWER_OVERHEAD = MAX_BATCH * ANSWER_PER_STATEMENT


def text(definition: Any) -> str:
    """``definition`` as it is deployed."""
    return json.dumps(definition, separators=(",", ":"), ensure_ascii=False)


def size(definition: Any) -> int:
    """Bytes of ``definition`` as it is deployed."""
    return len(text(definition).encode())


def over(job: EltJob, follows: bool = False, parts: int = 1) -> bool:
    """Whether the job is over a limit when unrolled, as far as that shows before it is compiled.

    :param follows: whether its statements are followed by executions of their own.
    :param parts: over how many definitions and histories its tasks are spread.
    """
    texts = sum(len(statement.text) for task in job.tasks for statement in task.statements)
    states = len(job.tasks) * (_LEAST_FOLLOWED if follows else _LEAST_STATES)
    return states + texts > parts * AUTO_DEFINITION or history_events(job, follows=follows) > parts * MAX_EVENTS


def history_events(job: EltJob, recorded: Mapping[str, float] | None = None, follows: bool = False) -> int:
    """Events of a run in the unrolled layout, at most, in which no task fails; see :data:`ASSUMPTION`.

    :param recorded: how long tasks took, in seconds.
    :param follows: as of :func:`over`.
    """
    if follows:
        return sum(map(followed_events, assumed_seconds(job, recorded).values()))
    return sum(_task_events(job, recorded).values())


def followed_events(seconds: float) -> int:
    """The same of one task whose statement is followed, and takes so long."""
    return _FOLLOWED_EVENTS + _HOUR_EVENTS * math.ceil(seconds / LONGEST)


def longest_history(
    job: EltJob, mapped: bool, recorded: Mapping[str, float] | None = None, follows: bool = False
) -> int:
    """The same of the longest history, which in the map layout is that of one task."""
    of_one = max(_task_events(job, recorded).values(), default=0)
    return of_one if mapped else max(history_events(job, recorded, follows), of_one if follows else 0)


def _task_events(job: EltJob, recorded: Mapping[str, float] | None) -> dict[str, int]:
    each = _TASK_EVENTS + (SETTLING_EVENTS if job.settles else 0)
    seconds = assumed_seconds(job, recorded)
    return {task.name: each + _POLL_EVENTS * _polls(task, seconds[task.name]) for task in job.tasks}


def _polls(task: SqlTask, seconds: float) -> int:
    return math.ceil(seconds / (_EVENT_SECONDS if task.wait == "event" else LONG_POLL))


def expected_seconds(job: EltJob, recorded: Mapping[str, float] | None = None) -> dict[str, float]:
    """How long tasks are likely to take; no time of those of which nothing is known."""
    return {task.name: _known(task, recorded or {}) or 0.0 for task in job.tasks}


def assumed_seconds(job: EltJob, recorded: Mapping[str, float] | None = None) -> dict[str, float]:
    """How long tasks may take: :data:`ASSUMPTION`."""
    return {task.name: _assumed(task, recorded or {}) for task in job.tasks}


def _known(task: SqlTask, recorded: Mapping[str, float]) -> float | None:
    return task.expected.total_seconds() if task.expected else recorded.get(task.name)


def _assumed(task: SqlTask, recorded: Mapping[str, float]) -> float:
    known, timeout = _known(task, recorded), task.timeout.total_seconds() if task.timeout else None
    if known is None:
        return timeout or _ASSUMED_SECONDS
    return min(MARGIN * known, timeout or LONGEST_STATEMENT.total_seconds())


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
