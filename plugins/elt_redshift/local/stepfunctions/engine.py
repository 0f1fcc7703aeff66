"""How a program - the state machine, a branch, an iteration - is walked, halted and gone on with.

Against moto's walk: progress is recorded at each state's exit (see ``progress``), a program that is halted stops at
once and for good, even when a call it made is still under way, and no thread waits for another without need.
"""

from __future__ import annotations

import datetime
import threading
from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.catch.catch_outcome import CatchOutcome
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.distributed_iteration_component import (
    DistributedIterationComponent,
)
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.eval.program_state import ProgramRunning, ProgramState, ProgramStopped
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError

from elt_redshift.local.copies import deep_copy
from elt_redshift.local.stepfunctions.errors import RUNTIME, failure
from elt_redshift.local.stepfunctions.patching import Patches
from elt_redshift.local.stepfunctions.progress import Entered, Run, Scope
from elt_redshift.local.stepfunctions.values import iso_time

PATCHES = Patches()
apply = PATCHES.apply


def halt(env: Any, state: ProgramState | None = None) -> None:
    """End ``env`` and all frames within it now: they enter no state, add no event, and their waits return."""
    with env._state_mutex:
        if env.is_running():
            env._program_state = state or ProgramStopped(stop_date=_now(), error=None, cause=None)
        env.event_history_context.closed = True
        env.halted.set()
        for frame in env._frames:
            halt(frame, state)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


@PATCHES.method(Environment, "__init__", "Had no progress to record and no lasting signal to stop.")
def init_environment(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
    original(self, *args, **kwargs)
    self.halted, self.scope, self.run = threading.Event(), Scope(), Run()


@PATCHES.method(Environment, "as_inner_frame_of", "A frame opened while its parent was stopped ran on.")
def open_frame(original: Any, cls: Any, env: Any, *args: Any, **kwargs: Any) -> Any:
    frame = original(cls, env, *args, **kwargs)
    frame.scope, frame.run = env.scope, env.run
    if "Map" in env.states.context_object.context_object_data:
        frame.states.context_object.context_object_data["Map"] = env.states.context_object.context_object_data["Map"]
    if env.halted.is_set():
        halt(frame)
    return frame


@PATCHES.method(Program, "eval", "Began at StartAt always; one more thread for each program.")
def eval_program(original: Any, self: Any, env: Any) -> None:
    scope: Scope = env.scope
    with env._state_mutex:
        if env.halted.is_set():
            return
        scope.begin(self.start_at.start_at_name, env.states.get_input())
        env.states.reset(input_value=scope.input)
        for name, value in deep_copy(scope.variables).items():
            env.variable_store.set(name, value)
        env.variable_store.reset_tracing()
        env.next_state_name = scope.state
    EvalComponent.eval(self, env)


@PATCHES.method(Program, "_eval_body", "A late failure overwrote a stop; the end of the execution was not atomic.")
def run_states(original: Any, self: Any, env: Any) -> None:
    try:
        while env.is_running():
            self._get_state(env.next_state_name).eval(env)
            env.stack.clear()
            env.heap.clear()
    except FailureEventException as error:
        _fail(env, error.get_execution_failed_event_details())
    except Exception as error:
        _fail(env, {"error": RUNTIME, "cause": f"{type(error).__name__}({error})"})


def _fail(env: Any, details: Any) -> None:
    with env.run.lock:
        if env.is_running() and env.run.open:
            env.scope.failed, env.scope.failure = True, dict(details or {})
            env.set_error(error=details or {})


@PATCHES.method(CommonStateField, "_eval_body", "Did not record progress; went on when stopped; Catch could not loop.")
def eval_state(original: Any, self: Any, env: Any) -> None:
    _enter(self, env)
    self._eval_state_input(env=env)
    try:
        self._eval_state(env)
        if not env.is_running():
            return
        caught = bool(env.stack) and isinstance(env.stack[-1], CatchOutcome)
        self._eval_state_output(env=env)
    except NoSuchJsonPathError as error:
        cause = f"The JSONPath '{error.json_path}' specified for the field '{env.next_field_name}' {_MISSING}"
        raise failure(env, StatesErrorNameType.StatesRuntime, cause, HistoryEventType.TaskFailed) from error
    self._verify_size_quota(env=env, value=env.states.get_input())
    _leave(self, env, caught)


_MISSING = "could not be found in the input"


def _enter(state: Any, env: Any) -> None:
    data = env.states.context_object.context_object_data
    data["State"] = {"EnteredTime": iso_time(_now()), "Name": state.name, "RetryCount": 0}
    event_type: str = state.state_entered_event_type.value
    details = EventDetails(stateEnteredEventDetails=state._get_state_entered_event_details(env=env))  # type: ignore[typeddict-item]
    with env.run.lock:
        event_id = env.event_manager.add_event(
            context=env.event_history_context, event_type=state.state_entered_event_type, event_details=details
        )
        distributed = isinstance(getattr(state, "iteration_component", None), DistributedIterationComponent)
        kind = event_type.removesuffix("StateEntered")
        env.scope.entered = Entered(state.name, kind, event_id or 0, distributed)


def _leave(state: Any, env: Any, caught: bool) -> None:
    """The exit: its event and the record of it are one step, which a stop comes before or after."""
    with env.run.lock:
        if env.halted.is_set() or not env.run.open:
            return
        if not caught:
            state._set_next(env)
        details = EventDetails(stateExitedEventDetails=state._get_state_exited_event_details(env=env))  # type: ignore[typeddict-item]
        env.event_manager.add_event(
            context=env.event_history_context, event_type=state.state_exited_event_type, event_details=details
        )
        if isinstance(env._program_state, ProgramRunning):
            env.scope.advance(env.next_state_name, env.states.get_input(), env.variable_store._inner_scope)
        else:
            env.scope.finish(env.states.get_input())
