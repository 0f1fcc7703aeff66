"""Which events of a run's history tell of its tasks, and what is kept of each: agreed between the states that keep them
(:mod:`elt_redshift.asl.patterns.paging`) and those who read them (:mod:`elt_redshift.runs.pages`)."""

from __future__ import annotations

from typing import Final

from elt_redshift.protocol import parts

#: The states of a run that tell of it as a whole: its tasks begin, in the map layout; it does nothing; it fails so.
RUN_TASKS: Final = "run tasks"
SKIPPED: Final = "skip run"
REFUSED: Final = "refuse run"

#: The states whose being entered, or left, tells of a task, by their names; and of the run.
ENTERED = f"^[^ ]+$|: (block|record|status)$|^({RUN_TASKS}|{SKIPPED}|{REFUSED})$"
EXITED = "^[^ ]+$|: (finish|find|follow|status|kept|failed)$"

#: What is taken from the input of such a state, from its output, or from the answer to a submission that waits.
MEMBERS = ("attempt", "redrives", "cause", "statement", "finished", "kept", "rows", "Id", "progress")

#: … and from the request that starts a part: which execution is the part's.
OF_PART = ("StateMachineArn", "Name")

#: The other events, by what of them is kept beside type and time: nothing; …
BARE = (
    *(f"Execution{end}" for end in ("Redriven", "Succeeded", "Failed", "Aborted", "TimedOut")),
    "TaskScheduled",
    "TaskStarted",
)

#: … of these three more than that; and these of BARE are only needed to know whose answer a submission's is.
STARTED, MAPPED, SUBMITTED = "ExecutionStarted", "MapRunStarted", "TaskSubmitted"
OF_SUBMISSIONS = ("TaskScheduled", "TaskStarted", SUBMITTED)
PART_STARTS = ("TaskScheduled", parts.START.partition(":")[2])  # with this resource
