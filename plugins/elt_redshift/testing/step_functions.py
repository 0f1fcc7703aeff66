"""A model of Step Functions: executions of one job's state machine, and of the small ones beside it.

A redrive runs the definition that the execution started with, from the states that ended badly; of Parallel and Map
only what ended badly in them.
https://docs.aws.amazon.com/step-functions/latest/apireference/API_RedriveExecution.html
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

from elt_redshift.protocol import executions
from elt_redshift.protocol.owners import Owner
from elt_redshift.testing.clock import Clock, Promise
from elt_redshift.testing.errors import ServiceError, StateError
from elt_redshift.testing.executions import Execution, Frame
from elt_redshift.testing.interpreter import Call, Interpreter, Told
from elt_redshift.testing.map_runs import MapChances
from elt_redshift.testing.parts import PREFIX, REDRIVABLE, Parts, described
from elt_redshift.testing.program import Program


class StepFunctions(Parts):
    """:param call: makes a call of a service for a state.
    :param ended: told of each execution of the job that has ended.
    :param map_chances: how Map Runs go.
    :ivar executions: of the job, by their ARNs.
    :ivar deployed: what a new execution runs, and the version of that.
    :ivar follower: gives the machine that follows statements, as deployed; ``followers`` are its executions.
    :ivar dies: asked of each of these after how many seconds it ends without a word; None: it does not.
    :ivar lag: how many seconds ago what it tells of an execution was so.
    :ivar mixed: whether what it tells of an end is older than its count of redrives.
    """

    def __init__(
        self,
        clock: Clock,
        random: Random,
        call: Call,
        entered: Told,
        left: Told,
        ended: Callable[[Execution], None],
        map_chances: MapChances,
    ) -> None:
        super().__init__()
        self._clock, self._ended = clock, ended
        self._interpreter = Interpreter(clock, random, call, entered, left, map_chances)
        self.executions: dict[str, Execution] = {}
        self.deployed: tuple[Program, int] | None = None
        self.follower: Callable[[], Program | None] = lambda: None
        self.followers: list[Execution] = []
        self.dies: Callable[[], float | None] = lambda: None
        self.lag: Callable[[], float] = lambda: 0.0
        self.mixed: Callable[[], bool] = lambda: False
        self._told: dict[str, list[tuple[float, dict[str, Any]]]] = defaultdict(list)

    def arn(self, name: str) -> str:
        """Of an execution of the job."""
        return PREFIX + name

    def start(self, name: str, given: Mapping[str, Any]) -> Execution:
        """Start an execution of what is deployed."""
        assert self.deployed
        program, version = self.deployed
        run = Execution(self.arn(name), given, Frame(program, program.start, given, {}), self._clock.now, version)
        self.executions[run.arn] = run
        self._go(run)
        return run

    def start_express(self, program: Program, given: Any) -> Execution:
        """Run a small machine, which nobody stops or asks about."""
        arn = f"{PREFIX.replace(':job:', ':express:')}{self._clock.now}"
        run = Execution(arn, given, Frame(program, program.start, given, {}), self._clock.now, 0)
        run.process = self._interpreter.begin(run, run.root)
        return run

    def stop(self, arn: str, status: str = executions.ABORTED) -> None:
        """End an execution from outside, whatever it is doing.

        :param status: ABORTED, or TIMED_OUT, which is the same to whoever is in it.
        """
        run = self._find(arn)
        if run.running and run.process:
            run.process.end()
            run.root.abort()
            self._end(run, status)

    def redrive(self, arn: str) -> None:
        """Let an execution go on that has ended badly.

        :raises ServiceError: it cannot be redriven.
        """
        run = self._find(arn)
        if run.running or run.status == executions.SUCCEEDED or self._clock.now > (run.ended or 0) + REDRIVABLE:
            raise ServiceError("ExecutionNotRedrivable", f"It is {run.status}")
        run.again(self._clock.now)
        self._go(run)

    def describe_execution(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The execution as it was some seconds ago: the call is eventually consistent. AWS does not say that an answer
        is of one moment, so it may count a redrive beside the end before.

        https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
        """
        arn = request["ExecutionArn"]
        if not Owner(arn).is_execution:
            raise ServiceError("InvalidArnException", f"Invalid Arn: {arn!r}")
        when = self._clock.now - self.lag()
        known = [told for since, told in self._told.get(arn, ()) if since <= when]
        if not known:
            raise ServiceError("ExecutionDoesNotExistException", f"Execution Does Not Exist: '{arn}'")
        told = known[-1]
        if "StopDate" in told and self.mixed():
            return {**told, "RedriveCount": (self.executions_of_parts.get(arn) or self._find(arn)).redrives}
        return told

    def get_execution_history(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Nobody keeps one here.

        https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html
        """
        self._find(request["ExecutionArn"])
        return {"Events": []}

    def list_executions(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Refused: what is caught up with late is what a late event leads to.

        https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html
        """
        raise ServiceError("AccessDeniedException", f"Executions of {request['StateMachineArn']} are not listed.")

    def start_execution(self, request: Mapping[str, Any]) -> Promise:
        """A follower; it goes on whatever becomes of whoever has started it.

        https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
        """
        program, given = self.follower(), json.loads(request["Input"])
        assert program
        arn = f"{PREFIX.replace(':job:', ':follower:')}{len(self.followers) + 1}"
        parent = self.executions[given["run"]["owner"]]
        run = Execution(
            arn, given, Frame(program, program.start, given, {}), self._clock.now, parent.version, parent=parent
        )
        self.followers.append(run)
        run.process = self._interpreter.begin(run, run.root)
        if (soon := self.dies()) is not None:
            self._clock.after(soon, self.stop_follower, run)
        return Promise()

    def stop_follower(self, run: Execution) -> None:
        """End one from outside."""
        if run.process and run.process.alive:
            run.process.end()
            run.root.abort()

    def send_task_heartbeat(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskHeartbeat.html"""
        self._wait(request["TaskToken"])
        return {}

    def send_task_success(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html"""
        self._wait(request["TaskToken"]).keep(json.loads(request["Output"]))
        return {}

    def send_task_failure(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskFailure.html"""
        failure = StateError(request.get("Error", ""), request.get("Cause", ""))
        self._wait(request["TaskToken"]).keep(error=failure)
        return {}

    def tells_of(self, owner: str | None) -> bool:
        """Whether an owner that is an execution can be asked for: it is of this account and region."""
        return not (owner and Owner(owner).is_execution) or owner.startswith(PREFIX.partition(":execution:")[0])

    def running(self) -> Iterator[Execution]:
        """The executions of the job that run, the oldest first."""
        return (run for run in self.executions.values() if run.running)

    def _wait(self, token: str) -> Promise:
        wait = self._interpreter.tokens.find(token)
        if wait is None:
            raise ServiceError("TaskTimedOutException", "Task Timed Out: 'Provided task does not exist anymore'")
        return wait

    def _find(self, arn: str) -> Execution:
        if arn not in self.executions:
            raise ServiceError("ExecutionDoesNotExistException", f"Execution Does Not Exist: '{arn}'")
        return self.executions[arn]

    def _go(self, run: Execution) -> None:
        self._note(run)
        run.process = self._interpreter.begin(run, run.root)
        run.process.ended.then(lambda kept: self._finish(run, kept))

    def _finish(self, run: Execution, kept: Promise) -> None:
        run.error = kept.error if isinstance(kept.error, StateError) else None
        self._end(run, executions.FAILED if kept.error else executions.SUCCEEDED)

    def _end(self, run: Execution, status: str) -> None:
        run.status, run.ended = status, self._clock.now
        self._note(run)
        self._ended(run)
        self.stop_parts(run)

    def _note(self, run: Execution) -> None:
        """How the execution is from now on, as it is told when it is asked for."""
        self._told[run.arn].append((self._clock.now, described(run)))
