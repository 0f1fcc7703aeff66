"""Walks through a program's states, on virtual time.

https://states-language.net/ and https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from random import Random
from typing import Any

from elt_redshift.testing.clock import Clock, Process, Promise
from elt_redshift.testing.errors import StateError
from elt_redshift.testing.executions import MOST_STATES, Execution, Frame
from elt_redshift.testing.map_runs import MapChances, MapRun
from elt_redshift.testing.program import Catcher, Program, Retrier, State
from elt_redshift.testing.values import QueryError
from elt_redshift.testing.visits import Tokens, Visit

Walk = Generator[Any, Any, Any]
Call = Callable[[State, Any], Promise]
Told = Callable[[Execution, str, Any], None]

#: The errors that ``States.ALL`` does not stand for, and those that ``States.TaskFailed`` does not.
_FATAL = ("States.DataLimitExceeded", "States.Runtime")
_NO_TASKS = ("States.Timeout", "States.QueryEvaluationError", "States.NoChoiceMatched", *_FATAL)
_NOT_EVALUATED = "States.QueryEvaluationError"


class Interpreter:
    """:param call: makes the call of a state, given its request.
    :param entered: told of each state that is entered, and with what.
    :param left: told of each that is left, and with what.
    :param map_chances: how Map Runs go.
    """

    def __init__(
        self, clock: Clock, random: Random, call: Call, entered: Told, left: Told, map_chances: MapChances
    ) -> None:
        self._clock, self._random, self._call, self._entered, self._left = clock, random, call, entered, left
        self._map_chances = map_chances
        self.tokens = Tokens()
        self._kinds: Mapping[str, Callable[[Visit], Walk]] = {
            "Task": self._task,
            "Choice": self._choice,
            "Parallel": self._parallel,
            "Map": self._map,
            "Pass": self._pass,
            "Wait": self._wait,
            "Succeed": self._pass,
            "Fail": self._fail,
        }

    def begin(self, run: Execution, frame: Frame) -> Process:
        """Walk from where the frame stands: from its first state, or from the one that ended badly."""
        return self._clock.process(lambda process: self._walk(run, frame, process))

    def _walk(self, run: Execution, frame: Frame, process: Process) -> Walk:
        frame.status = "running"
        try:
            following: str | None = frame.state
            while following is not None:
                frame.state = following
                state = frame.program.states[following]
                self._enter(run, frame)
                yield 0.005 + 0.03 * self._random.random()
                visit = Visit(run, frame, state, process, self._random, self._clock, self._clock.now)
                frame.output, following = yield from self._visit(visit)
                frame.children = frame.map_run = None
                self._left(run, state.name, frame.output)
                frame.input = frame.output
        except StateError:
            frame.status = "failed"
            raise
        frame.status = "succeeded"
        return frame.output

    def _enter(self, run: Execution, frame: Frame) -> None:
        run.entered += 1
        if run.entered > MOST_STATES:
            raise StateError("States.Runtime", "The execution goes round in circles.")
        self._entered(run, frame.state, frame.input)

    def _visit(self, visit: Visit) -> Walk:
        """One state, with its retriers and catchers."""
        state, tried = visit.state, [0] * len(visit.state.retriers)
        while True:
            try:
                try:
                    return (yield from self._kinds[state.type](visit))
                except QueryError as error:
                    raise StateError(_NOT_EVALUATED, str(error)) from error
            except StateError as error:
                pause = self._pause(state.retriers, tried, error)
                if pause is None:
                    return self._caught(visit, error)
            visit.frame.children = visit.frame.map_run = None
            visit.retries += 1
            visit.run.retried += 1
            yield pause

    def _pause(self, retriers: Sequence[Retrier], tried: list[int], error: StateError) -> float | None:
        """Before the next try; None: there is none."""
        for place, retrier in enumerate(retriers):
            if matches(retrier.errors, error.name):
                if tried[place] >= retrier.most:
                    return None
                delay = min(retrier.interval * retrier.backoff ** tried[place], retrier.longest)
                tried[place] += 1
                return delay * self._random.random() if retrier.jitter else delay
        return None

    def _caught(self, visit: Visit, error: StateError) -> tuple[Any, str]:
        for catcher in visit.state.catchers:
            if matches(catcher.errors, error.name):
                return self._catch(visit, catcher, error)
        raise error

    def _catch(self, visit: Visit, catcher: Catcher, error: StateError) -> tuple[Any, str]:
        known = {"Error": error.name, "Cause": error.cause}
        try:
            scope = visit.scope(errorOutput=known)
            output = catcher.output(scope) if catcher.output else known
            visit.assign(catcher.assign, scope)
        except QueryError as another:
            raise StateError(_NOT_EVALUATED, str(another)) from another
        return output, catcher.next

    def _task(self, visit: Visit) -> Walk:
        state, wait = visit.state, Promise()
        if state.waits:
            visit.token = self.tokens.new(wait, visit.process)
        scope = visit.scope()
        request = state.arguments(scope) if state.arguments else visit.frame.input
        timeout = state.timeout(scope) if state.timeout else None
        answer = self._call(state, request)
        if state.waits:
            answer.then(lambda kept: wait.keep(error=kept.error) if kept.error else None)
        else:
            answer.then(lambda kept: wait.keep(kept.value, kept.error))
        if timeout is not None:
            self._clock.after(timeout, wait.keep, None, StateError("States.Timeout", "The state timed out."))
        result = yield wait
        return visit.finished(visit.scope(result=result), result)

    def _choice(self, visit: Visit) -> Walk:
        yield from ()
        scope = visit.scope()
        for rule in visit.state.rules:
            verdict = rule.condition(scope)
            if not isinstance(verdict, bool):
                raise QueryError(f"The condition gave {verdict!r}, not a boolean")
            if verdict:
                return rule.output(scope) if rule.output else visit.frame.input, rule.next
        if visit.state.next is None:
            raise StateError("States.NoChoiceMatched", "No rule holds.")
        return visit.finished(scope, visit.frame.input)

    def _pass(self, visit: Visit) -> Walk:
        yield from ()
        return visit.finished(visit.scope(), visit.frame.input)

    def _wait(self, visit: Visit) -> Walk:
        assert visit.state.seconds
        yield visit.state.seconds(visit.scope())
        return visit.finished(visit.scope(), visit.frame.input)

    def _fail(self, visit: Visit) -> Walk:
        yield from ()
        scope, state = visit.scope(), visit.state
        raise StateError(state.error(scope) if state.error else "", state.cause(scope) if state.cause else "")

    def _parallel(self, visit: Visit) -> Walk:
        frame, state = visit.frame, visit.state
        given = state.arguments(visit.scope()) if state.arguments else frame.input
        if frame.children is None:
            frame.children = [Frame(flow, flow.start, given, dict(frame.variables)) for flow in state.flows]
        return (yield from self._together(visit))

    def _map(self, visit: Visit) -> Walk:
        frame, state = visit.frame, visit.state
        (flow,) = state.flows
        if state.distributed:
            return (yield from self._map_run(visit, flow))
        if frame.children is None:
            items = state.items(visit.scope()) if state.items else frame.input
            if not isinstance(items, list):
                raise QueryError(f"The items are {items!r}, which is no list")
            frame.children = [
                Frame(flow, flow.start, item, dict(frame.variables), {"Index": place, "Value": item})
                for place, item in enumerate(items)
            ]
        return (yield from self._together(visit))

    def _map_run(self, visit: Visit, flow: Program) -> Walk:
        frame = visit.frame
        if frame.map_run is None:
            items = yield from self._read(visit)
            frame.map_run = MapRun(self._clock, self._map_chances, self.begin, visit.run, flow, items, visit.state.most)
        result = yield from frame.map_run.go(visit.selected)
        return visit.finished(visit.scope(result=result), result)

    def _read(self, visit: Visit) -> Walk:
        state = visit.state
        try:
            return (yield self._call(state, state.arguments and state.arguments(visit.scope())))
        except StateError as error:
            raise StateError("States.ItemReaderFailed", error.cause) from error

    def _together(self, visit: Visit) -> Walk:
        """The frames below, side by side, as far as they have not succeeded yet; the first that fails ends the rest."""
        children = visit.frame.children or []
        open_ones = [child for child in children if child.status != "succeeded"]
        all_done, left = Promise(), len(open_ones)

        def ended(kept: Promise) -> None:
            nonlocal left
            left -= 1
            if kept.error or not left:
                all_done.keep(error=kept.error)

        begun = [self.begin(visit.run, child) for child in open_ones]
        visit.process.children = begun
        for process in begun:
            process.ended.then(ended)
        if begun:
            try:
                yield all_done
            except StateError:
                for process, child in zip(begun, open_ones, strict=True):
                    process.end()
                    child.abort()
                raise
        result = [child.output for child in children]
        return visit.finished(visit.scope(result=result), result)


def matches(errors: Sequence[str], name: str) -> bool:
    return (
        name in errors
        or ("States.ALL" in errors and name not in _FATAL)
        or ("States.TaskFailed" in errors and name not in _NO_TASKS)
    )
