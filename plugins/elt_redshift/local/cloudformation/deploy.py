"""Bring a stack to a template, or back to where it was.

One algorithm serves creation and update: resources come up in the order of their references, each step is written into
a journal, and a failure undoes the journal backwards. What the new template lacks goes last, after success.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from elt_redshift.local.cloudformation.errors import CloudFormationError, ResourceError
from elt_redshift.local.cloudformation.plan import is_replaced
from elt_redshift.local.cloudformation.resources import Context, Handler, Resource, handler, updated
from elt_redshift.local.cloudformation.stack import Stack, Target, outputs_of
from elt_redshift.local.cloudformation.template import order

Undo = Callable[[], None]


#: Codes of errors of services, without ``Exception`` at the end, that say that there is no such resource.
_NOT_FOUND = frozenset({"NoSuchBucket", "NoSuchEntity", "NotFound", "ResourceNotFound", "StateMachineDoesNotExist"})


@dataclass
class Deployment:
    """One deployment of one stack.

    :param client: gives a boto3 client for a service name.
    :param exports: values of other stacks, by export name.
    """

    stack: Stack
    client: Callable[[str], Any]
    exports: Mapping[str, str] = field(default_factory=dict)
    journal: list[Undo] = field(default_factory=list)
    leftovers: list[Resource] = field(default_factory=list)

    def create(self, target: Target, on_failure: str = "ROLLBACK") -> None:
        """Create everything. A failure ends in ROLLBACK_COMPLETE (or as ``on_failure`` says), never in an exception.

        :param on_failure: ``ROLLBACK``, ``DELETE`` or ``DO_NOTHING``, as in CreateStack.
        """
        self.stack.target = target
        self.stack.set_status("CREATE_IN_PROGRESS", "User Initiated")
        failure = self._converge(target)
        if failure is None:
            self.stack.set_status("CREATE_COMPLETE")
        elif on_failure == "DO_NOTHING":
            self.stack.set_status(
                "CREATE_FAILED", f"The following resource(s) failed to create: [{failure.logical_id}]. "
            )
        elif on_failure == "DELETE":
            self.delete()
        else:
            self._roll_back(
                "ROLLBACK",
                f"The following resource(s) failed to create: [{failure.logical_id}]. Rollback requested by user.",
            )

    def update(self, target: Target) -> None:
        """Change what differs. A failure ends in UPDATE_ROLLBACK_COMPLETE, with everything as it was."""
        self.stack.updated = self.stack.now()
        self.stack.set_status("UPDATE_IN_PROGRESS", "User Initiated")
        failure = self._converge(target)
        if failure is not None:
            self._roll_back("UPDATE_ROLLBACK", f"The following resource(s) failed to update: [{failure.logical_id}]. ")
            return
        self.stack.target = target
        self.stack.set_status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        for resource in self.leftovers:
            self._try_to_clean_up(resource)
        self.stack.set_status("UPDATE_COMPLETE")

    def delete(self) -> None:
        """Delete everything that is not retained. After DELETE_FAILED, deleting again goes on."""
        self.stack.set_status("DELETE_IN_PROGRESS", "User Initiated")
        failed = []
        ordered = order(self.stack.target.template) if self.stack.target else []
        for name in sorted(self.stack.resources, key=ordered.index, reverse=True):
            resource = self.stack.resources[name]
            if resource.retained:
                self._event(resource, "DELETE_SKIPPED")
            elif not self._deleted(resource):
                failed.append(name)
                continue
            del self.stack.resources[name]
        if failed:
            self.stack.set_status(
                "DELETE_FAILED", f"The following resource(s) failed to delete: [{', '.join(failed)}]. "
            )
        else:
            self.stack.deleted = self.stack.now()
            self.stack.set_status("DELETE_COMPLETE")

    def _converge(self, target: Target) -> ResourceError | None:
        """Create and update in order, then evaluate the outputs; the failure if there was one."""
        stack = self.stack
        scope = stack.scope(target, stack.resources, self.exports)
        wanted = []
        try:
            for name in order(target.template):
                if scope.included(name):
                    wanted.append(name)
                    self._bring_up(name, target.template["Resources"][name], scope.evaluate)
            self._drop_all_but(wanted)
            outputs = outputs_of(target, scope)
        except ResourceError as failure:
            return failure
        except CloudFormationError as error:
            stack.add_event(stack.name, stack.id, "AWS::CloudFormation::Stack", stack.status, error.message)
            return ResourceError(wanted[-1] if wanted else stack.name, error.message)
        stack.outputs = outputs
        return None

    def _bring_up(self, name: str, spec: Mapping[str, Any], evaluate: Callable[[Any], Any]) -> None:
        worker = handler(spec["Type"])
        if worker is None:
            raise ResourceError(name, f"Unrecognized resource type {spec['Type']}")
        properties = evaluate(spec.get("Properties", {}))
        policy = spec.get("DeletionPolicy", "Delete")
        old = self.stack.resources.get(name)
        if old is None:
            self._create(worker, name, spec["Type"], properties, policy)
        elif is_replaced(old, spec["Type"], properties):
            self._replace(worker, old, spec["Type"], properties, policy)
        elif old.properties != properties:
            self._update(worker, replace(old, policy=policy), properties)
        else:
            self.stack.resources[name] = replace(old, policy=policy)

    def _create(self, worker: Handler, name: str, type_name: str, properties: Mapping[str, Any], policy: str) -> None:
        stack = self.stack
        stack.add_event(name, "", type_name, "CREATE_IN_PROGRESS")
        made = self._attempt(name, "", type_name, "CREATE", lambda: worker.create(self._context(name), properties))
        resource = Resource(type_name, name, properties, made.physical_id, made.attributes, policy)
        stack.resources[name] = resource
        self.journal.append(lambda: self._undo_create(resource))
        self._event(resource, "CREATE_COMPLETE")

    def _update(self, worker: Handler, old: Resource, properties: Mapping[str, Any]) -> None:
        name = old.logical_id
        self._event(old, "UPDATE_IN_PROGRESS")
        self.journal.append(lambda: self._undo_update(worker, old, properties))
        made = self._attempt(
            name, old.physical_id, old.type, "UPDATE", lambda: worker.update(self._context(name), old, properties)
        )
        self.stack.resources[name] = updated(old, properties, made)
        self._event(old, "UPDATE_COMPLETE")

    def _replace(
        self, worker: Handler, old: Resource, type_name: str, properties: Mapping[str, Any], policy: str
    ) -> None:
        """Make the new one beside the old; the old one goes when the update has succeeded."""
        self._event(
            old,
            "UPDATE_IN_PROGRESS",
            "Requested update requires the creation of a new physical resource; hence creating one.",
        )
        name = old.logical_id
        made = self._attempt(
            name, old.physical_id, type_name, "UPDATE", lambda: worker.create(self._context(name), properties)
        )
        new = Resource(type_name, name, properties, made.physical_id, made.attributes, policy, "UPDATE_COMPLETE")
        self.stack.resources[name] = new
        self.journal.append(lambda: self._undo_replace(old, new))
        self.leftovers.append(old)
        self._event(new, "UPDATE_COMPLETE")

    def _drop_all_but(self, wanted: list[str]) -> None:
        """Set aside what the template no longer has; it is deleted after success."""
        for name in [name for name in reversed(self.stack.resources) if name not in wanted]:
            old = self.stack.resources.pop(name)
            self.leftovers.append(old)
            self.journal.append(partial(self._put_back, old))

    def _attempt(self, name: str, physical_id: str, type_name: str, verb: str, call: Callable[[], Any]) -> Any:
        """Call a handler; whatever it raises fails the resource, with a reason in the events."""
        try:
            return call()
        except Exception as error:
            reason = _reason(error)
            self.stack.add_event(name, physical_id, type_name, f"{verb}_FAILED", reason)
            raise ResourceError(name, reason) from error

    def _roll_back(self, word: str, reason: str) -> None:
        """Undo the journal, last step first."""
        self.stack.set_status(f"{word}_IN_PROGRESS", reason)
        failures = []
        while self.journal:
            try:
                self.journal.pop()()
            except Exception as error:
                failures.append(_reason(error))
        if failures:
            self.stack.set_status(f"{word}_FAILED", " ".join(failures))
        else:
            self.stack.set_status(f"{word}_COMPLETE")

    def _undo_create(self, resource: Resource) -> None:
        if resource.policy == "Retain":
            del self.stack.resources[resource.logical_id]
            self._event(resource, "DELETE_SKIPPED")
            return
        self._event(resource, "DELETE_IN_PROGRESS")
        _worker(resource).delete(self._context(resource.logical_id), resource)
        self.stack.resources.pop(resource.logical_id, None)
        self._event(resource, "DELETE_COMPLETE")

    def _undo_update(self, worker: Handler, old: Resource, tried: Mapping[str, Any]) -> None:
        """Also after a failed update: some of it may have been done."""
        self._event(old, "UPDATE_IN_PROGRESS")
        current = replace(self.stack.resources[old.logical_id], properties=tried)
        made = worker.update(self._context(old.logical_id), current, old.properties)
        self.stack.resources[old.logical_id] = updated(old, old.properties, made)
        self._event(old, "UPDATE_COMPLETE")

    def _undo_replace(self, old: Resource, new: Resource) -> None:
        _worker(new).delete(self._context(new.logical_id), new)
        self._put_back(old)
        self._event(new, "DELETE_COMPLETE")

    def _put_back(self, old: Resource) -> None:
        self.stack.resources[old.logical_id] = old

    def _try_to_clean_up(self, resource: Resource) -> None:
        if resource.retained:
            self._event(resource, "DELETE_SKIPPED")
        else:
            self._deleted(resource)

    def _deleted(self, resource: Resource) -> bool:
        """Delete a resource and say so in the events; whether it worked."""
        self._event(resource, "DELETE_IN_PROGRESS")
        try:
            _worker(resource).delete(self._context(resource.logical_id), resource)
        except Exception as error:
            if not _is_gone(error):
                self._event(resource, "DELETE_FAILED", _reason(error))
                return False
        self._event(resource, "DELETE_COMPLETE")
        return True

    def _event(self, resource: Resource, status: str, reason: str | None = None) -> None:
        self.stack.add_event(resource.logical_id, resource.physical_id, resource.type, status, reason)

    def _context(self, logical_id: str) -> Context:
        stack = self.stack
        return Context(stack.account, stack.region, stack.name, stack.id, logical_id, self.client)


def _worker(resource: Resource) -> Handler:
    worker = handler(resource.type)
    if worker is None:
        raise ResourceError(resource.logical_id, f"Unrecognized resource type {resource.type}")
    return worker


def _is_gone(error: Exception) -> bool:
    """Whether there is nothing to delete: for CloudFormation that is as good as deleted.

    https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract.html
    """
    if not isinstance(error, ClientError):
        return False
    return error.response["Error"]["Code"].removesuffix("Exception") in _NOT_FOUND


def _reason(error: Exception) -> str:
    """The reason in a stack event: the service's own message, in the frame that CloudFormation puts around it."""
    if isinstance(error, ResourceError):
        return error.reason
    if isinstance(error, ClientError):
        details = error.response["Error"]
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
        return (
            f'Resource handler returned message: "{details.get("Message", "")} '
            f'(Service: {error.operation_name}, Status Code: {status})" (HandlerErrorCode: {details.get("Code")})'
        )
    return f'Resource handler returned message: "{type(error).__name__}: {error}" (HandlerErrorCode: InternalFailure)'
