"""The names of states. A task's first state bears the task's own name, so that consoles and Airflow show the same
words.

Task names hold no blanks and all other names do, so none can clash.
"""

from __future__ import annotations

from typing import Literal

from elt_redshift.protocol.limits import MAX_NAME

#: What the states of a task are for, in the order in which they can be passed.
Step = Literal[
    "join",
    "submit",
    "submit batch",
    "finish",
    "find",
    "status",
    "await",
    "describe",
    "wait",
    "cancel",
    "retry",
    "block",
    "blocked",
    "park",
    "record",
    "report failure",
    "failed",
    "reclaim",
    "settle",
    "settle late",
    "unpark",
    "claim",
    "report",
    "announce",
    "announce last",
    "tell",
    "tell last",
    "wake",
    "told",
    "done",
    "kept",
]

#: Of the Map state that runs the tasks; part of its children's ARNs.
LABEL = "tasks"

ACQUIRE = "acquire lock"
RUN_TASKS = "run tasks"
RELEASE = "release lock"
SKIPPED = "skip run"
WAITING = "wait for lock"
REFUSED = "refuse run"
RELEASED = "lock is released"
FIND_LEFT = "find left statements"


def step(task: str, name: Step) -> str:
    """The name of a task's further state, such as ``load_fact: describe``."""
    return f"{task}: {name}"


def task_of(state: str) -> str | None:
    """The task that a state belongs to, or None for the lock's states and for Parallel states."""
    task = state.partition(": ")[0]
    return None if " " in task else task


def together(tasks: list[str], number: int) -> str:
    """The name of the ``number``-th Parallel state, over ``tasks``."""
    name = f"together {number}: {', '.join(tasks)}"
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…"
