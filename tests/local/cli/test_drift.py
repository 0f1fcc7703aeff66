"""What somebody has deleted or disabled of what starts a job's runs and tells of them: it is told, with what helps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from elt_redshift.local.faults import Faults
from elt_redshift.local.process import LocalAws
from elt_redshift.local.regions import ACCOUNT
from tests.local.cli.conftest import Cli

JOB = 'job_id: "{name}"\nname: {name}\ntasks:\n  a: {{statement: "select 1", wait: event}}\n'
#: No clock that a test moves comes so far.
SCHEDULE = 'schedule: {cron: "0 3 * * ? 2199"}\n'
OFF = SCHEDULE.replace("}", ", enabled: false}")
NOTIFY = "notify: {sns: new, alarms: true}\n"

Deploy = Callable[..., str]


@pytest.fixture
def deploy(tmp_path: Path, cli: Cli, unique: str) -> Iterator[Deploy]:
    """Deploys the job with these lines; gives what is said on stderr. At the end it is gone."""

    def made(*lines: str) -> str:
        (tmp_path / "job.yaml").write_text(JOB.format(name=unique) + "".join(lines))
        status, out, err = cli("deploy", tmp_path, "--stack", unique, "--cluster", "c", "--user", "u")
        assert status == 0, out + err
        return err

    assert "Warning" not in made(SCHEDULE, NOTIFY)
    yield made
    cli("destroy", tmp_path, "--all", "--yes")
    assert unique not in str(cli("status"))


def _made(stack: str) -> dict[str, str]:
    """The names of what is there, by those in the template."""
    found = boto3.client("cloudformation").list_stack_resources(StackName=stack)["StackResourceSummaries"]
    return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found}


def _warnings(err: str) -> list[str]:
    return [line.removeprefix("Warning: ") for line in err.splitlines() if line.startswith("Warning: ")]


def _told(cli: Cli, folder: Path, stack: str) -> list[str]:
    """What ``status`` tells of the job, and with it every other command that tells of this."""
    status, _, err = cli("status", folder)
    found = _warnings(err)
    assert status == 0
    assert {*found} == {one for one in _warnings(cli("status")[2]) if f"stack {stack} " in one}
    role = f"arn:aws:iam::{ACCOUNT}:role/{_made(stack)['RunEndRole']}"  # anybody's rights
    assert found == _warnings(cli("check", folder, "--aws", "--as", "operator", "--principal", role)[2])
    assert found == _warnings(cli("deploy", folder, "--stack", stack, "--dry-run")[2])
    return found


def _delete_rule(name: str) -> None:
    client: Any = boto3.client("events")
    client.remove_targets(Rule=name, Ids=[one["Id"] for one in client.list_targets_by_rule(Rule=name)["Targets"]])
    client.delete_rule(Name=name)


def test_what_is_deleted_is_told_and_brought_back(deploy: Deploy, cli: Cli, tmp_path: Path, unique: str) -> None:
    """Each by what is said: the schedule, the alarms and the topic by two deployments, the rules by making all anew."""
    made = _made(unique)
    boto3.client("scheduler").delete_schedule(Name=made["Schedule"], GroupName=made["ScheduleGroup"])
    boto3.client("cloudwatch").delete_alarms(AlarmNames=[made["RunsFailedAlarm"]])
    (topic,) = (name for name in made.values() if name.startswith("arn:aws:sns:"))
    boto3.client("sns").delete_topic(TopicArn=topic)
    for rule in ("RunEndRule", "StatementEventRule"):
        _delete_rule(made[rule])
    said = f"of stack {unique} was deleted outside of it."
    notify = f"{said} Deploy the job without its `notify`, then with it, and subscribe to the topic anew."
    anew = (
        f"{said} A deployment does not make it anew: delete the rest with `elt-redshift destroy`, then deploy the job "
    )
    rules = {f"event rule {made[rule]} {anew}as the first time." for rule in ("RunEndRule", "StatementEventRule")}
    schedule = (
        f"schedule {made['Schedule']} {said} It starts no run. Deploy the job without its `schedule`, then with it."
    )
    others = {schedule, f"alarm {made['RunsFailedAlarm']} {notify}", f"topic {topic} {notify}"}
    assert {*_told(cli, tmp_path, unique)} == rules | others
    assert {*_warnings(deploy())} == rules | others
    assert {*_warnings(deploy(SCHEDULE, NOTIFY))} == rules
    assert {*_told(cli, tmp_path, unique)} == rules
    status, out, err = cli("destroy", tmp_path, "--all", "--yes")
    assert (status, err) == (0, ""), out
    assert _warnings(deploy(SCHEDULE, NOTIFY)) == []
    assert _told(cli, tmp_path, unique) == []


def test_what_is_disabled_is_told_and_enabled(deploy: Deploy, cli: Cli, tmp_path: Path, unique: str) -> None:
    """Each by what is said. What the job has disabled is told by nothing."""
    made, client = _made(unique), boto3.client
    scheduler: Any = client("scheduler")
    named = {"Name": made["Schedule"], "GroupName": made["ScheduleGroup"]}

    def state() -> dict[str, Any]:
        kept = ("ScheduleExpression", "ScheduleExpressionTimezone", "FlexibleTimeWindow", "Target", "State")
        found = scheduler.get_schedule(**named)
        return {**named, **{member: found[member] for member in kept}}

    scheduler.update_schedule(**{**state(), "State": "DISABLED"})
    client("cloudwatch").disable_alarm_actions(AlarmNames=[made["RunsFailedAlarm"]])
    client("events").disable_rule(Name=made["RunEndRule"])
    said = f"of stack {unique} was disabled outside of it."
    schedule = (
        f"schedule {made['Schedule']} {said} It starts no run. Deploy the job with `enabled: false` in its `schedule`, "
        "then without that."
    )
    assert {*_told(cli, tmp_path, unique)} == {
        schedule,
        f"alarm {made['RunsFailedAlarm']} {said} It tells nobody. Enable it: "
        f"`aws cloudwatch enable-alarm-actions --alarm-names {made['RunsFailedAlarm']}`.",
        f"event rule {made['RunEndRule']} {said} Enable it: `aws events enable-rule --name {made['RunEndRule']}`.",
    }
    client("cloudwatch").enable_alarm_actions(AlarmNames=[made["RunsFailedAlarm"]])
    client("events").enable_rule(Name=made["RunEndRule"])
    assert _warnings(deploy(OFF, NOTIFY)) == [schedule]
    assert _told(cli, tmp_path, unique) == []
    assert (state()["State"], _warnings(deploy(SCHEDULE, NOTIFY))) == ("DISABLED", [])
    assert (state()["State"], _told(cli, tmp_path, unique)) == ("ENABLED", [])


@pytest.mark.parametrize(
    ("service", "operation"),
    [("cloudformation", "ListStackResources"), ("events", "DescribeRule"), ("cloudformation", "GetTemplate")],
)
def test_who_may_not_ask_is_told_nothing_else_than_before(
    deploy: Deploy, cli: Cli, tmp_path: Path, unique: str, local_aws: LocalAws, service: str, operation: str
) -> None:
    """Rights of a policy from before these questions suffice for everything else."""
    deploy(OFF)
    with Faults(local_aws) as faults:
        faults.fail(service, operation, "AccessDenied", "You may not.", times=1)
        status, _, err = cli("status", tmp_path)
    assert (status, err) == (0, "")
