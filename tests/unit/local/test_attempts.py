"""A state's work on the embedded Step Functions, which goes on in a thread of its own when its time is up."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import EvalTimeoutError

from elt_redshift.local.stepfunctions.attempts import attempt


class _Frame:
    """What work runs in; no token is waited for in it."""

    def __init__(self) -> None:
        self.halted = threading.Event()
        self.stack: list[Any] = []
        self.states = SimpleNamespace(
            reset=lambda input_value: None, context_object=SimpleNamespace(context_object_data={})
        )
        self.event_history_context = SimpleNamespace(closed=False)
        self._state_mutex, self._frames, self._program_state = threading.RLock(), (), None

    def is_running(self) -> bool:
        return True


class _Environment(_Frame):
    """Where the state is entered; it lets go of a frame when the work in that has ended."""

    def __init__(self) -> None:
        super().__init__()
        self.states.get_input = dict
        self.run = SimpleNamespace(lock=threading.RLock())
        self.event_manager, self.scope = object(), SimpleNamespace(children={})

    def open_frame(self) -> _Frame:
        return _Frame()

    def close_frame(self, frame: _Frame) -> None:
        for one in threading.enumerate():
            if one.name == "state slow":
                one.join()


def _fails_when_halted(frame: _Frame) -> None:
    frame.halted.wait()
    raise RuntimeError("it was halted")


def test_work_that_fails_since_its_time_is_up_has_timed_out() -> None:
    """A state catches the timeout, and nobody hears what the halt has broken."""
    state = SimpleNamespace(
        name="slow", timeout=SimpleNamespace(eval=lambda env: env.stack.append(0)), _eval_execution=_fails_when_halted
    )
    with pytest.raises(EvalTimeoutError):
        attempt(None, state, _Environment())
