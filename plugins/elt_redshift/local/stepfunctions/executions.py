"""Executions: start, stop, timeout, end and redrive, each one atomic step.

(https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html, …/API_StopExecution.html and
…/API_RedriveExecution.html)
"""

from __future__ import annotations

import datetime
import json
import threading
from collections.abc import Callable
from typing import Any

from moto.stepfunctions.parser.api import (
    ExecutionNotRedrivable,
    ExecutionStatus,
    HistoryEventType,
    StateMachineType,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.evaluation_details import AWSExecutionDetails
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded, ProgramError, ProgramTimedOut
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend.execution import Execution
from moto.stepfunctions.parser.utils import TMP_THREADS

from elt_redshift.local.cloudwatch import count_end
from elt_redshift.local.events import emit_execution_event
from elt_redshift.local.stepfunctions.engine import halt
from elt_redshift.local.stepfunctions.errors import RUNTIME
from elt_redshift.local.stepfunctions.history import MAX_EVENTS, History
from elt_redshift.local.stepfunctions.progress import Run, Scope
from elt_redshift.local.stepfunctions.values import iso_time

MAX_SHOWN = 248 * 1024  # bytes of an input or an output in an event

REDRIVABLE_FOR = datetime.timedelta(days=14)  # after the execution's end
_UNSUCCESSFUL = (ExecutionStatus.FAILED, ExecutionStatus.ABORTED, ExecutionStatus.TIMED_OUT)


def utc_now() -> datetime.datetime:
    """The clock of all executions; tests may replace it."""
    return datetime.datetime.now(datetime.UTC)


class Worker:
    """What moto's backend expects of an execution's worker: its environment."""

    def __init__(self, env: Any) -> None:
        self.env = env


class EmbeddedExecution(Execution):
    """An execution with progress that a redrive can go on from."""

    def __init__(self, version_arn: str | None = None, alias_arn: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.redrive_count = 0
        self.redrive_date: datetime.datetime | None = None
        self.redrive_tokens: dict[str, datetime.datetime] = {}
        self.version_arn, self.alias_arn = version_arn, alias_arn
        self._changing = threading.RLock()  # start, redrive: one at a time
        self._scope = Scope()
        self._run: Run
        self._history: History
        self._first_env = self._begun()

    def _begun(self) -> Any:
        """The environment of the first run. Whoever finds the execution in a list sees it RUNNING, with a history."""
        env = self._new_env(former=None)
        details = {
            "input": self.execution_input,
            "inputDetails": {"truncated": False},
            "roleArn": self.role_arn,
        }
        self._add_event(env, HistoryEventType.ExecutionStarted, details, is_source=False)
        return env

    def start(self) -> None:
        """Let the first run walk, in a thread of its own."""
        self._launch(self._first_env)

    def redrive(self, client_token: str | None) -> datetime.datetime:
        """Go on from where the execution ended without success.

        :return: when; for a ``client_token`` used before, when that was.
        :raises ExecutionNotRedrivable: it is running or has succeeded, ended too long ago, or has too many events.
        """
        with self._changing:
            if client_token in self.redrive_tokens:
                return self.redrive_tokens[client_token]
            reason = self.not_redrivable()
            if reason is not None:
                raise ExecutionNotRedrivable(f"Execution is not redrivable: '{self.exec_arn}'. {reason}")
            moment = utc_now()
            if client_token:
                self.redrive_tokens[client_token] = moment
            with self._run.lock:  # the former run's threads may still be at work; who looks sees all of this or nothing
                self.redrive_count, self.redrive_date = self.redrive_count + 1, moment
                self.stop_date = self.error = self.cause = self.output = None
                self._scope = self._scope.redriven()
                env = self._new_env(former=self._history)
            self._add_event(env, HistoryEventType.ExecutionRedriven, {"redriveCount": self.redrive_count})
            self._launch(env)
            return moment

    def not_redrivable(self) -> str | None:
        """Why the execution cannot be redriven now, in AWS's words; None when it can."""
        if self.exec_status not in _UNSUCCESSFUL:
            return f"Execution is {self.status} and cannot be redriven"
        if self.stop_date is not None and utc_now() - self.stop_date > REDRIVABLE_FOR:
            return "Execution is past the redrivable period of 14 days"
        if len(self._history) >= MAX_EVENTS - 1:
            return "Execution event history count exceeds the redrivable limit of 24,999"
        return None

    def stop(self, stop_date: datetime.datetime, error: str | None, cause: str | None) -> None:
        """Abort: nothing that the execution still does counts from now on. One that has ended stays as it is."""
        with self._run.lock:
            if self.exec_status != ExecutionStatus.RUNNING:
                return
            self._history.add_aborted(list(self._scope.running()))
            details = {key: value for key, value in (("error", error), ("cause", cause)) if value is not None}
            self._end(ExecutionStatus.ABORTED, HistoryEventType.ExecutionAborted, details)

    def _new_env(self, former: History | None) -> Any:
        run = Run()
        context: Any = {"Execution": self._context(), "StateMachine": self._state_machine_context()}
        env: Any = Environment(
            aws_execution_details=AWSExecutionDetails(self.account_id, self.region_name, self.role_arn),
            execution_type=self.sm_type,
            context=context,
            event_history_context=EventHistoryContext(previous_event_id=len(former) if former else 0),
            cloud_watch_logging_session=None,
            activity_store=self._activity_store,
        )
        env.run, env.scope = run, self._scope
        if former is not None:
            env.map_run_record_pool_manager = self.exec_worker.env.map_run_record_pool_manager
        env.event_manager = self._history = History(run, former, on_full=self._too_many_events)
        self.exec_worker: Any = Worker(env)
        self.exec_status = ExecutionStatus.RUNNING
        self._run = run  # with its lock, under which the above is read
        return env

    def _context(self) -> dict[str, Any]:
        context: dict[str, Any] = {
            "Id": self.exec_arn,
            "Input": self.input_data,
            "Name": self.name,
            "RoleArn": self.role_arn,
            "StartTime": iso_time(self.start_date),
            "RedriveCount": self.redrive_count,
        }
        if self.redrive_date is not None:
            context["RedriveTime"] = iso_time(self.redrive_date)
        return context

    def _state_machine_context(self) -> dict[str, Any]:
        return {"Id": self.version_arn or self.state_machine.arn, "Name": self.state_machine.name}

    @staticmethod
    def _add_event(env: Any, kind: HistoryEventType, details: Any, is_source: bool = True) -> None:
        event_details: Any = {kind.value[0].lower() + kind.value[1:] + "EventDetails": details}
        env.event_manager.add_event(
            context=env.event_history_context,
            event_type=kind,
            event_details=event_details,
            update_source_event_id=is_source,
        )

    def _launch(self, env: Any) -> None:
        self._tell()
        program: Any = AmazonStateLanguageParser.parse(self.state_machine.definition)[0]
        threading.Thread(target=self._walk, args=(self._run, env, program), daemon=True, name=self.name).start()

    def _walk(self, run: Run, env: Any, program: Any) -> None:
        limit = program.timeout_seconds
        timer = threading.Timer(limit.timeout_seconds, self._time_out, (run,)) if limit else None
        if timer is not None:
            timer.daemon = True
            timer.start()
        program.eval(env)
        if timer is not None:
            timer.cancel()
        self._conclude(run, env)
        TMP_THREADS.clear()  # moto keeps every thread there for ever

    def _conclude(self, run: Run, env: Any) -> None:
        with run.lock:
            if not run.open:
                return
            if isinstance(env._program_state, ProgramEnded):
                self.output = env.states.get_input()
                text = to_json_str(self.output, separators=(",", ":"))
                details: Any = {"output": text, "outputDetails": {"truncated": False}}
                self._end(ExecutionStatus.SUCCEEDED, HistoryEventType.ExecutionSucceeded, details)
            elif isinstance(env._program_state, ProgramError):
                self._end(
                    ExecutionStatus.FAILED, HistoryEventType.ExecutionFailed, dict(env._program_state.error or {})
                )

    def _time_out(self, run: Run) -> None:
        with run.lock:
            if run.open:
                self._end(ExecutionStatus.TIMED_OUT, HistoryEventType.ExecutionTimedOut, {}, ProgramTimedOut())

    def _too_many_events(self) -> None:
        cause = f"The execution reached the maximum number of history events ({MAX_EVENTS})."
        self._end(ExecutionStatus.FAILED, HistoryEventType.ExecutionFailed, {"error": RUNTIME, "cause": cause})

    def _end(self, status: ExecutionStatus, kind: HistoryEventType, details: Any, state: Any = None) -> None:
        """Status, last event and the closing of the run, together. The run's lock is held."""
        env = self.exec_worker.env
        self._add_event(env, kind, details)
        self._run.open = False
        self.stop_date, self.exec_status = utc_now(), status
        self.error, self.cause = details.get("error"), details.get("cause")
        count_end(self.state_machine.arn, self.status)
        self._tell()
        halt(env, state)

    def _tell(self) -> None:
        """The event about the status that the execution has now; Express workflows send none."""
        if self.sm_type != StateMachineType.EXPRESS:
            emit_execution_event(self._detail())

    def _detail(self) -> dict[str, Any]:
        """All members of the event's detail, null where there is nothing to tell.

        https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
        """
        succeeded = self.exec_status == ExecutionStatus.SUCCEEDED
        output = to_json_str(self.output, separators=(",", ":")) if succeeded else None
        given, result = (_shown(text) for text in (self.execution_input, output))
        reason = self.not_redrivable()
        return {
            "executionArn": self.exec_arn,
            "stateMachineArn": self.state_machine.arn,
            "stateMachineVersionArn": self.version_arn,
            "stateMachineAliasArn": self.alias_arn,
            "name": self.name,
            "status": self.status,
            "startDate": _milliseconds(self.start_date),
            "stopDate": _milliseconds(self.stop_date),
            **dict(zip(("input", "inputDetails"), given, strict=True)),
            **dict(zip(("output", "outputDetails"), result, strict=True)),
            "redriveCount": self.redrive_count,
            "redriveDate": _milliseconds(self.redrive_date),
            "redriveStatus": "NOT_REDRIVABLE" if reason else "REDRIVABLE",
            "redriveStatusReason": reason,
            "error": self.error,
            "cause": self.cause,
        }


def _milliseconds(date: datetime.datetime | None) -> int | None:
    return None if date is None else int(date.timestamp() * 1000)


def _shown(text: str | None) -> tuple[str | None, dict[str, bool] | None]:
    """An execution's input or output in an event, and whether it is included; it is not if it is too large."""
    if text is None:
        return None, None
    included = len(json.dumps(text).encode()) <= MAX_SHOWN
    return (text if included else None), {"included": included}


_starting = threading.RLock()


def locked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let one request at a time look whether an execution or a state machine exists, and add it."""

    def call(*args: Any, **kwargs: Any) -> Any:
        with _starting:
            return function(*args, **kwargs)

    return call
