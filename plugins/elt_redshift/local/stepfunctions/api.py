"""The API's requests on executions: parameters, errors and answers as AWS documents them.

(https://docs.aws.amazon.com/step-functions/latest/apireference/API_Operations.html)
"""

from __future__ import annotations

import copy
import json
import random
import re
import uuid
from collections.abc import Iterator
from typing import Any

from moto.core import serialize
from moto.core.responses import ActionResult, EmptyResult
from moto.stepfunctions import exceptions, responses
from moto.stepfunctions.parser import models as parser_models
from moto.stepfunctions.parser import quotas

from elt_redshift.local.stepfunctions import executions, map_runs
from elt_redshift.local.stepfunctions.executions import EmbeddedExecution, locked
from elt_redshift.local.stepfunctions.history import without_data
from elt_redshift.local.stepfunctions.patching import Patches

PATCHES = Patches()
apply = PATCHES.apply

MAX_PAYLOAD = 256 * 1024  # bytes, UTF-8
_FORBIDDEN = re.compile(r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]")
_PAGE = 100
_Backend = parser_models.StepFunctionsParserBackend
_Response = responses.StepFunctionResponse


@PATCHES.function(quotas, "is_within_size_quota", "Counted non-ASCII characters as escapes.")
def is_within_quota(original: Any, value: Any) -> bool:
    text = (
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    )
    return len(text.encode()) <= MAX_PAYLOAD


def _check_name(name: str) -> None:
    if not name or len(name) > 80 or _FORBIDDEN.search(name):
        raise exceptions.InvalidName(f"Invalid Name: '{name}'")


def _check_input(text: str) -> None:
    if len(text.encode()) > MAX_PAYLOAD:
        raise exceptions.ValidationException(f"Value at 'input' must have length less than or equal to {MAX_PAYLOAD}")
    try:
        json.loads(text)
    except ValueError as error:
        raise exceptions.InvalidExecutionInput(f"Invalid State Machine Execution Input: '{error}'") from error


def _started_from(backend: Any, arn: str) -> tuple[Any, Any, str | None]:
    """The state machine that ``arn`` names, the version of it that runs (or itself), and the alias used.

    :raises StateMachineDoesNotExist: there is no such state machine, version or alias.
    """
    base, qualifier = (arn, "") if arn.count(":") <= 6 else arn.rsplit(":", 1)
    machine = backend.describe_state_machine(base)
    if not qualifier:
        return machine, machine, None
    alias = machine.aliases.get(qualifier)
    if alias is not None:
        routes = alias.routing_configuration
        chosen = random.choices(routes, [route["weight"] for route in routes])[0]  # noqa: S311 - as AWS routes
        qualifier = chosen["stateMachineVersionArn"].rsplit(":", 1)[1]
    version = machine.versions.get(int(qualifier)) if qualifier.isnumeric() else None
    if version is None:
        raise exceptions.StateMachineDoesNotExist(f"State Machine Does Not Exist: '{arn}'")
    return machine, version, alias.arn if alias else None


@PATCHES.method(
    _Backend, "start_execution", "Named unnamed executions 'None', knew no versions, started one name twice."
)
@locked
def start_execution(
    original: Any,
    self: Any,
    state_machine_arn: str,
    name: str | None = None,
    execution_input: str | None = None,
    trace_header: str | None = None,
) -> Any:
    name = name if name is not None else str(uuid.uuid4())
    text = "{}" if execution_input is None else execution_input
    _check_name(name)
    machine, version, alias_arn = _started_from(self, state_machine_arn)
    _check_input(text)
    existing = machine._handle_name_input_idempotency(name, text)
    if existing is not None:
        return existing
    execution = _execution(self, machine, version, alias_arn, name, text, trace_header)
    machine.executions.append(execution)
    execution.start()
    return execution


def _execution(
    backend: Any, machine: Any, version: Any, alias_arn: str | None, name: str, text: str, trace_header: str | None
) -> Any:
    """An execution with its own snapshot of the state machine: updates do not touch it, not even when redriven."""
    snapshot = copy.copy(version)
    snapshot.executions, snapshot.arn = [], machine.arn
    prefix = f"arn:{backend.partition}:states:{backend.region_name}:{backend.account_id}:execution"
    return EmbeddedExecution(
        version_arn=version.arn if version is not machine else None,
        alias_arn=alias_arn,
        name=name,
        sm_type=snapshot.sm_type,
        role_arn=snapshot.roleArn,
        exec_arn=f"{prefix}:{machine.name}:{name}",
        account_id=backend.account_id,
        region_name=backend.region_name,
        state_machine=snapshot,
        start_date=executions.utc_now(),
        cloud_watch_logging_session=None,
        activity_store={},
        input_data=text,
        trace_header=trace_header,
    )


@PATCHES.method(_Response, "stop_execution", "Dropped error and cause.")
def stop_execution(original: Any, self: Any) -> ActionResult:
    execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
    execution.stop(executions.utc_now(), self._get_param("error"), self._get_param("cause"))
    return ActionResult({"stopDate": execution.stop_date})


@PATCHES.method(_Response, "redrive_execution", "Not in moto.")
def redrive_execution(original: Any, self: Any) -> ActionResult:
    execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
    return ActionResult({"redriveDate": execution.redrive(self._get_param("clientToken"))})


def _summary(execution: Any) -> dict[str, Any]:
    optional = {
        "stopDate": execution.stop_date,
        "stateMachineVersionArn": execution.version_arn,
        "stateMachineAliasArn": execution.alias_arn,
        "redriveDate": execution.redrive_date,
    }
    return {
        "executionArn": execution.execution_arn,
        "stateMachineArn": execution.state_machine_arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": execution.start_date,
        "redriveCount": execution.redrive_count,
        **{key: value for key, value in optional.items() if value is not None},
    }


