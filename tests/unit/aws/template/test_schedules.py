"""What of a template starts runs by itself."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from botocore.validate import validate_parameters

from elt_redshift.aws.template.machine import MACHINE
from elt_redshift.job.model import Schedule
from tests.unit.asl.jobs import JOBS, job, task
from tests.unit.aws.template.rendered import inline_policies, template_of


def _scheduled(**schedule: Any) -> dict[str, Any]:
    made = job(task("a"), schedule=Schedule(**schedule))
    return template_of(made)["Resources"]


def test_only_a_schedule_brings_what_starts_runs() -> None:
    """The scheduler starts an Express machine, which starts the job's; what fails for good goes to the queue."""
    assert not {"Schedule", "ScheduleGroup", "MissedStarts"} & set(template_of(JOBS["n"])["Resources"])
    resources = _scheduled(cron="30 5 * * ? *", timezone="Europe/Berlin")
    schedule = resources["Schedule"]["Properties"]
    assert schedule["ScheduleExpression"] == "cron(30 5 * * ? *)"
    assert schedule["ScheduleExpressionTimezone"] == "Europe/Berlin"
    assert (schedule["State"], schedule["FlexibleTimeWindow"]) == ("ENABLED", {"Mode": "OFF"})
    assert schedule["Target"]["Arn"] == {"Ref": "ScheduledStartStepFunction"}
    queue = {"Fn::GetAtt": ["MissedStarts", "Arn"]}
    assert schedule["Target"]["DeadLetterConfig"] == {"Arn": queue}
    assert inline_policies(resources["ScheduleRole"]) == [
        (["states:StartExecution"], {"Ref": "ScheduledStartStepFunction"}),
        (["sqs:SendMessage"], queue),
    ]
    assert inline_policies(resources["ScheduledStartRole"]) == [
        (["states:StartExecution"], {"Ref": MACHINE}),
        (["sqs:SendMessage"], queue),
    ]


def test_a_schedule_starts_nothing_before_a_run_has_its_rights() -> None:
    """A rate starts the first run at once: what a run needs beside the machine is there by then."""
    assert _scheduled(rate="5 minutes")["Schedule"]["DependsOn"] == ["StateMachineRights", "RunEndRule"]


@pytest.mark.parametrize(
    ("schedule", "seconds"),
    [({"rate": "1 minute"}, 60), ({"rate": "5 minutes"}, 300), ({"rate": "3 days"}, 86_400)],
)
def test_a_start_is_tried_until_the_next_one(schedule: dict[str, str], seconds: int) -> None:
    """What could not be started when the next start is due is a message in the queue."""
    policy = _scheduled(**schedule)["Schedule"]["Properties"]["Target"]["RetryPolicy"]
    assert policy == {"MaximumEventAgeInSeconds": seconds, "MaximumRetryAttempts": 185}


def test_what_the_scheduler_is_told_fits_its_api() -> None:
    """CreateSchedule of AWS's service model takes every property, with its types and limits."""
    properties = _scheduled(rate="5 minutes", enabled=False)["Schedule"]["Properties"]
    arn = "arn:aws:iam::123456789012:role/r"
    queue = {"Arn": "arn:aws:sqs:us-east-1:123456789012:q"}
    target = {**properties["Target"], "Arn": arn, "RoleArn": arn, "DeadLetterConfig": queue}
    shape = botocore.session.get_session().get_service_model("scheduler").operation_model("CreateSchedule").input_shape
    given = {**properties, "Name": "n", "GroupName": "g", "Target": target}
    assert not validate_parameters(given, shape)
    assert given["State"] == "DISABLED"
