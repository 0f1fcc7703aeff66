"""What people read of a run that did not succeed: one line each, and nothing of the state machine's inner workings."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from elt_redshift.aws.run_items import items_of
from elt_redshift.cli.watch import failures
from elt_redshift.job.model import EltJob, Layout, LockPolicy, OnTaskFailure, Parameter, Wait
from elt_redshift.runs.history import TaskRuns
from elt_redshift.triggers.outcome import Outcome, outcome_of
from tests import bounds
from tests.cases import exhaustive
from tests.local.runs.conftest import Barrier, DeployedJob
from tests.local.waiting import wait_for
from tests.unit.asl.jobs import job, task

Deploy = Callable[[EltJob], DeployedJob]

INNER_WORKINGS = re.compile(r"States\.|JSONata|D3137|RedshiftData|DynamoD[Bb]\.|Sfn\.|\$states")
DIVISION = "ERROR: division by zero"


class Words:
    """Whatever is printed, stored or sent about an execution that has ended."""

    def __init__(self, deployed: DeployedJob, arn: str) -> None:
        self._deployed, runs = deployed, TaskRuns()
        snapshot = deployed.executions.look(arn, runs)
        self.outcomes: dict[str, Outcome | None] = {
            name: outcome_of(name, snapshot) for name in deployed.job.task_names
        }
        snapshot = deployed.executions.look(arn, TaskRuns({t.name: t.upstream for t in deployed.job.tasks}))
        self.lines = failures(deployed.job, snapshot)
        self.reports = items_of(deployed.client("dynamodb"), runs.items) if runs.items else []
        item = deployed.client("dynamodb").get_item(TableName=deployed.audit.table, Key={"JobID": {"S": "101"}})
        self.item: dict[str, Any] = item.get("Item", {})
        self.kept = deployed.kept(arn, snapshot.execution.redrive_count)

    @property
    def all(self) -> str:
        events = [outcome.to_event() for outcome in self.outcomes.values() if outcome]
        return json.dumps([events, self.lines, list(self.reports), self.item, self.kept.message])

    def of(self, name: str) -> str:
        outcome = self.outcomes[name]
        assert outcome is not None
        return str(outcome.message)


WAITS = [("unrolled", "long_poll"), ("unrolled", "event"), ("map", "long_poll")]
FORMS = [(*wait, end) for wait in WAITS for end in ("stop", "finish_independent")]


#: Each layout, each way to wait and both ends of a failure in each layout are among the quick ones.
@pytest.mark.parametrize(
    ("layout", "wait", "on_task_failure"), exhaustive(FORMS, quick=[FORMS[0], FORMS[3], FORMS[4], FORMS[5]])
)
def test_a_failure_and_its_neighbours(
    deploy: Deploy, barrier: Barrier, layout: Layout, wait: Wait, on_task_failure: OnTaskFailure
) -> None:
    """The failed task has Redshift's words, in every form of the state machine; its neighbours say that it failed."""
    bad = task("bad", sql=("select 1", "select 1/0"), wait=wait)
    tasks = (bad, task("slow", sql=(barrier.pass_,), wait=wait), task("last", "bad", "slow"))
    deployed = deploy(job(*tasks, layout=layout, on_task_failure=on_task_failure))
    arn = deployed.start()
    deployed.until(arn, lambda runs: runs["bad"].status == "failed")
    if on_task_failure == "finish_independent":
        barrier.open()
    assert deployed.end(arn).status == "FAILED"
    words = Words(deployed, arn)
    failed = words.outcomes["bad"]
    assert failed is not None
    assert (failed.status, failed.message) == ("failed", DIVISION)
    stopped = "last" if on_task_failure == "finish_independent" else "slow"
    what = "did not start" if stopped == "last" and layout == "unrolled" else "was stopped"
    assert words.of(stopped).startswith(f"Task {stopped} {what}, because bad failed: {DIVISION}. Mend it, ")
    place = bad.statements[1].place
    assert words.lines == [
        f"Task bad failed at {place}: {DIVISION} (statement {failed.statement_id}). Mend it, deploy the job if its SQL "
        f"has changed, and run `elt-redshift redrive {deployed.job.name}`."
    ]
    assert (words.item["FailedTask"], words.item["FailureMessage"]) == ({"S": "bad"}, {"S": DIVISION})
    assert (words.kept.task, words.kept.message) == ("bad", DIVISION)
    assert not INNER_WORKINGS.search(words.all), words.all


def _refused(deploy: Deploy, barrier: Barrier) -> tuple[Words, str]:
    """The Data API does not take the statement."""
    unused = task("a", sql=("select 1",), parameters=("p",))
    deployed = deploy(job(unused, parameters=(Parameter(name="p", default="1"),)))
    return Words(deployed, deployed.run().arn), "Task a failed at a.sql:1: The Data API refused it: "


def _locked(deploy: Deploy, barrier: Barrier) -> tuple[Words, str]:
    """Another run is under way."""
    deployed = deploy(job(task("a", sql=(barrier.pass_,)), lock=LockPolicy(when_locked="fail")))
    first = deployed.start()
    deployed.until_submitted(first, "a")
    second = deployed.run()
    return Words(deployed, second.arn), f"Execution {second.name} failed: Job 101 is Running, held by {first}"


