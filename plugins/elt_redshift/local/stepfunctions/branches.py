"""Parallel's branches and Map's iterations: each with its own recorded progress.

(https://docs.aws.amazon.com/step-functions/latest/dg/state-parallel.html and
https://docs.aws.amazon.com/step-functions/latest/dg/state-map.html)
"""

from __future__ import annotations

import queue
import threading
from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.inline_iteration_component import (
    InlineIterationComponent,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.iteration_worker import IterationWorker
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.job import JobPool
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel.branches_decl import BranchesDecl
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.eval.program_state import ProgramError

from elt_redshift.local.stepfunctions.engine import halt
from elt_redshift.local.stepfunctions.errors import name_of
from elt_redshift.local.stepfunctions.patching import Patches

PATCHES = Patches()
apply = PATCHES.apply

_INLINE_CONCURRENCY = 40  # AWS's limit


@PATCHES.method(BranchesDecl, "_eval_body", "Ran all branches again after a redrive; hid which error a branch had.")
def run_branches(original: Any, self: Any, env: Any) -> None:
    input_value = env.stack.pop()
    fork(env, len(self.programs))
    frames = [_branch_frame(env, index, input_value) for index in range(len(self.programs))]
    pending = [pair for pair in zip(self.programs, frames, strict=True) if not pair[1].scope.done]
    failed = _first_failure(_start(pending), len(pending))
    for frame in frames:
        if failed is not None:
            halt(frame)
        env.close_frame(frame)
    if failed is not None:
        raise _branch_failure(env, failed)
    env.stack.append([frame.scope.output for frame in frames])


class HaltedError(Exception):
    """The program was halted before its branches or iterations began."""


def fork(env: Any, count: int) -> None:
    """Have a scope for each branch, iteration or child.

    :raises HaltedError: the program was halted.
    """
    with env.run.lock:
        if env.halted.is_set() or not env.run.open:
            raise HaltedError
        env.scope.fork(count)


def _branch_frame(env: Any, index: int, input_value: Any) -> Any:
    frame = env.open_inner_frame()
    frame.scope = env.scope.children[index]
    frame.states.reset(input_value=input_value)
    return frame


def _start(branches: list[tuple[Any, Any]]) -> queue.SimpleQueue[Any]:
    """Start the branches; each puts its frame into the queue when it has ended."""
    ended: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def run(program: Any, frame: Any) -> None:
        try:
            program.eval(frame)
        finally:
            ended.put(frame)

    for program, frame in branches:
        threading.Thread(target=run, args=(program, frame), daemon=True, name="branch").start()
    return ended


def _first_failure(ended: queue.SimpleQueue[Any], count: int) -> Any:
    """The error details of the first branch to fail; None when all have ended well or were halted."""
    for _ in range(count):
        state = ended.get()._program_state
        if isinstance(state, ProgramError):
            return state.error or {}
    return None


def _branch_failure(env: Any, details: Any) -> FailureEventException:
    return FailureEventException(
        FailureEvent(
            env=env,
            error_name=name_of(details.get("error")),
            event_type=HistoryEventType.ExecutionFailed,
            event_details=EventDetails(executionFailedEventDetails=details),  # type: ignore[typeddict-item]
        )
    )


def _run_iterations(component: Any, env: Any, eval_input: Any, items: list[Any], limit: int) -> list[Any]:
    """The outputs of all iterations, in the order of ``items``; ``limit`` is the most that run at once."""
    fork(env, len(items))
    pool = JobPool(job_program=component._get_iteration_program(), job_inputs=items)
    for _ in range(min(len(items), eval_input.max_concurrency or limit, limit)):
        component._launch_worker(env=env, eval_input=eval_input, job_pool=pool)
    pool.await_jobs()
    error = pool.get_worker_exception()
    if error is not None:
        raise error
    return [job.job_output for job in pool.get_closed_jobs()]


@PATCHES.method(
    InlineIterationComponent, "_eval_body", "Ran all iterations again after a redrive; a thread for each item."
)
def run_inline(original: Any, self: Any, env: Any) -> None:
    eval_input = env.stack.pop()
    env.stack.append(_run_iterations(self, env, eval_input, eval_input.input_items, _INLINE_CONCURRENCY))


def _own_scope(worker: Any, env: Any, job: Any) -> bool:
    """Give the iteration its scope; True when it was done before the redrive."""
    env.scope = worker._env.scope.children[job.job_index]
    if env.scope.done:
        job.job_output = env.scope.output
    return bool(env.scope.done)


@PATCHES.method(IterationWorker, "_eval_job", "Ran iterations again that were done before a redrive.")
def run_iteration(original: Any, self: Any, env: Any, job: Any) -> None:
    if not _own_scope(self, env, job):
        original(self, env, job)
