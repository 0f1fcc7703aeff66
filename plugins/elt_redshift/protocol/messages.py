"""Messages that more than one program tells in the same words."""

from __future__ import annotations

#: Before the words of the Data API that does not take a request.
REFUSED = "The Data API refused it: "

#: Stand for what an item does not say of a failure.
UNKNOWN = "(unknown)"
NO_MESSAGE = "(no message)"


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
        *(f"Job {job_id} is held by a failed run: task ", task, " failed at ", since, ": ", message, " (run "),
        *(owner, f"). To go on where that run stopped, {on}; to begin anew, `{unlock}`."),
    )
