"""One attempt at a Task, Parallel or Map state, its timeout, its retries and its Catch; and waiting.

(https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html)

Every wait here ends as soon as the program is halted. A call that is under way then goes on in its own thread, but its
result is discarded with the frame it was made for.
"""

from __future__ import annotations

import copy
import datetime
import os
import threading
from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.catch.catch_outcome import CatchOutcome
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.common.retry.max_attempts_decl import MaxAttemptsOutcome
from moto.stepfunctions.parser.asl.component.common.retry.retrier_decl import RetrierDecl
from moto.stepfunctions.parser.asl.component.common.retry.retrier_outcome import RetrierOutcome
from moto.stepfunctions.parser.asl.component.common.retry.retry_outcome import RetryOutcome
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import EvalTimeoutError
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_map.state_map import StateMap
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel.state_parallel import StateParallel
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.timestamp import Timestamp
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction

from elt_redshift.local.stepfunctions import tokens
from elt_redshift.local.stepfunctions.engine import halt
from elt_redshift.local.stepfunctions.errors import DATA_LIMIT
from elt_redshift.local.stepfunctions.nested import stop_child
from elt_redshift.local.stepfunctions.patching import Patches

PATCHES = Patches()
apply = PATCHES.apply

RETRY_PACE = "ELT_REDSHIFT_LOCAL_RETRY_PACE"
"""A factor for the time between an attempt and its retry. Tests make it small, not to wait for real seconds."""

_OUTPUT_DONE = object()  # on the stack: the state's Output has been evaluated


class _Attempt:
    """A state's work in a thread of its own, so that a timeout or a stop need not wait for it."""

    def __init__(self, state: Any, frame: Any) -> None:
        self.outcome: list[Any] = []
        self.error: Exception | None = None
        self.finished = False
        self._state, self._frame = state, frame

    def run(self) -> None:
        try:
            self._state._eval_execution(self._frame)
            self.outcome = list(self._frame.stack)
        except Exception as error:  # whatever it is, the state handles it
            self.error = error
        self.finished = True
        self._frame.halted.set()


@PATCHES.method(
    ExecutionState, "_evaluate_with_timeout", "Did not end at a stop; left failed branches' siblings running."
)
def attempt(original: Any, self: Any, env: Any) -> None:
    """Run the state's work once and take its result; return without one when the program was halted."""
    self.timeout.eval(env=env)
    seconds = env.stack.pop()
    frame = env.open_frame()
    frame.states.reset(input_value=env.states.get_input())
    frame.stack = copy.deepcopy(env.stack)
    work = _Attempt(self, frame)
    threading.Thread(target=work.run, daemon=True, name=f"state {self.name}").start()
    if not frame.halted.wait(seconds) and tokens.close(frame):
        frame.halted.wait()  # its token was taken before the time was up
    finished = work.finished
    _close(env, frame)
    if not finished:
        stop_child(frame)
    if not env.is_running():
        return
    # Work that is halted when its time is up may fail for that, which is nobody's error.
    error = work.error if finished else EvalTimeoutError()
    if error is not None:
        _abort_children(env)
        raise error
    _take_result(self, env, work.outcome.pop())


def _close(env: Any, frame: Any) -> None:
    """End what the attempt left behind: branches beside a failed one, a wait for a task token."""
    halt(frame)
    tokens.close(frame)
    env.close_frame(frame)


def _abort_children(env: Any) -> None:
    with env.run.lock:
        if hasattr(env.event_manager, "add_aborted"):
            env.event_manager.add_aborted(list(env.scope.running_children()))
        for child in env.scope.children.values():
            child.entered = None


def _take_result(state: Any, env: Any, result: Any) -> None:
    state._verify_size_quota(env=env, value=result)
    env.stack.append(result)
    if not state._is_language_query_jsonpath():
        env.states.set_result(result)
    for component in (state.assign_decl, state.result_selector, state.result_path):
        if component:
            component.eval(env=env)
    if state.output:  # within the attempt, so that Retry and Catch see its errors
        state.output.eval(env=env)
        env.stack.append(_OUTPUT_DONE)


@PATCHES.method(
    ExecutionState, "_eval_state_output", "Evaluated Output where Retry and Catch could not see its errors."
)
def state_output(original: Any, self: Any, env: Any) -> None:
    if env.stack[-1] is not _OUTPUT_DONE and not isinstance(env.stack[-1], CatchOutcome):
        CommonStateField._eval_state_output(self, env=env)


