"""The notifications about a job's runs: what they say, and when one is due.

The texts are pieces to be joined: plain ones, or code of a state machine that computes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeVar

from elt_redshift.protocol import audit
from elt_redshift.protocol.policies import KINDS as KINDS
from elt_redshift.protocol.policies import Kind as Kind
from elt_redshift.protocol.writes import Absent, AtMost, Given, Is, Write, some

_Part = TypeVar("_Part")

FAILURE: Final = "failure"
HELD: Final = "held"
SUCCESS: Final = "success"
SKIPPED: Final = "skipped"
RECOVERED: Final = "recovered"

#: A subject has fewer than 100 characters; it holds names only, which are ASCII.
#: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
MAX_SUBJECT = 99

#: As many characters of the parameters are told.
MAX_PARAMETERS = 1000

#: A job that stays held is told of again after so many milliseconds.
AGAIN = 86_400_000

#: The item that remembers what was told of a job stands among its runs in the history table, behind them.
STANDING_ENTRY = "standing"
STANDING, HELD_TOLD = "Standing", "HeldTold"
_BROKEN, _WORKS = Given("broken", always="broken"), Given("works", always="works")

#: A run has failed. ``told`` is when that was told if it says that the job is held, in epoch milliseconds; else 0.
NOTE_FAILURE = Write(sets={STANDING: _BROKEN, HELD_TOLD: Given("told", "number")})

#: A run has met the job held, and that was not told since ``before``.
NOTE_HELD = Write(
    some(Absent(HELD_TOLD), AtMost(HELD_TOLD, Given("before", "number"))),
    sets={STANDING: _BROKEN, HELD_TOLD: Given("told", "number")},
)

#: A run has succeeded, the first one after a failure.
NOTE_SUCCESS = Write(Is(STANDING, _BROKEN), sets={STANDING: _WORKS}, removes=(HELD_TOLD,))

#: What a notification is about, more closely than its kind tells.
Case = Literal["task", "failed", "stopped", "timed_out", "held", "skipped", "success", "recovered"]


def subjects(job: str, task: _Part) -> Mapping[Case, tuple[_Part | str, ...]]:
    """The subject, which is also the first line.

    :param job: the job's name.
    :param task: the name of the task that failed.
    """
    return {
        "task": (f"Job {job} failed in task ", task),
        "failed": (f"Job {job} failed",),
        "stopped": (f"A run of job {job} was stopped",),
        "timed_out": (f"A run of job {job} ran into its time limit",),
        "held": (f"Job {job} is held: a run did nothing",),
        "skipped": (f"A run of job {job} was skipped",),
        "success": (f"Job {job} succeeded",),
        "recovered": (f"Job {job} works again",),
    }


def next_steps(job: str, run: _Part) -> Mapping[Case, tuple[_Part | str, ...]]:
    """What to do next. A run is named, since without its name another one may be what goes on: the one that has the
    lock, which a run that ended early never had.

    :param job: the job's name.
    :param run: the run's name.
    """
    redrive = (f"`elt-redshift redrive {job} --execution ", run, "`")
    begin = "Another run begins from the start."
    return {
        "task": (
            "Mend it, deploy the job if its SQL has changed, and let the run go on where it failed: ",
            *redrive,
            ", or clear its failed tasks in Airflow.",
        ),
        "failed": ("See the run in the console. Start it anew, or let it go on where it failed: ", *redrive, "."),
        "stopped": ("Nothing, or let it go on where it stopped: ", *redrive, f". {begin}"),
        "timed_out": ("Let it go on where it stopped: ", *redrive, f". {begin}"),
        "held": ("Do what the message says. Until then no run of the job does anything; you are told so once a day.",),
        "skipped": ("Nothing: the run that has the lock goes on.",),
        "success": ("Nothing.",),
        "recovered": ("Nothing: the job runs as it did before it failed.",),
    }


def lock_after(job: str) -> Mapping[audit.AfterFailure, str]:
    """Behind the next step after a failed task, by what has become of the lock.

    :param job: the job's name.
    """
    unlock = f"`elt-redshift unlock {job} --reason …`"
    return {
        audit.HOLD: f" Until then the job is held: other runs of it do nothing. To give this one up: {unlock}.",
        audit.RELEASED: " Another run begins from the start.",
    }


#: What stands before each fact, in the order of the lines.
LABELS = {
    "task": "Task:       ",
    "place": "At:         ",
    "message": "Message:    ",
    "statement": "Statement:  ",
    "name": "Run:        ",
    "started": "Started:    ",
    "ended": "Ended:      ",
    "redrives": "Redrives:   ",
    "parameters": "Parameters: ",
    "by": "Started by: ",
    "resumed": "Resumes:    ",
    "console": "Console:    ",
}
NEXT = "Next step:  "
