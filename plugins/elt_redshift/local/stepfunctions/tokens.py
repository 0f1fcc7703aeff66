"""Task tokens: each ends one wait, once.

A token is good from the beginning of the call that passes it on. AWS refuses that of a task that was answered, has
timed out or was stopped with TaskTimedOut
(https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html).
"""

from __future__ import annotations

import threading
from typing import Any

from moto.stepfunctions.parser.api import TaskTimedOut
from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackEndpoint, CallbackPoolManager

from elt_redshift.local.stepfunctions.patching import Patches

PATCHES = Patches()
apply = PATCHES.apply

#: Whether a wait is answered or over is decided under this lock.
_decision = threading.Lock()


@PATCHES.method(CallbackPoolManager, "notify", "Took a token again, and that of a wait that was over.")
def notify(original: Any, self: Any, callback_id: str, outcome: Any) -> bool:
    with _decision:
        _refuse_stale(self.get(callback_id))
        return bool(original(self, callback_id, outcome))


@PATCHES.method(
    CallbackPoolManager,
    "heartbeat",
    "Refused one before the answer to the call that had passed the token on, and took that of a wait that was over.",
)
def heartbeat(original: Any, self: Any, callback_id: str) -> bool:
    endpoint = self.get(callback_id)
    with _decision:
        _refuse_stale(endpoint)
        if endpoint is not None:
            endpoint.notify_heartbeat()
    return endpoint is not None


def _refuse_stale(endpoint: Any) -> None:
    if endpoint is not None and endpoint._notify_event.is_set():
        raise TaskTimedOut("Task Timed Out: 'Provided task does not exist anymore'")


@PATCHES.method(CallbackEndpoint, "interrupt_all", "Let a token in while the wait was ending.")
def interrupt_all(original: Any, self: Any) -> None:
    with _decision:
        original(self)


def close(frame: Any) -> bool:
    """Take no more answers to the token that ``frame`` waits with, if it does; whether one was taken before."""
    token = frame.states.context_object.context_object_data.get("Task")
    endpoint = frame.callback_pool_manager.get(token["Token"]) if token else None
    if endpoint is None:
        return False
    endpoint.interrupt_all()
    return endpoint.get_outcome() is not None


def renew(env: Any) -> None:
    """Give the next attempt of a state that waits for a token one of its own: that of the last one is closed."""
    context = env.states.context_object
    if context.context_object_data.get("Task"):
        env.callback_pool_manager.add(context.update_task_token())
