"""The part for a job's schedule: EventBridge Scheduler starts an Express state machine, which starts the job's.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-scheduler-schedule.html
"""

from __future__ import annotations

import json
from typing import Any

from elt_redshift.asl.machine import StateMachine
from elt_redshift.asl.patterns.starting import GIVEN, starting_flow
from elt_redshift.aws.template import endings, events, machine, rights
from elt_redshift.aws.template.intrinsics import arn, ref
from elt_redshift.aws.template.part import Named, Part
from elt_redshift.aws.template.roles import allow, allowed, deny_without_tls, document, role
from elt_redshift.job.parts import Schedule
from elt_redshift.job.schedules import expression_of, shortest_gap

#: Logical names. The group is there for its ARN, which the role trusts, and its metrics.
GROUP = "ScheduleGroup"
SCHEDULE = "Schedule"
SCHEDULE_ROLE = "ScheduleRole"
STARTER = "ScheduledStartStepFunction"
STARTER_ROLE = "ScheduledStartRole"
QUEUE = "MissedStarts"

#: What Scheduler takes, in seconds and times.
#: https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html
SHORTEST_AGE, LONGEST_AGE, MOST_RETRIES = 60, 86_400, 185
#: The longest that SQS keeps a message, 14 days.
KEPT_SECONDS = 14 * 24 * 3600


def part(compiled: StateMachine) -> Part:
    """The schedule, what it starts, and the queue for starts that were missed."""
    schedule = compiled.job.schedule
    assert schedule
    flow = starting_flow(schedule, compiled.target, ref(machine.MACHINE), ref(QUEUE))
    starter = allowed(flow.needs(), {"machine": ref(machine.MACHINE), "missed starts": arn(QUEUE)})
    scheduler = [allow(["states:StartExecution"], ref(STARTER)), allow(["sqs:SendMessage"], arn(QUEUE))]
    return Part(
        resources={
            QUEUE: _queue(),
            f"{QUEUE}Policy": _queue_policy(),
            STARTER_ROLE: role("states.amazonaws.com", {"start-runs": [*starter.values()]}),
            STARTER: machine.express(STARTER_ROLE, compiled.starting(ref(machine.MACHINE), ref(QUEUE))),
            GROUP: {"Type": "AWS::Scheduler::ScheduleGroup"},
            SCHEDULE_ROLE: role("scheduler.amazonaws.com", {"start-starting": scheduler}, source=arn(GROUP)),
            SCHEDULE: _schedule(compiled, schedule),
        },
        named={"missed starts": Named(arn(QUEUE))},
        outputs={"MissedStarts": {"Description": "The queue of starts that were missed.", "Value": ref(QUEUE)}},
    )


def _schedule(compiled: StateMachine, schedule: Schedule) -> dict[str, Any]:
    """It starts nothing before all is there that a run needs, and a rate starts the first run at once."""
    target = {
        "Arn": ref(STARTER),
        "RoleArn": arn(SCHEDULE_ROLE),
        "Input": json.dumps(GIVEN),
        "DeadLetterConfig": {"Arn": arn(QUEUE)},
        "RetryPolicy": {"MaximumEventAgeInSeconds": _age(schedule), "MaximumRetryAttempts": MOST_RETRIES},
    }
    return {
        "Type": "AWS::Scheduler::Schedule",
        "DependsOn": [rights.RIGHTS, endings.RULE, *([events.RULE] if compiled.events else [])],
        "Properties": {
            "Description": f"Starts ELT job {compiled.job.job_id} ({compiled.job.name}).",
            "GroupName": ref(GROUP),
            "ScheduleExpression": str(expression_of(schedule)),
            "ScheduleExpressionTimezone": schedule.timezone or "UTC",
            "State": "ENABLED" if schedule.enabled else "DISABLED",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": target,
        },
    }


def _age(schedule: Schedule) -> int:
    """A start is tried until the next one is due, as far as Scheduler tries anything."""
    return int(max(SHORTEST_AGE, min(LONGEST_AGE, shortest_gap(schedule).total_seconds())))


def _queue() -> dict[str, Any]:
    properties = {"MessageRetentionPeriod": KEPT_SECONDS, "SqsManagedSseEnabled": True}
    return {"Type": "AWS::SQS::Queue", "Properties": properties}


def _queue_policy() -> dict[str, Any]:
    """Nobody gets at messages without TLS. Who else may is for IAM to say."""
    refused = document(deny_without_tls("sqs:*", arn(QUEUE)))
    return {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": [ref(QUEUE)], "PolicyDocument": refused}}
