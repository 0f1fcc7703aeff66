"""The tries of a task that runs SQL. Each names its statement, so that a later try goes on with it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from elt_redshift.aws.statements import Statements
from elt_redshift.protocol import statements
from elt_redshift.protocol.limits import MAX_STATEMENT_NAME
from elt_redshift.protocol.owners import Owner


@dataclass(frozen=True)
class Tries:
    """Those of a task instance since the task was cleared.

    :param statements: those of the Data API.
    :param ti: Airflow's task instance, in the try at hand.
    :param job: the id of the job whose lock the task has; without one, of the DAG.
    :param owner: of the lock, as the audit item has it.
    :param retries: of the task.
    """

    statements: Statements
    ti: Any
    job: str
    owner: str
    retries: int

    def name(self, attempt: int) -> str:
        """The name of a try's statement; a dead owner's statements are found by the part up to the task."""
        index = f"[{self.ti.map_index}]" if self.ti.map_index >= 0 else ""
        task = f"{self.ti.task_id}{index}"
        return "".join(statements.name(self.job, Owner(self.owner).label, task, str(attempt)))[-MAX_STATEMENT_NAME:]

    def token(self, key: str) -> str:
        """What the Data API knows this try's submission by.

        :param key: of the try, see :func:`~elt_redshift.airflow_compat.try_key`.
        """
        name = self.name(self.ti.try_number)
        return hashlib.sha256(f"{self.ti.dag_id}\n{name}\n{key}".encode()).hexdigest()

    def newest(self, attempt: int) -> str | None:
        """The newest statement of the tries up to ``attempt``: not each try has one of its own."""
        # Clearing a task raises max_tries by the tries made so far: the tries since then are those beyond that.
        first = self.ti.max_tries - self.retries + 1
        names = (self.name(number) for number in range(attempt, first - 1, -1))
        return next((found for name in names if (found := self.statements.find(name))), None)

    def going_on(self) -> str | None:
        """The statement of an earlier try, unless it failed."""
        before = self.newest(self.ti.try_number - 1)
        status = self.statements.describe(before) if before else None
        return before if status and (not status.ended or status.status == statements.FINISHED) else None
