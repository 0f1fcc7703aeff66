"""``startExecution.sync`` and ``.sync:2``: a state that starts an execution and waits for its end.

(https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html; which rights that takes:
https://docs.aws.amazon.com/step-functions/latest/dg/stepfunctions-iam.html)
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, cast

from botocore.exceptions import ClientError, HTTPClientError
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_sfn
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from elt_redshift.local.stepfunctions.api import described
from elt_redshift.local.stepfunctions.executions import EmbeddedExecution
from elt_redshift.local.stepfunctions.patching import Patches
from elt_redshift.local.stepfunctions.services import client_for, failed, note_call, unanswered
from elt_redshift.local.stepfunctions.values import pascal_case

PATCHES = Patches()
apply = PATCHES.apply

_NestedExecution = state_task_service_sfn.StateTaskServiceSfn

#: The rule by which AWS hears of the ends of executions that states wait for, in the account of the role.
_RULE = "StepFunctionsGetEventsForStepFunctionsExecutionRule"

_PAUSE = 0.05  # seconds between two looks, which ask nobody


def _waits(parsed: bool) -> Callable[..., Any]:
    """What waits for the execution that was started; ``parsed``: input and output are given as JSON, not as texts."""

    def build(original: Any, self: Any, env: Any, state_credentials: Any, **_: Any) -> Callable[[], Any]:
        arn = env.stack.pop()["ExecutionArn"]
        env.child = arn, state_credentials.role_arn
        _note_waiting(env)
        if env.halted.is_set():  # the stop came before there was a child to be seen
            stop_child(env)
        return lambda: _end(self, env, _execution(env, arn), parsed)

    return build


for _name, _parsed in (("_build_sync_resolver", False), ("_build_sync2_resolver", True)):
    PATCHES.method(
        _NestedExecution,
        _name,
        "A stopped execution left the one that it waited for running; results were none of AWS's.",
    )(_waits(_parsed))


def _note_waiting(env: Any) -> None:
    arn, role = env.child
    note_call(env, role, ("stepfunctions", "DescribeExecution"), {"ExecutionArn": arn})
    for operation in ("PutRule", "PutTargets", "DescribeRule"):
        note_call(env, role, ("events", operation), {"Rule" if operation == "PutTargets" else "Name": _RULE})


def stop_child(env: Any) -> None:
    """Stop the execution that a state waits for, if it is there yet, without waiting for that."""
    if hasattr(env, "child"):
        arn, role = env.child
        note_call(env, role, ("stepfunctions", "StopExecution"), {"ExecutionArn": arn})
        stop = client_for(None, env.aws_execution_details.region, "stepfunctions").stop_execution
        threading.Thread(target=stop, kwargs={"executionArn": arn}, daemon=True, name="stop child").start()


def _execution(env: Any, arn: str) -> EmbeddedExecution:
    details = env.aws_execution_details
    found: Any = stepfunctions_parser_backends[details.account][details.region].describe_execution(arn)
    return cast(EmbeddedExecution, found)


def _end(task: Any, env: Any, child: EmbeddedExecution, parsed: bool) -> dict[str, Any] | None:
    """How the child has ended; None: nobody waits for it any more.

    :raises FailureEventException: without success.
    """
    while (told := described(child))["status"] == "RUNNING":
        if env.halted.wait(_PAUSE):
            return None
    if told["status"] != "SUCCEEDED":
        cause = json.dumps(_written(told), separators=(",", ":"))
        raise FailureEventException(failed(task, env, "States.TaskFailed", cause))
    texts = {name: json.loads(told[name]) for name in ("input", "output")} if parsed else {}
    return _written(told | texts)


def _written(told: Mapping[str, Any]) -> dict[str, Any]:
    """A description as results and causes have it: names in PascalCase and in their order, times in milliseconds."""
    details = {name: {"Included": told[name]["included"]} for name in ("inputDetails", "outputDetails") if name in told}
    times = {name: int(value.timestamp() * 1000) for name, value in told.items() if isinstance(value, datetime)}
    found = {**told, **details, **times}
    return {pascal_case(name): found[name] for name in sorted(found, key=pascal_case)}


@PATCHES.method(_NestedExecution, "_from_error", "Knew no calls without an answer; named errors …ExceptionException.")
def start_error(original: Any, self: Any, env: Any, ex: Exception) -> Any:
    if isinstance(ex, HTTPClientError):
        return unanswered(self, env, "StepFunctions", ex)
    found = original(self, env, ex)
    if isinstance(ex, ClientError) and ex.response["Error"]["Code"].endswith("Exception"):
        cause = found.event_details["taskFailedEventDetails"]["cause"]
        return failed(self, env, f"StepFunctions.{ex.response['Error']['Code']}", cause)
    return found
