"""Distributed Map: a child execution for each item, with a context object and a redrive count of its own.

(https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html and
https://docs.aws.amazon.com/step-functions/latest/dg/redrive-map-run.html)
"""

from __future__ import annotations

import logging
import threading
import uuid
from typing import Any

from botocore.exceptions import ClientError
from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.item_reader_decl import ItemReader
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.distributed_iteration_component import (
    DistributedIterationComponent,
)
from moto.stepfunctions.parser.asl.eval.program_state import ProgramError, ProgramStopped
from moto.stepfunctions.parser.asl.eval.states import ItemData, MapData

from elt_redshift.local.stepfunctions.branches import HaltedError, fork
from elt_redshift.local.stepfunctions.errors import failure
from elt_redshift.local.stepfunctions.executions import utc_now
from elt_redshift.local.stepfunctions.patching import Patches
from elt_redshift.local.stepfunctions.progress import Scope
from elt_redshift.local.stepfunctions.values import iso_time

PATCHES = Patches()
apply = PATCHES.apply

_CONCURRENCY = 10_000  # AWS's limit of children that run at once; here each is a thread that mostly waits
_STACK = 512 * 1024  # bytes


@PATCHES.method(
    DistributedIterationComponent,
    "_map_run",
    "Ran all children again after a redrive; tolerated every failure; children were no executions of their own.",
)
def run_children(original: Any, self: Any, env: Any, eval_input: Any) -> None:
    """Start the children in the items' order, as many at once as allowed, and wait for all, or for one too many to
    fail."""
    items = env.stack.pop()
    fork(env, len(items))
    run = _MapRun(self, env, eval_input, items)
    limit = eval_input.map_run_record.max_concurrency or _CONCURRENCY
    run.work(min(len(items), limit, _CONCURRENCY))
    env.stack.append([env.scope.children[index].output for index in range(len(items))])


@PATCHES.method(
    ItemReader,
    "_eval_body",
    "Failed with States.Runtime and Python's words where there is no such object, or no JSON in it.",
)
def read_items(original: Any, self: Any, env: Any) -> None:
    """Read the items from S3."""
    try:
        original(self, env)
    except (ClientError, ValueError) as error:
        name, cause = StatesErrorNameType.StatesItemReaderFailed, f"The items could not be read: {error}"
        raise failure(env, name, cause, HistoryEventType.MapRunFailed) from error


class _MapRun:
    """The children of one Map Run, or of one redrive of it."""

    def __init__(self, component: Any, env: Any, eval_input: Any, items: list[Any]) -> None:
        self._env, self._items, self._record = env, items, eval_input.map_run_record
        self._program = component._get_iteration_program()
        self._selector = eval_input.item_selector or eval_input.parameters
        self._record.children = env.scope.children  # for those who list them
        self._next = iter(range(len(items)))
        self._lock = threading.Lock()
        self._failed = 0
        self._over: FailureEventException | None = None

    def work(self, threads: int) -> None:
        """Run all children with so many threads.

        :raises FailureEventException: more children failed than are tolerated.
        """
        ended = threading.Semaphore(0)

        def walk() -> None:
            try:
                while (index := self._take()) is not None:
                    self._run(index)
            except Exception as error:  # a child less, of which nobody would know
                logging.getLogger(__name__).exception("A child of %s", self._record.map_run_arn)
                self._end(
                    failure(self._env, StatesErrorNameType.StatesRuntime, str(error), HistoryEventType.MapRunFailed)
                )
            finally:
                ended.release()

        before = threading.stack_size(_STACK)
        try:
            for _ in range(threads):
                threading.Thread(target=walk, daemon=True, name="child").start()
        finally:
            threading.stack_size(before)
        for _ in range(threads):
            ended.acquire()
            if self._over is not None:
                raise self._over

    def _take(self) -> int | None:
        with self._lock:
            return None if self._over or self._env.halted.is_set() else next(self._next, None)

    def _run(self, index: int) -> None:
        scope = self._env.scope.children[index]
        counters = (self._record.execution_counter, self._record.item_counter)
        for counter in counters:
            counter.total.count()
        if not scope.done:
            for counter in counters:
                counter.running.count()
            frame = self._env.open_inner_frame()
            try:
                self._walk(frame, scope, index)
            finally:
                self._env.delete_frame(frame)
            if scope.done or scope.failed:
                scope.stop_date = utc_now()
            for counter in counters:
                counter.running.offset(-1)
        for counter in counters:
            (counter.succeeded if scope.done else counter.failed if scope.failed else counter.aborted).count()

    def _walk(self, frame: Any, scope: Scope, index: int) -> None:
        frame.scope = scope
        try:
            self._begin(frame, scope, index)
        except FailureEventException as error:  # of the ItemSelector, which fails the Map Run
            self._end(error)
            return
        except HaltedError:
            return
        self._program.eval(frame)
        if isinstance(frame._program_state, ProgramStopped):
            return
        if isinstance(frame._program_state, ProgramError):
            self._count_failure()

    def _begin(self, frame: Any, scope: Scope, index: int) -> None:
        """Give the frame its input and the context object of its own execution.

        :raises HaltedError: before the child had its input.
        """
        context = frame.states.context_object.context_object_data
        if scope.execution is None:
            context["Map"] = MapData(Item=ItemData(Index=index, Value=self._items[index]))
            selected = self._select(frame, index)
            if frame.halted.is_set():  # nothing is evaluated then
                raise HaltedError
            scope.execution = self._execution(selected)
        context["Execution"] = scope.execution
        context.pop("Map", None)
        frame.states.reset(scope.execution["Input"])
        # "Distributed Map states … cannot reference variables in outer scopes."
        frame.variable_store._outer_scope = {}

    def _select(self, frame: Any, index: int) -> Any:
        """The input of the child for an item."""
        if self._selector is None:
            return self._items[index]
        frame.states.reset(self._env.states.get_input())
        frame.stack.append(frame.states.get_input())
        self._selector.eval(env=frame)
        return frame.stack.pop()

    def _execution(self, given: Any) -> dict[str, Any]:
        parent = self._env.states.context_object.context_object_data["Execution"]
        name = str(uuid.uuid4())
        machine, label = self._record.map_run_arn.rpartition(":")[0].rpartition(":mapRun:")[::2]
        return {
            "Id": f"{machine}:execution:{label}:{name}",
            "Input": given,
            "Name": name,
            "RoleArn": parent["RoleArn"],
            "StartTime": iso_time(utc_now()),
            "RedriveCount": 0,
        }

    def _count_failure(self) -> None:
        with self._lock:
            self._failed += 1
        if self._too_many_failed():
            cause = "The specified tolerated failure threshold was exceeded"
            error = StatesErrorNameType.StatesExceedToleratedFailureThreshold
            self._end(failure(self._env, error, cause, HistoryEventType.MapRunFailed))

    def _too_many_failed(self) -> bool:
        count, percentage = self._record.tolerated_failure_count, self._record.tolerated_failure_percentage
        if not count and not percentage:
            return True
        return bool(
            (count and self._failed > count) or (percentage and self._failed * 100 > percentage * len(self._items))
        )

    def _end(self, error: FailureEventException) -> None:
        with self._lock:
            self._over = self._over or error
