"""The part for alarms: they look at AWS's own metrics, and so tell what the machine behind the ends of runs does not,
or does not any more.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-cloudwatch-alarm.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elt_redshift.aws.template import endings, machine, schedule
from elt_redshift.aws.template.intrinsics import ref
from elt_redshift.aws.template.part import Part
from elt_redshift.aws.template.topic import topic_of
from elt_redshift.job.model import EltJob

#: Metrics are summed over so many seconds.
PERIOD = 300

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


def _above_none(
    description: str, topic: Any, namespace: str, metric: str, statistic: str, dimensions: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmDescription": description,
            "AlarmActions": [topic],
            "Namespace": namespace,
            "MetricName": metric,
            "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
            "Statistic": statistic,
            "Period": PERIOD,
            "EvaluationPeriods": 1,
            "Threshold": 0,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
        },
    }
