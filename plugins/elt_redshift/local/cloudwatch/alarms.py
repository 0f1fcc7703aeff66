"""Alarms on one metric are evaluated each minute, change their state and tell topics of that.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from elt_redshift.local.cloudwatch import metrics
from elt_redshift.local.cloudwatch.evaluation import BREACHES, Rule
from elt_redshift.local.events.delivery import client
from elt_redshift.local.events.ticker import Timed

if TYPE_CHECKING:
    from moto.cloudwatch.models import Alarm, CloudWatchBackend

log = logging.getLogger("elt_redshift.local.cloudwatch")


def apply() -> None:
    """Patch moto's alarms: a new one knows nothing yet, and one that is put again keeps its state."""
    from moto.cloudwatch.models import CloudWatchBackend

    metrics.apply()
    made = CloudWatchBackend.put_metric_alarm

    def put_metric_alarm(self: CloudWatchBackend, *args: Any, **kwargs: Any) -> Alarm:
        before = dict(self.alarms)
        alarm = made(self, *args, **kwargs)
        if known := before.get(alarm.name):
            kept = ("state_value", "state_reason", "state_reason_data", "state_updated_timestamp", "history")
            vars(alarm).update({name: getattr(known, name) for name in kept})
        else:
            alarm.state_value = "INSUFFICIENT_DATA"
        return alarm

    CloudWatchBackend.put_metric_alarm = put_metric_alarm  # type: ignore[method-assign]


def evaluations() -> Iterator[Timed]:
    """The evaluation of all alarms, once a minute, if there are any."""
    from moto.cloudwatch.models import cloudwatch_backends

    for account, regions in list(cloudwatch_backends.items()):
        for region, backend in list(regions.items()):
            if backend.alarms:
                name = f"arn:aws:cloudwatch:{region}:{account}:alarms"
                yield Timed(name, "rate(1 minute)", partial(_evaluate, backend), at_once=True)


def _evaluate(backend: CloudWatchBackend, now: datetime) -> None:
    for alarm in list(backend.alarms.values()):
        try:
            _evaluate_one(backend, alarm, now)
        except Exception:
            log.exception("the alarm %s could not be evaluated", alarm.name)


def _evaluate_one(backend: CloudWatchBackend, alarm: Alarm, now: datetime) -> None:
    """Alarms on expressions, anomalies, percentiles and other alarms stay as they are."""
    if alarm.rule or not alarm.statistic or alarm.comparison_operator not in BREACHES:
        return
    metrics.look_at_queue(backend, alarm)
    periods = int(alarm.evaluation_periods)
    rule = Rule(
        alarm.comparison_operator,
        float(alarm.threshold),
        periods,
        int(alarm.datapoints_to_alarm or periods),
        alarm.treat_missing_data or "missing",
    )
    before: Any = alarm.state_value
    state, reason = rule.judge(metrics.values(backend, alarm, now, rule.looked_at), before)
    if state != before:
        alarm.update_state(reason, "{}", state)
        _tell(alarm, before, now)


def _tell(alarm: Alarm, before: str, now: datetime) -> None:
    """Publish to the topics that the new state names. What it does else, to other services, goes to the log."""
    state = str(alarm.state_value)
    actions = {"ALARM": alarm.alarm_actions, "OK": alarm.ok_actions}.get(state, alarm.insufficient_data_actions)
    region = _region_name(alarm.region_name)
    for action in actions or [] if alarm.actions_enabled else []:
        if action.split(":")[2] != "sns":
            log.error("the embedded AWS does not do the action %s of the alarm %s", action, alarm.name)
            continue
        message = json.dumps(_message(alarm, before, now, region))
        subject = f'{state}: "{alarm.name}" in {region}'[:100]
        client("sns", action.split(":")[3]).publish(TopicArn=action, Subject=subject, Message=message)


def _message(alarm: Alarm, before: str, now: datetime, region: str) -> dict[str, Any]:
    """What subscribers get.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    """
    return {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": alarm.alarm_arn.split(":")[4],
        "NewStateValue": alarm.state_value,
        "NewStateReason": alarm.state_reason,
        "StateChangeTime": now.isoformat(timespec="milliseconds").replace("+00:00", "+0000"),
        "Region": region,
        "AlarmArn": alarm.alarm_arn,
        "OldStateValue": before,
        "OKActions": alarm.ok_actions or [],
        "AlarmActions": alarm.alarm_actions or [],
        "InsufficientDataActions": alarm.insufficient_data_actions or [],
        "Trigger": {
            "MetricName": alarm.metric_name,
            "Namespace": alarm.namespace,
            "StatisticType": "Statistic",
            "Statistic": alarm.statistic.upper(),
            "Dimensions": [{"name": one.name, "value": one.value} for one in alarm.dimensions],
            "Period": int(alarm.period),
            "EvaluationPeriods": int(alarm.evaluation_periods),
            "ComparisonOperator": alarm.comparison_operator,
            "Threshold": float(alarm.threshold),
            "TreatMissingData": alarm.treat_missing_data or "missing",
        },
    }


@cache
def _region_name(region: str) -> str:
    """A region as subjects name it: ``US East (N. Virginia)``."""
    from botocore.loaders import create_loader

    partitions = create_loader().load_data("partitions")["partitions"]
    return str(next((one["regions"][region]["description"] for one in partitions if region in one["regions"]), region))
