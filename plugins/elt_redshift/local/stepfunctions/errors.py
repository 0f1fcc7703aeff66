"""Error names: which there are, what catches them, and how the API's exceptions are called.

(https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html)
"""

from __future__ import annotations

from typing import Any

from moto.core.exceptions import AWSError
from moto.stepfunctions.parser import api
from moto.stepfunctions.parser.api import HistoryEventType, TaskTimedOutEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.error_equals_decl import ErrorEqualsDecl
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.state.choice.state_choice import StateChoice
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import HeartbeatTimeoutError
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

from elt_redshift.local.stepfunctions.patching import Patches

PATCHES = Patches()
apply = PATCHES.apply

RUNTIME = "States.Runtime"
DATA_LIMIT = "States.DataLimitExceeded"
_ALL, _TASK_FAILED, _TIMEOUT, _HEARTBEAT = (
    "States.ALL",
    "States.TaskFailed",
    "States.Timeout",
    "States.HeartbeatTimeout",
)
_DECORATION = "An error occurred while executing the state"


def name_of(error: str | None) -> ErrorName | None:
    """An error name of either kind: one of AWS's own ``States.`` names, or a service's or a user's."""
    if error is None:
        return None
    try:
        return StatesErrorName(typ=StatesErrorNameType.from_name(error))
    except ValueError:
        return CustomErrorName(error)


def failure(env: Any, error: StatesErrorNameType, cause: str, event_type: HistoryEventType) -> FailureEventException:
    """A failure with one of AWS's own error names, to be raised within a state."""
    details = {"error": error.to_name(), "cause": cause}
    key = {
        HistoryEventType.TaskFailed: "taskFailedEventDetails",
        HistoryEventType.EvaluationFailed: "evaluationFailedEventDetails",
    }.get(event_type, "executionFailedEventDetails")
    event_details: Any = {key: details}
    return FailureEventException(
        FailureEvent(env=env, error_name=StatesErrorName(typ=error), event_type=event_type, event_details=event_details)
    )


def catches(error_equals: set[str | None], error: str | None) -> bool:
    """Whether a Retry's or Catch's ErrorEquals covers an error.

    >>> catches({"States.ALL"}, "States.Runtime"), catches({"States.TaskFailed"}, "RedshiftData.ValidationException")
    (False, True)
    >>> catches({"States.Timeout"}, "States.HeartbeatTimeout"), catches({"States.TaskFailed"}, "States.Timeout")
    (True, False)
    """
    if error == RUNTIME:  # "not retriable, and will always cause the execution to fail"
        return False
    if error in error_equals:
        return True
    if error == DATA_LIMIT:  # a terminal error that States.ALL does not catch
        return False
    if error == _HEARTBEAT and _TIMEOUT in error_equals:
        return True
    return _ALL in error_equals or (_TASK_FAILED in error_equals and error not in (_TIMEOUT, _HEARTBEAT))


@PATCHES.method(CustomErrorName, "__init__", "Raised for a States.* name that a branch or iteration had failed with.")
def init_error_name(original: Any, self: Any, error_name: str | None) -> None:
    ErrorName.__init__(self, error_name=error_name)


@PATCHES.method(ErrorEqualsDecl, "_eval_body", "States.ALL caught States.Runtime; TaskFailed missed States.* errors.")
def error_equals(original: Any, self: Any, env: Any) -> None:
    error = env.stack.pop()
    env.stack.append(catches({name.error_name for name in self.error_names}, error.error_name if error else None))


@PATCHES.method(
    StateChoice, "_eval_state", "No match was States.Runtime; Default's Assign ran for a rule with its Next."
)
def evaluate_choices(original: Any, self: Any, env: Any) -> None:
    for rule in self.choices_decl.rules:
        rule.eval(env)
        if env.stack.pop() is True:
            env.stack.append(rule.next_stmt.name)
            return
    if self.default_state is None:
        cause = f"No choice rule of the state '{self.name}' matched and it has no Default"
        raise failure(env, StatesErrorNameType.StatesNoChoiceMatched, cause, HistoryEventType.ExecutionFailed)
    for declaration in (self.assign_decl, self.output):
        if declaration:
            declaration.eval(env=env)
    env.stack.append(self.default_state.state_name)


@PATCHES.method(StateChoice, "_eval_state_output", "Took a rule whose Next is the Default's for the Default.")
def choice_output(original: Any, self: Any, env: Any) -> None:
    env.next_state_name = env.stack.pop()
    if self.output_path:
        self.output_path.eval(env=env)


@PATCHES.method(StateTaskServiceCallback, "_from_error", "A missing heartbeat was States.Timeout.")
def callback_error(original: Any, self: Any, env: Any, ex: Exception) -> FailureEvent:
    if not isinstance(ex, HeartbeatTimeoutError):
        return original(self, env, ex)
    details = TaskTimedOutEventDetails(
        resourceType=self._get_sfn_resource_type(), resource=self._get_sfn_resource(), error=_HEARTBEAT
    )
    return FailureEvent(
        env=env,
        error_name=StatesErrorName(typ=StatesErrorNameType.StatesHeartbeatTimeout),
        event_type=HistoryEventType.TaskTimedOut,
        event_details=EventDetails(taskTimedOutEventDetails=details),  # type: ignore[typeddict-item]
    )


@PATCHES.method(FailureEventException, "get_execution_failed_event_details", "Named each enclosing state in the cause.")
def execution_failed_details(original: Any, self: Any) -> Any:
    pair = self.extract_error_cause_pair()
    if pair and pair[1] and str(pair[1]).startswith(_DECORATION):
        return {"error": pair[0], "cause": pair[1]}
    return original(self)


@PATCHES.method(EvalComponent, "_log_failure_event_exception", "Wrote out the whole state machine for each failure.")
def log_failure(original: Any, self: Any, failure_event_exception: Any) -> None:
    """The failure is in the history, where a user looks for it."""


@PATCHES.method(EvalComponent, "_log_exception", "Wrote out the whole state machine for each failure.")
def log_exception(original: Any, self: Any, exception: Exception) -> None:
    """The failure is in the history, where a user looks for it."""


@PATCHES.method(EvalComponent, "heap_key", "Two threads on one definition could get two keys for one retrier.")
def heap_key(original: Any, self: Any) -> str:
    return str(id(self))


def _name_api_errors() -> None:
    for error in vars(api).values():
        if isinstance(error, type) and issubclass(error, AWSError) and error is not AWSError:
            _name_api_error(error)


def _name_api_error(error: type[AWSError]) -> None:
    def init(self: AWSError, message: str = "") -> None:
        AWSError.__init__(self, message, exception_type=name)

    name = str(error.code)
    error.TYPE, error.STATUS, error.__init__ = name, 400, init  # type: ignore[method-assign, assignment]


PATCHES.custom(
    api, "*", "Exceptions of the interpreter reached clients without their names, or not at all.", _name_api_errors
)
