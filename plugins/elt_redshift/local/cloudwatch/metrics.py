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
#: The data of a metric by the minute that they are of.
_Minutes = dict[int, list["MetricDatumBase"]]

QUEUES, VISIBLE = "AWS/SQS", "ApproximateNumberOfMessagesVisible"


def apply() -> None:
    """Patch moto's CloudWatch: each datum is kept by its metric and its minute, as far ahead as the clock of schedules
    was when it came. An alarm is judged each minute, also of a day that passes at once, and cannot go through all."""
    from moto.cloudwatch.models import CloudWatchBackend

    kept = CloudWatchBackend.put_metric_data

    def put_metric_data(self: CloudWatchBackend, namespace: str, metric_data: list[dict[str, Any]]) -> None:
        before, ahead = len(self.metric_data), CLOCK.ahead
        kept(self, namespace, metric_data)
        for datum in self.metric_data[before:]:
            minutes = _of_metric(self, datum.namespace, datum.name, datum.dimensions)
            minutes.setdefault(_minute(datum.timestamp, ahead), []).append(datum)

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
    minutes = _of_metric(backend, alarm.namespace, alarm.metric_name, alarm.dimensions)
    last, length = _minute(now), max(1, int(alarm.period) // 60)
    kept: dict[int, list[MetricDatumBase]] = {}
    span = range(last, last - length * periods, -1)
    for minute in span if len(span) < len(minutes) else [one for one in list(minutes) if one in span]:
        if minute in minutes:
            kept.setdefault((last - minute) // length, []).extend(minutes[minute])
    return [_statistic(alarm.statistic, kept[back]) if back in kept else None for back in range(periods)]


def _of_metric(backend: CloudWatchBackend, namespace: str, name: str, dimensions: Any) -> _Minutes:
    """The data of a metric, by the minutes since 1970 that they are of."""
    metrics: dict[Any, _Minutes] = vars(backend).setdefault("data_by_minute", {})
    return metrics.setdefault((namespace, name, frozenset((one.name, one.value) for one in dimensions)), {})


def _minute(time: datetime, ahead: timedelta = timedelta()) -> int:
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return int((aware + ahead).timestamp() // 60)


def _statistic(name: str, data: list[MetricDatumBase]) -> float:
    from moto.cloudwatch.models import Statistics

    of = Statistics([name], datetime.now(UTC))
    of.metric_data = data
    return float(of.get_statistics_for_type(name) or 0)
