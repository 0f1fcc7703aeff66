"""A model of the parts of runs: executions of machines of their own, which a run starts, waits for and lets go on.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from elt_redshift.protocol import executions
from elt_redshift.protocol.executions import execution_arn
from elt_redshift.testing.clock import Clock, Promise
from elt_redshift.testing.errors import ServiceError, StateError
from elt_redshift.testing.executions import Execution, Frame
from elt_redshift.testing.functions import iso
from elt_redshift.testing.interpreter import Interpreter
from elt_redshift.testing.program import Program

#: An execution can be redriven for so long after its end, in seconds.
REDRIVABLE = 14 * 86_400

PREFIX = "arn:aws:states:eu-west-1:123456789012:execution:job:"
_PART_MACHINE, _PART_EXECUTION = ":stateMachine:part", ":execution:part"


def machine_of_part(number: int) -> str:
    """The ARN of the machine of a part, from 1."""
    return f"{PREFIX.partition(':execution:')[0]}{_PART_MACHINE}{number}"


class Parts:
    """:ivar parts: gives the machines of the job's parts, as deployed; ``executions_of_parts`` are their executions.
    :ivar stops: asked how long after a run's end a part of it is stopped, in seconds; None: the stop is lost.
    """

    _clock: Clock
    _interpreter: Interpreter
    executions: dict[str, Execution]
    deployed: tuple[Program, int] | None
    _note: Callable[[Execution], None]

    def __init__(self) -> None:
        self.parts: Callable[[], Sequence[Program]] = tuple
        self.executions_of_parts: dict[str, Execution] = {}
        self.stops: Callable[[], float | None] = lambda: 0.0
        self._redrives: set[str] = set()
        self._waiting: dict[str, list[Promise]] = {}

    def stop_parts(self, run: Execution) -> None:
        """What is left of a run that has ended is stopped, sooner or later."""
        for part in self.parts_of(run):
            if (soon := self.stops()) is not None:
                self._clock.after(soon, self.stop_part, part)

    def start_part(self, request: Mapping[str, Any]) -> Promise:
        """A part of a run, whose end is waited for. A name is taken, unless its execution runs and was given the same.

        https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
        """
        machine, name = request["StateMachineArn"], request["Name"]
        number, arn = int(machine.rpartition(_PART_MACHINE)[2]), execution_arn(machine, name)
        part, given = self.executions_of_parts.get(arn), request["Input"]
        if part is not None and not (part.running and part.input == given):
            raise ServiceError("ExecutionAlreadyExistsException", f"Execution Already Exists: '{arn}'")
        if part is None:
            assert self.deployed
            program, parent = self.parts()[number - 1], self.executions[given["run"]["owner"]]
            frame = Frame(program, program.start, given, {})
            part = Execution(arn, given, frame, self._clock.now, self.deployed[1], parent=parent)
            self.executions_of_parts[arn] = part
            self._go_part(part)
        assert part.process
        told = Promise()
        part.process.ended.then(lambda kept: told.keep(described(part), _task_failed(part) if kept.error else None))
        self._waiting.setdefault(arn, []).append(told)
        return told

    def redrive_execution(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """A part goes on; a request that was made before with the same token does nothing.

        https://docs.aws.amazon.com/step-functions/latest/apireference/API_RedriveExecution.html
        """
        part = self._part(request["ExecutionArn"])
        if request["ClientToken"] in self._redrives:
            return {}
        if part.running or part.status == executions.SUCCEEDED or self._clock.now > (part.ended or 0) + REDRIVABLE:
            raise ServiceError("ExecutionNotRedrivableException", f"It is {part.status}")
        self._redrives.add(request["ClientToken"])
        part.again(self._clock.now)
        self._go_part(part)
        return {}

    def stop_execution(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """A part is stopped. https://docs.aws.amazon.com/step-functions/latest/apireference/API_StopExecution.html"""
        self.stop_part(self._part(request["ExecutionArn"]))
        return {}

    def stop_part(self, part: Execution) -> None:
        """End a part from outside."""
        if part.running and part.process:
            part.process.end()
            part.root.abort()
            self._end_part(part, executions.ABORTED)
            for told in self._waiting.pop(part.arn, ()):
                told.keep(error=_task_failed(part))

    def parts_of(self, run: Execution) -> list[Execution]:
        """The parts of a run that run."""
        return [part for part in self.executions_of_parts.values() if part.parent is run and part.running]

    def _part(self, arn: str) -> Execution:
        if arn not in self.executions_of_parts:
            raise ServiceError("ExecutionDoesNotExistException", f"Execution Does Not Exist: '{arn}'")
        return self.executions_of_parts[arn]

    def _go_part(self, part: Execution) -> None:
        self._note(part)
        part.process = self._interpreter.begin(part, part.root)
        part.process.ended.then(lambda kept: self._finish_part(part, kept))

    def _finish_part(self, part: Execution, kept: Promise) -> None:
        part.error = kept.error if isinstance(kept.error, StateError) else None
        self._end_part(part, executions.FAILED if kept.error else executions.SUCCEEDED)

    def _end_part(self, part: Execution, status: str) -> None:
        part.status, part.ended = status, self._clock.now
        self._note(part)


def described(run: Execution) -> dict[str, Any]:
    stopped = {} if run.ended is None else {"StopDate": iso(run.ended * 1000)}
    failed = {"Error": run.error.name, "Cause": _cause(run)} if run.error else {}
    redriven = {"RedriveDate": iso(run.redriven[-1] * 1000)} if run.redriven else {}
    return {
        "ExecutionArn": run.arn,
        "Name": run.name,
        "Status": run.status,
        "StartDate": iso(run.started * 1000),
        "RedriveCount": run.redrives,
        "Input": json.dumps(run.input),
        **stopped,
        **failed,
        **redriven,
    }


def _cause(run: Execution) -> str:
    """Of an expression that has raised an error, Step Functions says which; to whom a run is described the words do."""
    assert run.error
    raised = run.error.name == "States.QueryEvaluationError" and _PART_EXECUTION in run.arn
    return (
        f"The JSONata expression '…' threw an error during evaluation. D3137: {run.error.cause}"
        if raised
        else run.error.cause
    )


def _task_failed(part: Execution) -> StateError:
    """What the state that waited for a part fails with."""
    return StateError("States.TaskFailed", json.dumps(described(part)))
