"""Creating and updating state machines: validation and versions.

(https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html and
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-state-machine-version.html)
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.stepfunctions import responses
from moto.stepfunctions.parser import api as shapes
from moto.stepfunctions.parser import models
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

from elt_redshift.local.stepfunctions.executions import locked
from elt_redshift.local.stepfunctions.patching import Patches
from elt_redshift.local.stepfunctions.validate import Diagnostic, diagnostics

PATCHES = Patches()
apply = PATCHES.apply

_Backend = models.StepFunctionsParserBackend
_Response = responses.StepFunctionResponse
_MAX_DIAGNOSTICS = 100


def findings(definition: str) -> list[Diagnostic]:
    """Structural findings; if there are none, what moto's parser finds."""
    found = diagnostics(definition)
    if found:
        return found
    try:
        AmazonStateLanguageParser.parse(definition)
    except Exception as error:  # the parser raises many kinds
        message = "; ".join(getattr(error, "errors", None) or [str(error)])
        return [Diagnostic("SCHEMA_VALIDATION_FAILED", message[:1000], "")]
    return []


@PATCHES.method(_Backend, "_validate_definition", "Took missing targets, unreachable states, any size; named no error.")
def validate_definition(original: Any, definition: str) -> None:
    found = findings(definition)
    if found:
        raise shapes.InvalidDefinition(f"Invalid State Machine Definition: '{', '.join(map(str, found))}'")


@PATCHES.method(_Backend, "create_state_machine", "Gave the old one when the name was taken by another definition.")
@locked
def create_state_machine(original: Any, self: Any, name: str, definition: str, roleArn: str, **kwargs: Any) -> Any:  # noqa: N803
    existing = self._revision_by_name(name)
    if existing is not None and (existing.definition, existing.roleArn) != (definition, roleArn):
        raise shapes.StateMachineAlreadyExists(f"State Machine Already Exists: '{existing.arn}'")
    return original(self, name=name, definition=definition, roleArn=roleArn, **kwargs)


@PATCHES.method(_Response, "validate_state_machine_definition", "Not in moto.")
def validate(original: Any, self: Any) -> ActionResult:
    found = findings(self._get_param("definition"))
    if self._get_param("severity") != "WARNING":
        found = [item for item in found if item.severity == "ERROR"]
    limit = self._get_int_param("maxResults") or _MAX_DIAGNOSTICS
    return ActionResult(
        {
            "result": "FAIL" if any(item.severity == "ERROR" for item in found) else "OK",
            "diagnostics": [vars(item) for item in found[:limit]],
            "truncated": len(found) > limit,
        }
    )


@PATCHES.method(_Response, "publish_state_machine_version", "Not in moto.")
def publish_version(original: Any, self: Any) -> ActionResult:
    machine = self.stepfunction_backend.describe_state_machine(self._get_param("stateMachineArn"))
    latest = machine.latest_version
    if latest is None or (latest.definition, latest.roleArn) != (machine.definition, machine.roleArn):
        machine.publish(self._get_param("description"))
        latest = machine.latest_version
    return ActionResult({"creationDate": latest.creation_date, "stateMachineVersionArn": latest.arn})


@PATCHES.method(_Response, "list_state_machine_versions", "Not in moto.")
def list_versions(original: Any, self: Any) -> ActionResult:
    machine = self.stepfunction_backend.describe_state_machine(self._get_param("stateMachineArn"))
    versions = sorted(machine.versions.values(), key=lambda version: -version.version)
    items = [{"stateMachineVersionArn": item.arn, "creationDate": item.creation_date} for item in versions]
    return ActionResult({"stateMachineVersions": items})


@PATCHES.method(_Response, "delete_state_machine_version", "Not in moto.")
def delete_version(original: Any, self: Any) -> EmptyResult:
    arn, _, number = self._get_param("stateMachineVersionArn").rpartition(":")
    machine = self.stepfunction_backend.describe_state_machine(arn)
    machine.versions.pop(int(number), None)
    return EmptyResult()
