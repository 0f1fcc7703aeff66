"""What alarms look at: the metrics that programs put, those that executions count, and how full queues are.

Alarms go by the clock of schedules, which can be set forward. A datum has its time by that clock, so what is put after
it was set forward is as new as what the schedules have started.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from elt_redshift.local.events.clock import CLOCK

if TYPE_CHECKING:
    from moto.cloudwatch.models import Alarm, CloudWatchBackend, MetricDatumBase

#: The metrics of Step Functions by how an execution has ended.
#: https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
ENDS = {
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "ABORTED": "ExecutionsAborted",
    "TIMED_OUT": "ExecutionsTimedOut",
}
QUEUES, VISIBLE = "AWS/SQS", "ApproximateNumberOfMessagesVisible"


def apply() -> None:
    """Patch moto's CloudWatch: each datum remembers how far the clock of schedules was ahead when it came."""
    from moto.cloudwatch.models import CloudWatchBackend

    kept = CloudWatchBackend.put_metric_data

    def put_metric_data(self: CloudWatchBackend, namespace: str, metric_data: list[dict[str, Any]]) -> None:
        before, ahead = len(self.metric_data), CLOCK.ahead
        kept(self, namespace, metric_data)
        for datum in self.metric_data[before:]:
            datum.ahead = ahead  # type: ignore[attr-defined]

    CloudWatchBackend.put_metric_data = put_metric_data  # type: ignore[method-assign]


def count_end(state_machine: str, status: str) -> None:
    """Count the end of an execution, Express or not.

    :param state_machine: its ARN.
    :param status: of the execution.
    """
    from moto.cloudwatch.models import cloudwatch_backends

    _, _, _, region, account, *_ = state_machine.split(":")
    backend = cloudwatch_backends[account][region]
    _put(backend, "AWS/States", ENDS[status], {"StateMachineArn": state_machine}, 1)


def look_at_queue(backend: CloudWatchBackend, alarm: Alarm) -> None:
    """Put how many messages the queue of an alarm has, if it looks at that of one that there is."""
    from moto.sqs.models import sqs_backends

    name = next((one.value for one in alarm.dimensions if one.name == "QueueName"), None)
    queue = sqs_backends[backend.account_id][backend.region_name].queues.get(str(name))
    if (alarm.namespace, alarm.metric_name) == (QUEUES, VISIBLE) and queue is not None:
        _put(backend, QUEUES, VISIBLE, {"QueueName": str(name)}, queue.approximate_number_of_messages)


def _put(backend: CloudWatchBackend, namespace: str, name: str, dimensions: Mapping[str, str], value: float) -> None:
    named = [{"Name": key, "Value": one} for key, one in dimensions.items()]
    backend.put_metric_data(
        namespace, [{"MetricName": name, "Dimensions": named, "Value": float(value), "Unit": "Count"}]
    )


def values(backend: CloudWatchBackend, alarm: Alarm, now: datetime, periods: int) -> list[float | None]:
    """The statistic of an alarm's metric in each of the latest periods, the newest first; None without a datum."""
    end = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    kept: dict[int, list[MetricDatumBase]] = {}
    for datum in list(backend.metric_data):
        back = int((end - _moment(datum)).total_seconds() // int(alarm.period))
        if 0 <= back < periods and _is_of(datum, alarm):
            kept.setdefault(back, []).append(datum)
    return [_statistic(alarm.statistic, kept[back]) if back in kept else None for back in range(periods)]


def _moment(datum: MetricDatumBase) -> datetime:
    time = datum.timestamp
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return aware + getattr(datum, "ahead", timedelta())


def _is_of(datum: MetricDatumBase, alarm: Alarm) -> bool:
    if (datum.namespace, datum.name) != (alarm.namespace, alarm.metric_name):
        return False
    return {(one.name, one.value) for one in datum.dimensions} == {(one.name, one.value) for one in alarm.dimensions}


def _statistic(name: str, data: list[MetricDatumBase]) -> float:
    from moto.cloudwatch.models import Statistics

    of = Statistics([name], datetime.now(UTC))
    of.metric_data = data
    return float(of.get_statistics_for_type(name) or 0)
