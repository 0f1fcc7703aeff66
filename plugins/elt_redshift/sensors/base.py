"""What our sensors share: they poke from a worker, or wait in the triggerer."""

from __future__ import annotations

from abc import abstractmethod
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from elt_redshift.airflow_compat import (
    AirflowFailException,
    AirflowSkipException,
    BaseSensorOperator,
    Context,
    bounded,
    default_deferrable,
    sensor_timeout,
    task_timeout,
)
from elt_redshift.operators.base import AwsOperator

if TYPE_CHECKING:
    from airflow.triggers.base import BaseTrigger


class AwsSensor(AwsOperator, BaseSensorOperator):
    """A sensor over AWS, in each of Airflow's ways to wait: ``mode`` ``poke`` or ``reschedule``, or deferred.

    :param deferrable: wait in the triggerer. Default: as ``[operators] default_deferrable`` of Airflow's configuration
        says where somebody has set that, and in the triggerer where nobody has, unless a ``mode`` is given.
    :param poke_interval: seconds between two looks.
    """

    def __init__(
        self,
        *,
        deferrable: bool | None = None,
        poke_interval: timedelta | float = 10.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(poke_interval=poke_interval, **kwargs)
        self.deferrable = ("mode" not in kwargs and default_deferrable()) if deferrable is None else deferrable

    @abstractmethod
    def poke(self, context: Context) -> bool:
        """Whether the wait is over."""

    @abstractmethod
    def trigger(self, context: Context, timeout: float) -> BaseTrigger:
        """What waits in the triggerer, for so many seconds; whatever it says, :meth:`poke` is asked again."""

    def execute(self, context: Context) -> Any:
        if not self.deferrable:
            return super().execute(context)
        try:
            return self._wait(context, datetime.now(UTC) + bounded(self, context, timedelta(seconds=self.timeout)))
        except (AirflowFailException, sensor_timeout()) as error:
            if self.soft_fail or self.never_fail:  # as Airflow's class does for the other ways to wait
                raise AirflowSkipException(str(error)) from error
            raise

    def execute_complete(self, context: Context, event: Any = None, deadline: str = "") -> Any:
        """Resume when the wait may be over."""
        return self._wait(context, datetime.fromisoformat(deadline))

    def _wait(self, context: Context, deadline: datetime) -> None:
        if self.poke(context):
            return
        left = deadline - datetime.now(UTC)
        if left <= timedelta():
            self._too_late()
        self.defer(
            trigger=self.trigger(context, left.total_seconds()),
            method_name="execute_complete",
            kwargs={"deadline": deadline.isoformat()},
            timeout=left,
        )

    def _too_late(self) -> None:
        """Never returns."""
        whole, limit = timedelta(seconds=self.timeout), self.execution_timeout
        if limit is not None and limit < whole:
            raise task_timeout()(f"Task {self.task_id} has waited for its execution_timeout of {limit}.")
        raise sensor_timeout()(f"Task {self.task_id} has waited for its timeout of {whole}.")
