"""What becomes of the lock when a failure is recorded."""

from __future__ import annotations

from elt_redshift.asl.language.jsonata import Code, Value
from elt_redshift.job.model import EltJob
from elt_redshift.protocol import audit, statements


def hold_or_release(job: EltJob, statement: str) -> Value:
    """A statement whose outcome is unknowable is told by its name, and holds the job whatever the policy is.

    :param statement: JSONata that gives its id.
    """
    if job.lock.holds:
        return audit.HOLD
    return Code(f"$contains({statement}, '{statements.SLASH}') ? '{audit.HOLD}' : '{audit.RELEASED}'")
