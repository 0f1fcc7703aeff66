"""What tests of operators take in place of Airflow's task instances and of the hook."""

from __future__ import annotations

from typing import Any

from elt_redshift.aws.definitions import Definitions
from elt_redshift.aws.executions import Executions
from elt_redshift.aws.job_ref import JobRef
from elt_redshift.aws.stacks import NotDeployedError
from elt_redshift.aws.statement_status import StatementStatus
from elt_redshift.job.model import EltJob, SqlStatement
from elt_redshift.operators.mirror import MirrorOperator
from elt_redshift.operators.step_functions import StartExecutionOperator
from tests.unit.fake_step_functions import MACHINE, FakeStepFunctions


class FakeTaskInstance:
    """What the operators use of a task instance."""

    dag_id, run_id, task_id = "sales", "manual__2026", "load"

    def __init__(self, try_number: int = 1, max_tries: int = 0, **xcoms: Any) -> None:
        self.try_number, self.max_tries, self.xcoms = try_number, max_tries, xcoms

    @property
    def returned(self) -> Any:
        """The task's value."""
        return self.xcoms["return_value"]

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[key] = value

    def xcom_pull(self, task_ids: str | list[str], key: str) -> Any:
        assert task_ids in ("start_execution", ["start_execution"])
        return [] if isinstance(task_ids, list) else self.xcoms.get(key)

    def get_task_states(self, **_: Any) -> dict[str, dict[str, str]]:
        return {self.run_id: {}}


class FakeHook:
    """The hook over a fake client; its executions never wait for long."""

    def __init__(self, client: FakeStepFunctions) -> None:
        self.client, self.looked_up, self.now = client, list[tuple[str, str | None]](), 0.0
        self.stopped: list[tuple[JobRef, str, str]] = []
        self.alarm: BaseException | None = None

    def executions(self, state_machine_arn: str = "") -> Executions:
        return Executions(self.client, state_machine_arn, sleep=self._sleep, clock=lambda: self.now)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.alarm:
            raise self.alarm

    def stop(self, job: JobRef, execution_arn: str, cause: str) -> None:
        self.stopped.append((job, execution_arn, cause))

    def state_machine(self, job_name: str, stack: str | None) -> str:
        self.looked_up.append((job_name, stack))
        if stack == "missing":
            raise NotDeployedError(job_name)
        return MACHINE

    def executions_of(self, job: JobRef) -> Executions:
        return self.executions(job.state_machine_arn or self.state_machine(job.name, job.stack))

    def audit_of(self, job: JobRef) -> None:
        return None

    def definitions(self) -> Definitions:
        return Definitions(self.client, lambda: None)

    def statement(self, statement_id: str) -> StatementStatus | None:
        return StatementStatus(statement_id, "FINISHED", rows=7) if statement_id == "s-1" else None


def execute(operator: Any, ti: FakeTaskInstance) -> Any:
    return operator.execute({"ti": ti})


def make_start(job: EltJob, **options: Any) -> StartExecutionOperator:
    return StartExecutionOperator(task_id="start_execution", job=job, **options)


def standing(*places: str) -> tuple[SqlStatement, ...]:
    """Statements at those places."""
    return tuple(SqlStatement(text="select 1", place=place) for place in places)


def make_mirror(**options: Any) -> MirrorOperator:
    return MirrorOperator(task_id="load", **options)
