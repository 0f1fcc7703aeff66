"""The part for alarms: all but one look at AWS's own metrics, and so tell what the machine behind the ends of runs does
not, or does not any more. That one looks at what the machine counts, and rings also when nothing is counted.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-cloudwatch-alarm.html
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

from elt_redshift.aws.template import endings, machine, schedule
from elt_redshift.aws.template.intrinsics import ref
from elt_redshift.aws.template.part import Part
from elt_redshift.aws.template.topic import topic_of
from elt_redshift.job.model import EltJob
from elt_redshift.job.parts import Schedule
from elt_redshift.job.schedules import longest_span
from elt_redshift.protocol import metrics

#: Metrics are summed over so many seconds.
PERIOD = 300
HOUR, DAY = 3_600, 86_400

_UNTOLD = "What follows the ends of runs of ELT job {} has failed: notifications may be missing."
_MISSED = "The schedule of ELT job {} could not start a run: the queue of missed starts says when, and why."


def part(job: EltJob) -> Part:
    """The alarms of a job, which tell by its topic."""
    what = {
        "RunsFailedAlarm": ("Runs of ELT job {} failed.", machine.MACHINE, "ExecutionsFailed"),
        "RunsTimedOutAlarm": ("Runs of ELT job {} ran out of time.", machine.MACHINE, "ExecutionsTimedOut"),
        "RunEndFailedAlarm": (_UNTOLD, endings.MACHINE, "ExecutionsFailed"),
        "RunEndTimedOutAlarm": (_UNTOLD, endings.MACHINE, "ExecutionsTimedOut"),
    }
    made = {
        name: of_runs(text.format(job.name), topic_of(job), of, metric) for name, (text, of, metric) in what.items()
    }
    if job.schedule:
        made["MissedStartsAlarm"] = of_missed_starts(_MISSED.format(job.name), topic_of(job))
        if job.schedule.enabled and job.notify and job.notify.not_succeeded_for:
            made["NotSucceededAlarm"] = of_no_success(
                job.name, topic_of(job), job.schedule, job.notify.not_succeeded_for
            )
    return Part(resources=made)


def of_runs(description: str, topic: Any, state_machine: str, metric: str) -> dict[str, Any]:
    """An alarm that rings when a metric of a state machine's executions is above 0.

    https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html

    :param state_machine: its logical name.
    """
    return _above_none(description, topic, "AWS/States", metric, "Sum", {"StateMachineArn": ref(state_machine)})


def of_missed_starts(description: str, topic: Any) -> dict[str, Any]:
    """An alarm that rings as long as there is something in the queue of a schedule's missed starts.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    """
    queue = {"QueueName": {"Fn::GetAtt": [schedule.QUEUE, "QueueName"]}}
    return _above_none(description, topic, "AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", queue)


def of_no_success(name: str, topic: Any, schedule: Schedule, periods: int) -> dict[str, Any]:
    """An alarm that rings when no run of a job has done its work for so many periods of its schedule.

    :param name: the job's.
    """
    span = longest_span(schedule, periods)
    alarm = _alarm(
        f"No run of ELT job {name} has done its work for {periods} periods of its schedule ({span}).",
        topic,
        {"Namespace": metrics.NAMESPACE, "MetricName": metrics.RUNS_SUCCEEDED, "Statistic": "Sum"},
        {metrics.STATE_MACHINE: ref(machine.MACHINE)},
    )
    watched = {"Threshold": 1, "ComparisonOperator": "LessThanThreshold", "TreatMissingData": "breaching"}
    alarm["Properties"] |= {**watched, **looking_back(int(span.total_seconds()))}
    return alarm


def looking_back(seconds: int) -> dict[str, int]:
    """The periods in which an alarm looks back so far, at least: up to 60 of whole minutes for up to a day, which is
    the longest that CloudWatch takes for periods of less than an hour, and else hours, for up to 7 days.

    They are short beside the whole, since CloudWatch looks at some periods more than it was told where data are
    missing: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
    """
    period = HOUR if seconds > DAY else 60 * ceil(seconds / HOUR)
    return {"Period": period, "EvaluationPeriods": ceil(seconds / period)}


def _above_none(
    description: str, topic: Any, namespace: str, metric: str, statistic: str, dimensions: Mapping[str, Any]
) -> dict[str, Any]:
    of = {"Namespace": namespace, "MetricName": metric, "Statistic": statistic}
    alarm = _alarm(description, topic, of, dimensions)
    watched = {"Threshold": 0, "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "notBreaching"}
    alarm["Properties"] |= {"Period": PERIOD, "EvaluationPeriods": 1, **watched}
    return alarm


def _alarm(description: str, topic: Any, of: Mapping[str, str], dimensions: Mapping[str, Any]) -> dict[str, Any]:
    properties = {
        "AlarmDescription": description,
        "AlarmActions": [topic],
        **of,
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
    }
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}
