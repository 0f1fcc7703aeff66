"""Stacks: create or update a job's resources through a change set, find them again by tag.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from elt_redshift.aws.deployed import Deployed
from elt_redshift.aws.errors import AwsError, aws_errors
from elt_redshift.aws.stack_events import StackEvent, StackEvents
from elt_redshift.aws.waiting import Clock, Sleep, until
from elt_redshift.exceptions import EltError

Told = Callable[[StackEvent], None]

#: The tag by which a job's stack is found.
JOB_TAG = "elt-redshift:job"

#: A template longer than this must be read from S3.
MAX_INLINE = 51_200

#: A stack of these few resources is done within minutes; this bounds the wait in seconds.
TIMEOUT = 900.0
INTERVAL = 1.0


def body(template: Mapping[str, Any]) -> str:
    """A template as CloudFormation is given it, which counts its bytes; they are ASCII."""
    return json.dumps(template, separators=(",", ":"))


class DeployError(EltError):
    """A stack could not be created, updated or deleted; ``reasons`` are CloudFormation's words for each resource that
    failed."""

    def __init__(self, stack: str, reasons: tuple[str, ...], what: str = "deployed") -> None:
        self.stack, self.reasons, self.what = stack, reasons, what
        super().__init__(f"Stack {stack} was not {what}: {'; '.join(reasons) or 'CloudFormation gave no reason.'}")


class NotDeployedError(EltError):
    """There is no stack of this job in the account and region.

    :param stack: the one that was asked for.
    :param unmade: one that could not be made, or is not yet.
    """

    def __init__(self, job_name: str, stack: str | None = None, unmade: str | None = None) -> None:
        self.job_name, self.stack, self.unmade = job_name, stack, unmade
        as_stack = f" as stack {stack}" if stack else ""
        at = f": stack {unmade} is not made, and nothing runs there" if unmade else as_stack
        how = f"Deploy it with `elt-redshift deploy {job_name} --stack {unmade or stack or 'NAME'}`."
        super().__init__(f"Job {job_name} is not deployed in this account and region{at}. {how}")


class DeployedTwiceError(EltError):
    """Several stacks of this job are in the account and region, and none of them was named.

    Each may have a lock and a warehouse of its own, so that none may be taken for another.
    """

    def __init__(self, job_name: str, stacks: tuple[str, ...]) -> None:
        self.job_name, self.stacks = job_name, stacks
        super().__init__(
            f"Job {job_name} is deployed more than once in this account and region: as stacks {', '.join(stacks)}. "
            "Name the one that is meant: --stack NAME, in a DAG file stack=NAME."
        )


@dataclass(frozen=True)
class Change:
    """One line of a change set. ``action`` is Add, Modify, Remove …"""

    action: str
    resource: str
    type: str
    replacement: str


@dataclass(frozen=True)
class ChangeSet:
    """A prepared change set; ``changes`` is empty when the stack is up to date."""

    stack: str
    name: str
    kind: Literal["CREATE", "UPDATE"]
    changes: tuple[Change, ...]


class Stacks:
    """CloudFormation stacks of jobs.

    :param client: a boto3 CloudFormation client.
    :param sleep: how to wait, in seconds.
    :param clock: a monotonic clock, in seconds.
    """

    def __init__(self, client: Any, sleep: Sleep = time.sleep, clock: Clock = time.monotonic) -> None:
        self._client, self._sleep, self._clock = client, sleep, clock

    def find(self, job_name: str, stack: str | None = None) -> Deployed:
        """The stack of a job, by its tag; ``stack`` picks one where the job is deployed several times.

        :raises NotDeployedError: there is none.
        :raises DeployedTwiceError: there are several, and none is named.
        """
        there = filter(None, [self.at(stack)]) if stack else self.all()
        of_job = [one for one in there if one.job == job_name]
        made = [one for one in of_job if one.is_made]
        if not made:
            raise NotDeployedError(job_name, stack, of_job[-1].stack if of_job else None)
        if len(made) > 1:
            raise DeployedTwiceError(job_name, tuple(sorted(one.stack for one in made)))
        return made[0]

    def at(self, stack: str) -> Deployed | None:
        """The job's stack of that name; None if there is none."""
        try:
            return next(self.all(stack), None)
        except AwsError as error:
            if error.code == "ValidationError" and "does not exist" in error.message:
                return None
            raise

    def all(self, stack: str | None = None) -> Iterator[Deployed]:
        """Every job's stack in the account and region, or the one called ``stack``."""
        request = {"StackName": stack} if stack else {}
        with aws_errors(f"stack {stack}" if stack else "stacks"):
            for page in self._client.get_paginator("describe_stacks").paginate(**request):
                for found in page["Stacks"]:
                    tags = {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}
                    if JOB_TAG in tags and found["StackStatus"] not in ("DELETE_COMPLETE", "REVIEW_IN_PROGRESS"):
                        yield Deployed.of(tags[JOB_TAG], found)

    def prepare(
        self,
        stack: str,
        template: Mapping[str, Any],
        parameters: Mapping[str, str],
        tags: Mapping[str, str],
        url: str | None = None,
    ) -> ChangeSet:
        """Make a change set; nothing that runs is changed yet. Parameters and tags of an existing stack that are not
        given keep their values.

        :param url: where the template was uploaded, needed above 51,200 bytes.
        :raises DeployError: CloudFormation refuses the template.
        """
        before = self._before(stack)
        kept = {tag["Key"]: tag["Value"] for tag in before.get("Tags", [])} if before else {}
        kind: Literal["CREATE", "UPDATE"] = "CREATE" if before is None else "UPDATE"
        name = f"elt-redshift-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
        source = {"TemplateURL": url} if url else {"TemplateBody": body(template)}
        with aws_errors(f"stack {stack}"):
            self._client.create_change_set(
                StackName=stack,
                ChangeSetName=name,
                ChangeSetType=kind,
                Capabilities=["CAPABILITY_IAM"],
                Parameters=_parameters(template, parameters, before),
                Tags=[{"Key": key, "Value": value} for key, value in {**kept, **tags}.items()],
                **source,
            )
        return ChangeSet(stack, name, kind, self._changes(stack, name))

    def _before(self, stack: str) -> dict[str, Any] | None:
        """The stack as it is; None if there is none. What is left of one that could not be made holds nothing, and
        cannot become a stack any more: it is deleted."""
        found = self._describe(stack)
        if found and found["StackStatus"] == "ROLLBACK_COMPLETE":
            self.delete(stack)
            return None
        return found

    def _changes(self, stack: str, name: str) -> tuple[Change, ...]:
        def described() -> dict[str, Any] | None:
            with aws_errors(f"change set {name}"):
                answer = self._client.describe_change_set(StackName=stack, ChangeSetName=name)
            return None if answer["Status"].endswith(("_PENDING", "_IN_PROGRESS")) else answer

        answer = self._wait(f"change set {name}", described)
        if answer["Status"] == "FAILED":
            reason = answer.get("StatusReason", "")
            if "didn't contain changes" in reason or "No updates are to be performed" in reason:
                return ()
            raise DeployError(stack, (reason,))
        return tuple(_change(one["ResourceChange"]) for one in answer["Changes"] if "ResourceChange" in one)

    def execute(self, change_set: ChangeSet, told: Told = lambda _: None) -> None:
        """Carry a change set out and wait for its end.

        :param told: is given what becomes of each resource, as it happens.
        :raises DeployError: a resource failed; CloudFormation has rolled back.
        """
        stack = change_set.stack
        events = StackEvents(self._client, stack)
        with aws_errors(f"stack {stack}"):
            self._client.execute_change_set(StackName=stack, ChangeSetName=change_set.name)
        self._follow(stack, stack, events, told, "CREATE_COMPLETE", "UPDATE_COMPLETE")

    def delete(self, stack: str, told: Told = lambda _: None) -> None:
        """Delete a stack and wait for its end. What its template retains stays.

        :param told: as in :meth:`execute`.
        :raises DeployError: a resource could not be deleted; the stack is still there.
        """
        with aws_errors(f"stack {stack}"):
            stack_id = self._client.describe_stacks(StackName=stack)["Stacks"][0]["StackId"]
        events = StackEvents(self._client, stack_id)
        with aws_errors(f"stack {stack}"):
            self._client.delete_stack(StackName=stack_id)
        self._follow(stack, stack_id, events, told, "DELETE_COMPLETE", what="deleted")

    def _follow(
        self, stack: str, stack_id: str, events: StackEvents, told: Told, *good: str, what: str = "deployed"
    ) -> None:
        """Wait for the end of what is done to a stack, and tell of it.

        :param good: the statuses of a good end.
        :raises DeployError: it has another one.
        """
        failures: list[StackEvent] = []

        def settled() -> dict[str, Any] | None:
            with aws_errors(f"stack {stack}"):
                found: dict[str, Any] = self._client.describe_stacks(StackName=stack_id)["Stacks"][0]
            for event in events.news():  # the stack's last event is there before its status
                told(event)
                failures.extend([event] if event.failed else [])
            return None if found["StackStatus"].endswith("_IN_PROGRESS") else found

        if self._wait(f"stack {stack}", settled)["StackStatus"] not in good:
            raise DeployError(stack, tuple(f"{event.resource}: {event.reason}" for event in failures), what)

    def discard(self, change_set: ChangeSet) -> None:
        """Delete a change set that is not carried out, and the empty stack that a first one leaves behind."""
        with aws_errors(f"stack {change_set.stack}"):
            self._client.delete_change_set(StackName=change_set.stack, ChangeSetName=change_set.name)
            if change_set.kind == "CREATE":
                self._client.delete_stack(StackName=change_set.stack)

    def _describe(self, stack: str) -> dict[str, Any] | None:
        try:
            with aws_errors(f"stack {stack}"):
                found: dict[str, Any] = self._client.describe_stacks(StackName=stack)["Stacks"][0]
        except AwsError as error:
            if error.code == "ValidationError" and "does not exist" in error.message:
                return None
            raise
        return None if found["StackStatus"] in ("REVIEW_IN_PROGRESS", "DELETE_COMPLETE") else found

    def _wait(self, about: str, done: Callable[[], dict[str, Any] | None]) -> dict[str, Any]:
        answer = until(done, TIMEOUT, INTERVAL, self._clock, self._sleep)
        if answer is None:
            raise DeployError(about, (f"it is not settled after {TIMEOUT:.0f} s.",))
        return answer


def _parameters(
    template: Mapping[str, Any], given: Mapping[str, str], before: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    known = {parameter["ParameterKey"] for parameter in before.get("Parameters", [])} if before else set()
    kept = [name for name in template["Parameters"] if name in known and name not in given]
    return [
        *({"ParameterKey": name, "ParameterValue": value} for name, value in given.items()),
        *({"ParameterKey": name, "UsePreviousValue": True} for name in kept),
    ]


def _change(change: Mapping[str, Any]) -> Change:
    return Change(
        change["Action"], change["LogicalResourceId"], change["ResourceType"], change.get("Replacement") or "False"
    )
