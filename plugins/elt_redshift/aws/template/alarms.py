"""The part for alarms: they look at Step Functions' own metrics, and so tell what the machine behind the ends of runs
does not, or does not any more.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-cloudwatch-alarm.html
"""

from __future__ import annotations

from typing import Any

from elt_redshift.aws.template import endings, machine
from elt_redshift.aws.template.intrinsics import ref
from elt_redshift.aws.template.part import Part
from elt_redshift.aws.template.topic import topic_of
from elt_redshift.job.model import EltJob

#: Metrics are summed over so many seconds.
PERIOD = 300

_UNTOLD = "What follows the ends of runs of ELT job {} has failed: notifications may be missing."


def part(job: EltJob) -> Part:
    """The alarms of a job, which tell by its topic."""
    what = {
        "RunsFailedAlarm": ("Runs of ELT job {} failed.", machine.MACHINE, "ExecutionsFailed"),
        "RunsTimedOutAlarm": ("Runs of ELT job {} ran out of time.", machine.MACHINE, "ExecutionsTimedOut"),
        "RunEndFailedAlarm": (_UNTOLD, endings.MACHINE, "ExecutionsFailed"),
        "RunEndTimedOutAlarm": (_UNTOLD, endings.MACHINE, "ExecutionsTimedOut"),
    }
    made = {name: alarm(text.format(job.name), topic_of(job), of, metric) for name, (text, of, metric) in what.items()}
    return Part(resources=made)


def alarm(description: str, topic: Any, state_machine: str, metric: str) -> dict[str, Any]:
    """An alarm that rings when a metric of a state machine's executions is above 0.

    https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html

    :param state_machine: its logical name.
    """
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmDescription": description,
            "AlarmActions": [topic],
            "Namespace": "AWS/States",
            "MetricName": metric,
            "Dimensions": [{"Name": "StateMachineArn", "Value": ref(state_machine)}],
            "Statistic": "Sum",
            "Period": PERIOD,
            "EvaluationPeriods": 1,
            "Threshold": 0,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
        },
    }
