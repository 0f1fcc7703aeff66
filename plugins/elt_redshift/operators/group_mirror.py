"""Show what a group of a job's tasks does in its execution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from elt_redshift.airflow_compat import Context
from elt_redshift.job.parts import SqlStatement
from elt_redshift.job.statements import places
from elt_redshift.operators.mirror import MirrorOperator
from elt_redshift.runs import causes
from elt_redshift.triggers.outcome import RUN, Outcome


class GroupMirrorOperator(MirrorOperator):
    """Shows what a group of tasks of an execution does, as :class:`~elt_redshift.operators.mirror.MirrorOperator` shows
    one task.

    Its log tells of each task as it ends. It ends once all of them have ended, or their execution has: it fails with
    the failure that was first, and cleared, lets go on those of its tasks that have not succeeded; where all have, they
    run again. XCom ``seconds`` is the time from the first start to the last end, ``rows`` the sum.

    :param group: the group's tasks, and the SQL of each; ``task_name`` is the group's name.
    :param given: what MirrorOperator takes besides ``statements``.
    """

    def __init__(self, *, group: Mapping[str, Sequence[SqlStatement]], **given: Any) -> None:
        self.group = {task: tuple(statements) for task, statements in group.items()}
        super().__init__(**given)

    @property
    def tasks(self) -> tuple[str, ...]:
        return tuple(self.group)

    def render_template_fields(self, context: Context, jinja_env: Any = None) -> None:
        """Show the values that the job was started with; which tasks there are is the task's documentation."""
        super().render_template_fields(context, jinja_env)
        run = context["ti"].xcom_pull(task_ids=self.start_task_id, key=RUN) or {}
        self.sql, self.parameters = None, dict(run.get("parameters", {}))

    def _failed(self, outcome: Outcome) -> str:
        task = outcome.task or self.task_name
        where = places(self.group.get(task, ()), self.fenced)
        remedy = f"{outcome.beside} {causes.CLEAR_JOB}" if outcome.beside else causes.CLEAR_JOB
        return causes.task_failed(task, outcome.message, outcome.statement_id, where, remedy)
