"""Messages that more than one program tells in the same words."""

from __future__ import annotations

from typing import TypeVar

_Part = TypeVar("_Part")

#: Before the words of the Data API that does not take a request.
REFUSED = "The Data API refused it: "

#: Before the words of the Data API that does not take a call about a statement which was submitted, and goes on.
UNSEEN = "The Data API does not tell how its statement went: "

#: A transaction that its fence has held back.
FENCED = "Another run took the lock over; nothing was changed."

#: Stand for what an item does not say of a failure.
UNKNOWN = "(unknown)"
NO_MESSAGE = "(no message)"
NO_OWNER = "of another program"


#: In the words of a run that has met a job held after a failure, or of which nobody can tell whose the lock is: they
#: are told apart by these from those of a run that has met the job at work.
_HELD = "is held by a failed run: "
_UNOWNED = "is Running, and its audit item names no owner: "
_UNCLEAR = "is not free, and whether this run may take it cannot be told: "
STUCK = f"^Job [A-Za-z0-9_.-]+ ({_HELD}|{_UNOWNED}|{_UNCLEAR})"

#: Before and behind the name of a task whose failure a run fails with; the database's message follows.
TASK_FAILED = ("Task ", " failed: ")


def task_failed(task: _Part, message: _Part) -> tuple[_Part | str, ...]:
    """What a run says that fails with the failure of a task, in pieces to be joined."""
    before, behind = TASK_FAILED
    return (before, task, behind, message)


def held_by_failure(
    job_id: str, *, task: str, since: str, message: str, owner: str, redrive: str, unlock: str
) -> tuple[str, ...]:
    """What a run says that meets a job held after a failure, in pieces to be joined: as texts, or as code of a state
    machine that computes them.

    :param redrive: how the failed run goes on besides by clearing its tasks in Airflow, empty where it cannot.
    :param unlock: the command that frees the job.
    """
    on = f"clear its failed tasks in Airflow, or `{redrive}`" if redrive else "clear its failed tasks in Airflow"
    return (
        *(f"Job {job_id} {_HELD}task ", task, " failed at ", since, ": ", message, " (run "),
        *(owner, f"). To go on where that run stopped, {on}; to begin anew, `{unlock}`."),
    )


def forgotten(statement: _Part, task: _Part, job: str) -> tuple[_Part | str, ...]:
    """What a run says, behind :data:`UNSEEN`, that cannot know whether a task's statement has run; in pieces as those
    of :func:`held_by_failure`.

    :param statement: its name.
    :param job: the job's name.
    """
    so = f". See whether its work is there: if so, `elt-redshift redrive {job} --assume done "
    return ("it has forgotten statement ", statement, so, task, "`; if not, the same with not-done.")


def fence_unwritten(job_id: str, *, table: str, why: str) -> tuple[str, ...]:
    """What a run says that could not write its job's fence, in such pieces.

    :param why: Redshift's words.
    """
    return (
        f"The fence of job {job_id} could not be written: ",
        why,
        f". The database user of the job must be allowed to create the table {table}, or to select from it, to insert "
        "into it and to update it. (docs/locking.md)",
    )


def running(job_id: str, *, state: str, owner: str) -> tuple[str, ...]:
    """What a run says that meets a job at work, in pieces as :func:`held_by_failure` gives them."""
    return (f"Job {job_id} is ", state, ", held by ", owner, ".")


def unowned(job_id: str, unlock: str) -> str:
    """What a run says that meets a Running item as AWS's article has them, which names no owner."""
    return (
        f"Job {job_id} {_UNOWNED}another program runs it, or has left it so. If "
        f"nothing of it runs any more, free it: `{unlock}`."
    )


def unclear(job_id: str, *, problem: str, unlock: str) -> tuple[str, ...]:
    """What a run says that cannot tell whose the lock is, in such pieces.

    :param problem: one of the following.
    """
    return (
        f"Job {job_id} {_UNCLEAR}",
        problem,
        f". If nothing of it runs any more, free it: `{unlock}`.",
    )