@PATCHES.method(_Response, "describe_execution", "Knew no redrives, versions or traces; TIMED_OUT had no stopDate.")
def describe_execution(original: Any, self: Any) -> ActionResult:
    arn = self._get_param("executionArn")
    if "/" in arn and (child := map_runs.find_child(_all_executions(self), arn)):
        return ActionResult(child.describe())
    execution = self.stepfunction_backend.describe_execution(arn)
    return ActionResult(described(execution, data=self._get_param("includedData") != "METADATA_ONLY"))


def described(execution: EmbeddedExecution, data: bool = True) -> dict[str, Any]:
    """An execution as DescribeExecution gives it.

    :param data: with its input and output.
    """
    with execution._run.lock:  # status, output and error belong together
        reason = execution.not_redrivable()
        answer = {
            **_summary(execution),
            "redriveStatus": "NOT_REDRIVABLE" if reason else "REDRIVABLE",
            "redriveStatusReason": reason,
            "error": execution.error,
            "cause": execution.cause,
            "traceHeader": execution.trace_header,
        }
        if data:
            answer |= {"input": execution.execution_input, "inputDetails": {"included": True}}
        if data and execution.status == "SUCCEEDED":
            answer["output"] = json.dumps(execution.output, separators=(",", ":"))
            answer["outputDetails"] = {"included": True}
    return {key: value for key, value in answer.items() if value is not None}


def _page(self: Any, items: list[Any], largest: int = 1000) -> tuple[list[Any], str | None]:
    """One page of ``items`` and the token of the next; a token is the offset."""
    size = min(self._get_int_param("maxResults") or _PAGE, largest)
    token = self._get_param("nextToken") or "0"
    if not token.isnumeric():
        raise exceptions.InvalidToken(token)
    start = int(token)
    return items[start : start + size], str(start + size) if start + size < len(items) else None


def _all_executions(self: Any) -> Iterator[Any]:
    return (execution for machine in self.stepfunction_backend.state_machines for execution in machine.executions)


@PATCHES.method(_Response, "list_executions", "Knew no redriveFilter, versions, aliases or Map Runs.")
def list_executions(original: Any, self: Any) -> ActionResult:
    arn, status = self._get_param("stateMachineArn"), self._get_param("statusFilter")
    if map_run := self._get_param("mapRunArn"):
        return _list_children(self, map_run, status)
    redriven = self._get_param("redriveFilter")
    machine = _started_from(self.stepfunction_backend, arn)[0]
    chosen = [
        execution
        for execution in sorted(machine.executions, key=lambda item: item.start_date)[::-1]
        if (status is None or execution.status == status)
        and (redriven is None or (redriven == "REDRIVEN") == bool(execution.redrive_count))
        and (arn == machine.arn or arn in (execution.version_arn, execution.alias_arn))
    ]
    page, following = _page(self, chosen)
    return ActionResult({"executions": [_summarised(execution) for execution in page], "nextToken": following})


def _summarised(execution: Any) -> dict[str, Any]:
    with execution._run.lock:  # status, dates and redrives belong together
        return _summary(execution)


def _list_children(self: Any, map_run: str, status: str | None) -> ActionResult:
    if self._get_param("stateMachineArn"):
        raise exceptions.ValidationException("You must specify exactly one of: state machine ARN or map run ARN")
    children = map_runs.find_run(_all_executions(self), map_run)
    if children is None:
        raise exceptions.ResourceNotFound(map_run)
    page, following = _page(self, [child for child in reversed(children) if status in (None, child.status)])
    return ActionResult({"executions": [child.summary() for child in page], "nextToken": following})


@PATCHES.method(_Response, "get_execution_history", "Ignored maxResults, reverseOrder and includeExecutionData.")
def get_execution_history(original: Any, self: Any) -> ActionResult:
    execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
    events = execution.to_history_output()["events"]
    if self._get_bool_param("reverseOrder"):
        events = events[::-1]
    page, following = _page(self, events)
    if self._get_bool_param("includeExecutionData") is False:
        page = [without_data(event) for event in page]
    return ActionResult({"events": page, "nextToken": following})


@PATCHES.method(
    serialize.BaseJSONSerializer,
    "_serialize_type_structure",
    "Looked for each of a history event's 40 parts by six names that it might have.",
)
def serialize_structure(original: Any, self: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
    """What has no other names than the model's is taken by these."""
    transformed = getattr(self._value_picker, "response_transformers", None)
    if type(value) is not dict or transformed or shape.is_document_type or not value.keys() <= shape.members.keys():
        original(self, serialized, value, shape, key)
        return
    answer = {} if key else serialized
    for name, member in shape.members.items():
        if value.get(name) is not None:
            member.parent = shape
            self._serialize(answer, value[name], member, name)
    if key:
        self._default_serialize(serialized, answer, shape, key)


@PATCHES.method(_Response, "send_task_failure", "Dropped the cause.")
def send_task_failure(original: Any, self: Any) -> EmptyResult:
    error, cause = self._get_param("error"), self._get_param("cause")
    self.stepfunction_backend.send_task_failure(self._get_param("taskToken"), error=error, cause=cause)
    return EmptyResult()


@PATCHES.method(
    _Response, "describe_state_machine_for_execution", "Gave the updated definition, not the one that runs."
)
def describe_for_execution(original: Any, self: Any) -> ActionResult:
    execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
    machine = execution.state_machine
    return ActionResult(
        {
            "stateMachineArn": machine.arn,
            "name": machine.name,
            "definition": machine.definition,
            "roleArn": machine.roleArn,
            "updateDate": machine.update_date,
            "loggingConfiguration": machine.loggingConfiguration,
            "tracingConfiguration": machine.tracingConfiguration,
        }
    )
