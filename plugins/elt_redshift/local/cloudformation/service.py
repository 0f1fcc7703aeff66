"""CloudFormation's API on stacks: what is asked is checked, done at once, and answered as AWS answers.

Everything happens within the call: when CreateStack answers, the stack is complete or rolled back. Callers that wait
with boto3's waiters notice nothing of it.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from elt_redshift.local.cloudformation import answers, parameters, plan
from elt_redshift.local.cloudformation.checks import check_capabilities, check_types, template_text
from elt_redshift.local.cloudformation.deploy import Deployment
from elt_redshift.local.cloudformation.errors import CloudFormationError
from elt_redshift.local.cloudformation.stack import ChangeSet, Stack, Target

Request = Mapping[str, Any]
Answer = dict[str, Any]

NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."
UPDATABLE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"})
SETTINGS = ("RoleARN", "NotificationARNs", "Capabilities", "TimeoutInMinutes", "EnableTerminationProtection")

#: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
_NAME, _LONGEST_NAME = "[a-zA-Z][-a-zA-Z0-9]*", 128


class CloudFormation:
    """The stacks of one account and region.

    :param client: gives a boto3 client for a service name, of this account and region.
    :param now: the clock, UTC.
    """

    def __init__(self, account: str, region: str, client: Callable[[str], Any], now: Callable[[], datetime]) -> None:
        self.account = account
        self.region = region
        self.client = client
        self.now = now
        self.stacks: dict[str, Stack] = {}
        self.change_sets: dict[str, ChangeSet] = {}
        self.lock = threading.RLock()
        """One change at a time: deployments of several stacks share names and exports."""

    def create_stack(self, request: Request) -> Answer:
        name = request["StackName"]
        if self._living(name):
            raise CloudFormationError(f"Stack [{name}] already exists", "AlreadyExistsException")
        target = self._target(request, None)
        stack = self._new_stack(name, request)
        on_failure = "DO_NOTHING" if request.get("DisableRollback") else request.get("OnFailure", "ROLLBACK")
        self._deployment(stack).create(target, on_failure)
        return {"StackId": stack.id}

    def update_stack(self, request: Request) -> Answer:
        stack = self.stack(request["StackName"])
        _check_updatable(stack)
        target = self._target(request, stack)
        if plan.is_no_change(stack, target, self._exports(stack)):
            raise CloudFormationError("No updates are to be performed.")
        stack.settings |= _settings(request)
        self._deployment(stack).update(target)
        return {"StackId": stack.id}

    def delete_stack(self, request: Request) -> Answer:
        """Deleting a stack that does not exist succeeds, as on AWS."""
        stack = self._living(request["StackName"])
        if stack is None:
            return {}
        if stack.settings.get("EnableTerminationProtection"):
            raise CloudFormationError(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
        self._deployment(stack).delete()
        if stack.deleted:
            self._forget_change_sets(stack)
        return {}

    def update_termination_protection(self, request: Request) -> Answer:
        stack = self.stack(request["StackName"])
        stack.settings["EnableTerminationProtection"] = request["EnableTerminationProtection"]
        return {"StackId": stack.id}

    def create_change_set(self, request: Request) -> Answer:
        kind = request.get("ChangeSetType", "UPDATE")
        stack = self._living(request["StackName"])
        if kind == "CREATE":
            if stack and stack.status != "REVIEW_IN_PROGRESS":
                raise CloudFormationError(
                    f"Stack [{stack.name}] already exists and cannot be created again with the changeSet "
                    f"[{request['ChangeSetName']}]."
                )
            target = self._target(request, None)
            stack = stack or self._stack_in_review(request)
        else:
            stack = self.stack(request["StackName"])
            _check_updatable(stack)
            target = self._target(request, stack)
        return self._add_change_set(kind, stack, target, request)

    def describe_change_set(self, request: Request) -> Answer:
        return answers.change_set(self._change_set(request))

    def list_change_sets(self, request: Request) -> Answer:
        stack = self.stack(request["StackName"])
        return {"Summaries": [answers.change_set_summary(item) for item in self._change_sets_of(stack)]}

    def delete_change_set(self, request: Request) -> Answer:
        change_set = self._change_set(request, missing_ok=True)
        if change_set:
            del self.change_sets[change_set.id]
        return {}

    def execute_change_set(self, request: Request) -> Answer:
        change_set = self._change_set(request)
        if change_set.execution_status != "AVAILABLE":
            raise CloudFormationError(
                f"ChangeSet [{change_set.id}] cannot be executed in its current status of [{change_set.status}]",
                "InvalidChangeSetStatus",
            )
        stack = change_set.stack
        stack.settings |= change_set.settings
        deployment = self._deployment(stack)
        if change_set.kind == "CREATE":
            deployment.create(change_set.target)
        else:
            deployment.update(change_set.target)
        succeeded = stack.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
        change_set.execution_status = "EXECUTE_COMPLETE" if succeeded else "EXECUTE_FAILED"
        if succeeded:
            self._forget_change_sets(stack, but=change_set)
        return {}

    def describe_stacks(self, request: Request) -> Answer:
        if request.get("StackName"):
            return {"Stacks": [answers.stack(self._any_stack(request["StackName"]))]}
        return {"Stacks": [answers.stack(stack) for stack in self.stacks.values() if not stack.deleted]}

    def list_stacks(self, request: Request) -> Answer:
        wanted = request.get("StackStatusFilter")
        stacks = [stack for stack in self.stacks.values() if not wanted or stack.status in wanted]
        return {"StackSummaries": [answers.stack_summary(stack) for stack in stacks]}

    def describe_stack_events(self, request: Request) -> Answer:
        return answers.events(self._any_stack(request["StackName"]), request.get("NextToken"))

    def describe_stack_resources(self, request: Request) -> Answer:
        stack, wanted = self._any_stack(request["StackName"]), request.get("LogicalResourceId")
        resources = [item for item in stack.resources.values() if wanted in {None, item.logical_id}]
        return {"StackResources": [answers.resource(stack, item) for item in resources]}

    def describe_stack_resource(self, request: Request) -> Answer:
        stack, name = self._any_stack(request["StackName"]), request["LogicalResourceId"]
        if name not in stack.resources:
            raise CloudFormationError(f"Resource {name} does not exist for stack {stack.name}")
        return {"StackResourceDetail": answers.resource(stack, stack.resources[name], "LastUpdatedTimestamp")}

    def list_stack_resources(self, request: Request) -> Answer:
        stack = self._any_stack(request["StackName"])
        resources = stack.resources.values()
        return {"StackResourceSummaries": [answers.resource_summary(stack, item) for item in resources]}

    def get_template(self, request: Request) -> Answer:
        if request.get("ChangeSetName"):
            return {"TemplateBody": self._change_set(request).target.text}
        stack = self._any_stack(request["StackName"])
        return {"TemplateBody": stack.target.text if stack.target else ""}

    def get_template_summary(self, request: Request) -> Answer:
        if request.get("StackName"):
            stack = self.stack(request["StackName"])
            return answers.template_summary(stack.target.text if stack.target else "")
        return answers.template_summary(template_text(request, self.client))

    def validate_template(self, request: Request) -> Answer:
        return answers.validated(template_text(request, self.client))

    def list_exports(self, _: Request) -> Answer:
        found = [
            {"ExportingStackId": stack.id, "Name": output.export, "Value": output.value}
            for stack in self.stacks.values()
            for output in stack.outputs
            if output.export and not stack.deleted
        ]
        return {"Exports": found}

    def stack(self, name: str) -> Stack:
        """A stack that is not deleted, by name or id.

        :raises CloudFormationError: there is none.
        """
        stack = self._living(name)
        if stack is None:
            raise CloudFormationError(f"Stack [{name}] does not exist")
        return stack

    def _living(self, name: str) -> Stack | None:
        alive = (stack for stack in self.stacks.values() if not stack.deleted)
        return next((stack for stack in alive if name in {stack.name, stack.id}), None)

    def _any_stack(self, name: str) -> Stack:
        """Deleted stacks can still be looked at, by id."""
        stack = self.stacks.get(name) or self._living(name)
        if stack is None:
            raise CloudFormationError(f"Stack with id {name} does not exist")
        return stack

    def _new_stack(self, name: str, request: Request) -> Stack:
        if not re.fullmatch(_NAME, name) or len(name) > _LONGEST_NAME:
            raise CloudFormationError(
                f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: "
                f"Member must satisfy regular expression pattern: {_NAME}"
            )
        stack_id = f"arn:aws:cloudformation:{self.region}:{self.account}:stack/{name}/{uuid.uuid4()}"
        stack = Stack(name, stack_id, self.account, self.region, self.now, self.now(), settings=_settings(request))
        self.stacks[stack_id] = stack
        return stack

    def _stack_in_review(self, request: Request) -> Stack:
        stack = self._new_stack(request["StackName"], request)
        stack.set_status("REVIEW_IN_PROGRESS", "User Initiated")
        return stack

    def _deployment(self, stack: Stack) -> Deployment:
        return Deployment(stack, self.client, self._exports(stack))

    def _exports(self, importer: Stack) -> dict[str, str]:
        """Export names and values of all other stacks."""
        others = (stack for stack in self.stacks.values() if stack is not importer and not stack.deleted)
        return {output.export: output.value for stack in others for output in stack.outputs if output.export}

    def _target(self, request: Request, stack: Stack | None) -> Target:
        """What a request asks for, checked: template, parameters, resource types, capabilities."""
        if request.get("UsePreviousTemplate"):
            if stack is None or stack.target is None:
                raise CloudFormationError("There is no previous template to use.")
            text = stack.target.text
        else:
            text = template_text(request, self.client)
        values = parameters.given(request.get("Parameters") or [], stack.values if stack else {})
        tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags") or []}
        if stack is not None and "Tags" not in request:
            tags = dict(stack.tags)
        target = Target.build(text, values, tags)
        check_types(target.template)
        check_capabilities(target.template, request.get("Capabilities") or [])
        return target

    def _add_change_set(self, kind: str, stack: Stack, target: Target, request: Request) -> Answer:
        name = request["ChangeSetName"]
        if any(item.name == name for item in self._change_sets_of(stack)):
            raise CloudFormationError(f"ChangeSet {name} already exists", "AlreadyExistsException")
        identity = f"arn:aws:cloudformation:{self.region}:{self.account}:changeSet/{name}/{uuid.uuid4()}"
        change_set = ChangeSet(
            name=name,
            id=identity,
            kind=kind,
            stack=stack,
            target=target,
            created=self.now(),
            changes=plan.changes(stack, target, self._exports(stack)),
            description=request.get("Description"),
            settings=_settings(request),
        )
        if kind == "UPDATE" and plan.is_no_change(stack, target, self._exports(stack)):
            change_set.status, change_set.execution_status = "FAILED", "UNAVAILABLE"
            change_set.reason = NO_CHANGES
        self.change_sets[identity] = change_set
        return {"Id": identity, "StackId": stack.id}

    def _change_sets_of(self, stack: Stack) -> list[ChangeSet]:
        return [item for item in self.change_sets.values() if item.stack is stack]

    def _change_set(self, request: Request, missing_ok: bool = False) -> Any:
        name, stack = request["ChangeSetName"], request.get("StackName")
        for item in self.change_sets.values():
            if item.id == name or (item.name == name and stack in {item.stack.name, item.stack.id}):
                return item
        if missing_ok:
            return None
        raise CloudFormationError(f"ChangeSet [{name}] does not exist", "ChangeSetNotFound")

    def _forget_change_sets(self, stack: Stack, but: ChangeSet | None = None) -> None:
        for item in self._change_sets_of(stack):
            if item is not but:
                del self.change_sets[item.id]


def _settings(request: Request) -> dict[str, Any]:
    return {name: request[name] for name in SETTINGS if name in request}


def _check_updatable(stack: Stack) -> None:
    if stack.status not in UPDATABLE:
        raise CloudFormationError(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")