def left_untold(job_id: str, owner: str, why: str) -> tuple[str, ...]:
    """What a run says that may take a lock over, and cannot find out what its dead owner has left in the database.

    :param why: the Data API's words.
    """
    return (
        f"The lock of job {job_id} is not taken over: the Data API does not tell what its last owner, ",
        owner,
        ", has left running: ",
        why,
        ". The next run asks again.",
    )


def parts_untold(job_id: str, owner: str, why: str) -> tuple[str, ...]:
    """The same of whether parts of its run still go on.

    :param why: Step Functions' words.
    """
    return (
        f"The lock of job {job_id} is not taken over: Step Functions does not tell whether parts of its last owner, ",
        owner,
        ", still run: ",
        why,
        ". The next run asks again.",
    )


#: What a part says that is another one than its run expects.
ANOTHER_PART = (
    "The job was deployed anew before all parts of this run had begun. Let it go on with what is deployed now: "
    "`elt-redshift redrive`, or clear it in Airflow."
)

#: What a run says of a part that has ended without saying why, by how it ended, and of one that it could not start.
PART_STOPPED = "was stopped"
PART_LATE = "ran into a time limit"


def part_ended(part: str, how: str) -> str:
    """:param how: one of these."""
    return f"The execution of {part} {how}: it goes on when the run is redriven."


def part_refused(part: str, why: _Part) -> tuple[_Part | str, ...]:
    """What a run says that cannot start a part, let it go on, or learn how it is, in pieces to be joined.

    :param why: Step Functions' words.
    """
    return (f"Step Functions does not run {part}: ", why)


def of_another_type(attribute: str, kind: str) -> str:
    """An attribute that decides about the lock is not what it should be.

    :param kind: DynamoDB's type that it should be of.
    """
    return f"{attribute} in its audit item is no {'number' if kind == 'N' else 'text'}"


def unknown_state(state: str) -> tuple[str, ...]:
    return ("JobState in its audit item is ", state, ", which is none of Ready, Running and Failed")


def nobody_to_ask(owner: str) -> tuple[str, ...]:
    return (
        "its audit item says Running, and its Owner, ",
        owner,
        ", is neither an execution, which could be asked whether it runs, nor has it a lease, which would run out",
    )


BLANK_OWNER = "its audit item says Running, and its Owner is blank"


def not_told(owner: str, why: str) -> tuple[str, ...]:
    """:param why: Step Functions' words."""
    return ("Step Functions does not tell whether its owner, ", owner, ", runs: ", why)


#: Why a fence is not written yet, where nothing has failed.
HELD_UP = "transactions of an earlier run are still open"

#: Why Step Functions does not tell that.
ELSEWHERE = "it is of another account or region"


#: Shows that a text is about a state machine's inner workings, which no person is to read: a regular expression that
#: Python and JSONata read alike.
INNER_WORKINGS = r"(^|[^A-Za-z])States[.][A-Z]|JSONata|JSONPath|[$]states"

#: What is told of a statement that ended without an error of Redshift's.
CANCELLED = "The statement was cancelled."

#: What Step Functions puts behind the words of a service begins with one of these.
OF_THE_SDK = (" (Service: ", " (SDK Attempt Count: ")

#: Stands for what Step Functions says of an expression that could not be evaluated.
NOT_EXPECTED = "what the state machine was given is not what it expects. Deploy the job again and start it anew"

#: Errors of Step Functions' own, without the ``States.`` before each, as a clause.
#: https://states-language.net/#appendix-a
OWN_ERRORS = {
    "Timeout": "it ran into a time limit",
    "HeartbeatTimeout": "it ran into a time limit",
    "DataLimitExceeded": "the data of a state are larger than the 256 KiB that Step Functions allows",
    "ExceedToleratedFailureThreshold": "a task failed",
    "ItemReaderFailed": "the job file could not be read. Deploy the job again",
    "QueryEvaluationError": NOT_EXPECTED,
}

#: Where a write fails because the lock is not the run's any more.
LOCK_LOST = (
    "the lock of the job is not this run's any more: another run took it over, somebody unlocked it, "
    "or another task had failed"
)
