"""Who holds the lock of a job: an execution of its state machine, or an Airflow DAG run.

Whether an execution lives, Step Functions tells. A DAG run cannot be asked about: it holds the lock for as long as its
lease lasts (``docs/adr/0006-leases.md``). Other programs may hold locks under names of their own, with a lease too; of
one without a lease nobody can tell whether it lives (``docs/locking.md``).
"""

from __future__ import annotations

import hashlib
import re

#: The ARN of an execution, in whichever partition, as a regular expression of Python and of JSONata alike. Express
#: workflows and Map Runs' children have others, and hold no locks.
EXECUTION = "^arn:[^:]+:states:[^:]+:[^:]+:execution:[^:]+:[^:]+$"

#: Until when a lease lasts: a time in UTC with milliseconds, which sorts as text. The same kind of expression.
LEASE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{3}Z$"

#: What the names of owners begin with that are Airflow DAG runs.
DAG_RUN = "airflow:"

#: The label of an owner that is no execution begins with so many hexadecimal digits of the SHA-256 of its name, and
#: :data:`AFTER_DIGITS`: few enough to read, and computable where a state machine looks for its statements.
DIGITS = 16
AFTER_DIGITS = "-"

#: A lease counts as run out this many seconds late, so that an owner whose clock is behind keeps its lock.
LEASE_TOLERANCE = 60

#: So many seconds after an owner's end its last call may still reach the database, so that what it has left there is
#: listed for the last time after them (``docs/adr/0016-late-calls.md``).
GRACE = 120

#: Stands for the lease of an item that has none; it sorts behind all times.
NO_LEASE = "none"


class Owner(str):
    """The owner of a lock by its name, as audit items hold it: an execution's ARN, or ``airflow:<dag_id>/<run_id>``."""

    __slots__ = ()

    @classmethod
    def dag_run(cls, dag_id: str, run_id: str, scope: str = "") -> Owner:
        """A DAG run.

        :param scope: tells several locks of the run apart.
        """
        return cls(f"{DAG_RUN}{dag_id}/{run_id}{f'/{scope}' if scope else ''}")

    @property
    def is_execution(self) -> bool:
        """Whether Step Functions can be asked about it."""
        return re.search(EXECUTION, self) is not None

    @property
    def is_dag_run(self) -> bool:
        return self.startswith(DAG_RUN)

    @property
    def region(self) -> str:
        """Of an execution: the region that it runs in."""
        return self.split(":")[3]

    @property
    def account(self) -> str:
        """Of an execution: the number of the account that it runs in."""
        return self.split(":")[4]

    @property
    def short(self) -> str:
        """The name without what all of its kind have in common: an execution's own name, a DAG run's ids."""
        return str(self.rpartition(":" if self.is_execution else DAG_RUN)[2])

    @property
    def label(self) -> str:
        """What stands for it in the names of its statements: an execution's name; or a hash, by which state machines
        find them, and the name, cut, for people."""
        if self.is_execution:
            return self.short
        digest = hashlib.sha256(self.encode()).hexdigest()[:DIGITS]
        return f"{digest}{AFTER_DIGITS}{re.sub('[^A-Za-z0-9_.-]', '_', self)[:63]}"