def _without_a_parameter(deploy: Deploy, barrier: Barrier) -> tuple[Words, str]:
    """A parameter that has no default is not given."""
    deployed = deploy(job(task("a", sql=("select :p",), parameters=("p",)), parameters=(Parameter(name="p"),)))
    execution = deployed.run()
    said = "Job sample cannot start. The parameter 'p' has no default and no value. Give it: p=value"
    return Words(deployed, execution.arn), f"Execution {execution.name} failed: {said}"


def _stopped(deploy: Deploy, barrier: Barrier) -> tuple[Words, str]:
    """Somebody stops it in the console, without a word."""
    deployed = deploy(job(task("a", sql=(barrier.pass_,))))
    arn = deployed.start()
    deployed.until_submitted(arn, "a")
    deployed.client("stepfunctions").stop_execution(executionArn=arn)
    name = arn.rpartition(":")[2]
    return Words(deployed, deployed.end(arn).arn), f"Execution {name} was stopped: somebody stopped it, and gave no"


def _unlocked_before_a_redrive(deploy: Deploy, barrier: Barrier) -> tuple[Words, str]:
    """A redrive from the console finds the lock taken by another run."""
    deployed = deploy(job(task("a", sql=(barrier.pass_,))))
    arn = deployed.start()
    deployed.until_submitted(arn, "a")
    deployed.executions.stop(arn, "test")
    deployed.end(arn)
    item = {"JobID": {"S": "101"}, "JobState": {"S": "Running"}, "Owner": {"S": "somebody"}}
    deployed.client("dynamodb").put_item(TableName=deployed.audit.table, Item=item)
    deployed.client("stepfunctions").redrive_execution(executionArn=arn)
    barrier.open()
    execution = deployed.end(arn)
    assert execution.status == "FAILED"
    return Words(deployed, arn), f"Execution {execution.name} failed: the lock of the job is not this run's any more"


@pytest.mark.parametrize(
    "end", [_refused, _locked, _without_a_parameter, _stopped, _unlocked_before_a_redrive], ids=lambda end: end.__name__
)
def test_other_ends(deploy: Deploy, barrier: Barrier, end: Callable[[Deploy, Barrier], tuple[Words, str]]) -> None:
    """Whatever else ends an execution is one line on the command line, and one for a mirror."""
    words, line = end(deploy, barrier)
    assert len(words.lines) == 1
    assert words.lines[0].startswith(line)
    assert "\n" not in words.lines[0]
    assert words.of("a")
    assert not INNER_WORKINGS.search(words.all), words.all


def _job_file(deployed: DeployedJob) -> tuple[dict[str, str], Any]:
    """Where the job file is, and what is in it."""
    steps, s3 = deployed.client("stepfunctions"), deployed.client("s3")
    described = steps.describe_state_machine(stateMachineArn=deployed.executions.state_machine_arn)
    where = json.loads(described["definition"])["States"]["run tasks"]["ItemReader"]["Arguments"]
    return where, json.loads(s3.get_object(**where)["Body"].read())


_UNREAD = "the job file could not be read. Deploy the job again"
_UNEXPECTED = "what the state machine was given is not what it expects. Deploy the job again and start it anew"

#: What the job file is made, and what is told of it.
SPOILT: dict[str, tuple[Callable[[Any], Any], str]] = {
    "no number of upstreams": (lambda items: [item | {"awaited": "none"} for item in items], _UNEXPECTED),
    "no statements": (lambda items: [item | {"statements": [7]} for item in items], _UNEXPECTED),
    "no pauses": (
        lambda items: [item | {"pause": 7, "retries": {"other": 1}, "statements": ["select 1/0"]} for item in items],
        _UNEXPECTED,
    ),
    "no objects": (lambda items: ["a"], _UNEXPECTED),
    "no array": (lambda items: {}, _UNREAD),
    "no JSON": (lambda items: "{", _UNREAD),
    "no file": (lambda items: None, _UNREAD),
}


@pytest.mark.parametrize("spoilt", exhaustive(SPOILT, quick=("no pauses", "no file")))
def test_a_job_file_that_somebody_has_changed(deploy: Deploy, spoilt: str) -> None:
    """Whatever stands in the bucket, people read what they can do: not where in the state machine it was noticed."""
    make, said = SPOILT[spoilt]
    deployed = deploy(job(task("a", sql=("select 1",)), layout="map"))
    where, items = _job_file(deployed)
    made, s3 = make(items), deployed.client("s3")
    s3.delete_object(**where)
    if made is not None:
        s3.put_object(**where, Body=made if isinstance(made, str) else json.dumps(made))
    execution = deployed.run()
    wait_for(lambda: deployed.item.state != "Running", "the item tells of the end", bounds.EXECUTION)
    words = Words(deployed, execution.arn)
    assert not INNER_WORKINGS.search(words.all), words.all
    assert [execution.status, said in words.lines[0], said in words.of("a")] == ["FAILED", True, True], words.all
