"""The names of states. A task's first state bears the task's own name, so that consoles and Airflow show the same
words.

Task names hold no blanks and all other names do, so none can clash. A task's name may be longer than a state's, which
has 80 characters with its step: then the states bear its beginning, a hyphen, which no task's name has, and a hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Literal, get_args

from elt_redshift.protocol import kept_events
from elt_redshift.protocol.limits import MAX_NAME

#: What the states of a task are for, in the order in which they can be passed; the first one bears the task's name.
Step = Literal[
    "",
    "join",
    "submit",
    "submit batch",
    "finish",
    "find",
    "status",
    "follow",
    "still awaited",
    "answer",
    "anew",
    "relieve",
    "unawaited",
    "await",
    "describe",
    "wait",
    "cancel",
    "retry",
    "read settled",
    "still held",
    "block",
    "blocked",
    "park",
    "count redrives",
    "record",
    "report failure",
    "failed",
    "reclaim",
    "settle",
    "settle late",
    "unpark",
    "claim",
    "tell held",
    "report",
    "announce",
    "announce last",
    "find waiting",
    "wake all",
    "tell",
    "tell last",
    "wake",
    "told",
    "done",
    "kept",
]

_STEPS: Mapping[str, Step] = {step: step for step in get_args(Step)}

#: Stands for the task in the names of states that serve every task.
ANY_TASK = "task"

#: Of the Map state that runs the tasks; part of its children's ARNs.
LABEL = "tasks"

ACQUIRE = "acquire lock"
RUN_TASKS = kept_events.RUN_TASKS
RELEASE = "release lock"
SKIPPED = kept_events.SKIPPED
WAITING = "wait for lock"
REFUSED = kept_events.REFUSED
RELEASED = "lock is released"
FIND_LEFT = "find left statements"
FIND_LEFT_PARTS = "find left parts"
LATE_CALLS = "wait for late calls"
TAKE_OVER = "take over lock"
KEEP_LOCK = "keep lock"
JUDGE_FENCE = "judge fence"


#: Up to so many characters a task's states bear its whole name; the rest of 80 is for the longest step.
WHOLE = 60
_MARK, _DIGITS = "-", 12


def in_states(task: str) -> str:
    """What the states of ``task`` call it. Of tasks that begin alike, two have one hash once in 10^14 pairs."""
    if len(task) <= WHOLE:
        return task
    digest = hashlib.sha256(task.encode()).hexdigest()[:_DIGITS]
    return f"{task[: WHOLE - len(_MARK) - _DIGITS]}{_MARK}{digest}"


def is_shortened(task: str) -> bool:
    """Whether it is what states call a task with a longer name."""
    return _MARK in task


class StateName(str):
    """The name of a state of a task: the task's own, or ``load_fact: describe``.

    :ivar task: the task; in the map layout, whose states serve every task, :data:`ANY_TASK`. Of a name that was read,
        what :func:`in_states` made of it.
    """

    __slots__ = ("step", "task")

    task: str
    step: Step

    def __new__(cls, task: str, step: Step = "") -> StateName:
        name = super().__new__(cls, f"{in_states(task)}: {step}" if step else in_states(task))
        name.task, name.step = task, step
        return name

    def __reduce__(self) -> tuple[type[StateName], tuple[str, Step]]:
        return StateName, (self.task, self.step)

    @classmethod
    def read(cls, text: str) -> StateName | None:
        """The name of a state as a history gives it; None for the states of the lock and for Parallel states."""
        task, _, given = text.partition(": ")
        step = _STEPS.get(given)
        return None if " " in task or step is None else cls(task, step)


def together(tasks: list[str], number: int) -> str:
    """The name of the ``number``-th Parallel state, over ``tasks``."""
    name = f"together {number}: {', '.join(tasks)}"
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…"