def run_with_retries(original: Any, self: Any, env: Any) -> None:
    """Attempt the state until it succeeds, is caught, or fails for good."""
    state_input = list(env.stack)
    while env.is_running():
        env.stack[:] = state_input
        try:
            if isinstance(self, StateParallel) and self.parargs is not None:
                self.parargs.eval(env=env)
            self._evaluate_with_timeout(env)
            return
        except Exception as error:  # any error may be one that Retry or Catch names
            if not env.is_running() or _handled(self, env, self._from_error(env=env, ex=error)):
                return
            tokens.renew(env)


def _handled(state: Any, env: Any, failure_event: Any) -> bool:
    """True when a Catch took the failure, False when the state is to be tried again; raises it otherwise."""
    _publish(state, env, failure_event)
    output = state._construct_error_output_value(failure_event=failure_event)
    env.states.set_error_output(output)
    env.states.set_result(output)
    if output["Error"] == DATA_LIMIT:  # "the Parallel state is rerun, including the branches that were successful"
        env.scope.children = {}
    if state.retry and state._handle_retry(env=env, failure_event=failure_event) == RetryOutcome.CanRetry:
        return False
    _publish_end(state, env)
    if state.catch:
        state._handle_catch(env=env, failure_event=failure_event)
        if env.stack[-1] == CatchOutcome.Caught:
            return True
    state._handle_uncaught(env=env, failure_event=failure_event)
    return False


def _publish(state: Any, env: Any, failure_event: Any) -> None:
    silent = (HistoryEventType.EvaluationFailed, HistoryEventType.ExecutionFailed)  # published where they arose
    if not isinstance(state, StateParallel | StateMap) and failure_event.event_type not in silent:
        env.event_manager.add_event(
            context=env.event_history_context,
            event_type=failure_event.event_type,
            event_details=failure_event.event_details,
        )


def _publish_end(state: Any, env: Any) -> None:
    ends = {StateParallel: HistoryEventType.ParallelStateFailed, StateMap: HistoryEventType.MapStateFailed}
    event_type = ends.get(type(state))
    if event_type is not None:
        env.event_manager.add_event(context=env.event_history_context, event_type=event_type)


for _state_type in (ExecutionState, StateParallel, StateMap):
    PATCHES.method(
        _state_type, "_eval_state", "Handled a failure of a stopped state; Parallel's Arguments had no Catch."
    )(run_with_retries)


@PATCHES.method(RetrierDecl, "_eval_body", "Slept through a stop.")
def retry(original: Any, self: Any, env: Any) -> None:
    self.error_equals.eval(env)
    if not env.stack.pop():
        env.stack.append(RetrierOutcome.Skipped)
        return
    self.max_attempts.eval(env=env)
    if env.stack.pop() == MaxAttemptsOutcome.EXHAUSTED:
        env.stack.append(RetrierOutcome.Failed)
        return
    for component in (self.interval_seconds, self.backoff_rate, self.max_delay_seconds, self.jitter_strategy):
        component.eval(env=env)
    env.halted.wait(env.stack.pop() * float(os.environ.get(RETRY_PACE, "1")))
    env.stack.append(RetrierOutcome.Executed)


@PATCHES.method(WaitFunction, "_wait_interval", "Left its thread waiting after a stop.")
def wait_interval(original: Any, self: Any, env: Any, wait_seconds: float) -> None:
    if wait_seconds > 0:
        env.halted.wait(wait_seconds)


@PATCHES.method(Timestamp, "_from_timestamp_string", "Took no offsets, and dropped fractions of seconds.")
def parse_timestamp(original: Any, timestamp: str) -> datetime.datetime | None:
    try:
        moment = datetime.datetime.fromisoformat(timestamp)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo is not None and "T" in timestamp else None


@PATCHES.method(Timestamp, "_get_wait_seconds", "Compared UTC with local time.")
def seconds_until(original: Any, self: Any, env: Any) -> float:
    self.string.eval(env=env)
    text = env.stack.pop()
    moment = self._from_timestamp_string(text)
    if moment is None:
        raise FailureEventException(self._create_failure_event(env, text))
    return float((moment - datetime.datetime.now(datetime.UTC)).total_seconds())
