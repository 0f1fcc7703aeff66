"""``runtime: lambda`` and ``audit_store: redshift``: states with Lambda functions between them and the services.

Each state that calls the Data API, or reads or writes the audit item, invokes a function instead, which makes the very
call (:mod:`elt_redshift.functions`). Where only the audit item is in Redshift, those do that read or write it: the
function makes a statement of their request. States, conditions and names of errors stay what they are, and so does what
the protocol promises. What differs:

- The answer is the ``Payload`` of the invocation.
- An error's cause is JSON of Lambda's, with the service's words in it.
- A submission is told when it was sent, and waits for its statement's end as long as the task may take. So a statement
  costs two billed transitions, however long it runs.
- Lambda has errors of its own, of which those that pass are told as such.
- An audit item in Redshift is asked for as patiently as the warehouse is.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from elt_redshift.asl.language.calls import (
    AUDIT_RETRY,
    AUDIT_RETRY_OF_EXPRESS,
    INVOKE_SQL_FUNCTION,
    INVOKE_STATE_FUNCTION,
    SUBMISSIONS,
)
from elt_redshift.asl.language.jsonata import expression
from elt_redshift.asl.language.names import ANY_TASK, StateName
from elt_redshift.asl.language.needs import AUDIT_IN_REDSHIFT, Need, Resource
from elt_redshift.asl.language.roles import Submits
from elt_redshift.asl.language.states import Call, Catch, DistributedMap, Flow, Map, Parallel, State, Task
from elt_redshift.asl.patterns.any_task import AnyTask
from elt_redshift.asl.patterns.source import seconds
from elt_redshift.asl.patterns.words import CAUSE, ERROR
from elt_redshift.asl.target import Target
from elt_redshift.job.model import EltJob
from elt_redshift.protocol.limits import LONGEST_FUNCTION_WAIT

#: Of Lambda's own errors those that pass: it failed itself, or an environment of it has ended. What a function cannot
#: do at all, such as import its code, does not pass.
_PASSING = "^(Lambda[.](Service|AWSLambda|Unknown)|Sandbox|Runtime[.]Exit)"
#: A cause that is JSON of Lambda's. One that is too long is cut off, and none.
_OF_FUNCTION = '^[{].*"errorMessage".*[}]$'

_RESULT = "$states.result"
_ANSWER = "$states.result.Payload"
_CAUSE_OF_FUNCTION = f"($contains({CAUSE}, /{_OF_FUNCTION}/) ? $parse({CAUSE}).errorMessage : {CAUSE})"
_ERROR_OF_FUNCTION = f"({ERROR} & ($contains({ERROR}, /{_PASSING}/) ? '.Unavailable' : ''))"


@dataclass(frozen=True)
class Invoking:
    """Puts the functions between the states of a job and the services.

    :param express: whether they are of an Express machine, which has five minutes.
    """

    job: EltJob
    express: bool = False

    def flow(self, flow: Flow) -> Flow:
        """The same states."""
        return Flow(tuple(self._state(state) for state in flow.states))

    def _state(self, state: State) -> State:
        match state:
            case Task():
                return self._task(state, invoke) if (invoke := _function_for(self.job, state.call)) else state
            case Parallel():
                return replace(state, branches=tuple(map(self.flow, state.branches)))
            case Map() | DistributedMap():
                return replace(state, processor=self.flow(state.processor))
        return state

    def _task(self, task: Task, invoke: Call) -> Task:
        output = task.output
        event: dict[str, Any] = {"operation": _operation(task.call), "request": task.arguments}
        role, submits = task.role, isinstance(task.role, Submits)
        if task.call in SUBMISSIONS:
            event |= {"sent": expression("$millis()"), "wait": self._wait(task.name) if submits else 0}
        if submits:
            # The timeout counts from the submission, not from the answer.
            output = _replaced(output, "$millis()", f"{_RESULT}.SubmittedAt")
            role = Submits(int(self._longest(task.name)))
        if invoke is INVOKE_STATE_FUNCTION and self.job.audit_in_redshift:
            task = replace(task, retry=AUDIT_RETRY_OF_EXPRESS if self.express else AUDIT_RETRY)
        return replace(
            task,
            call=invoke,
            arguments={"FunctionName": _NAMES[invoke], "Payload": event},
            output=_replaced(output, _RESULT, _ANSWER),
            assign=_replaced(task.assign, _RESULT, _ANSWER),
            catch=tuple(_caught(one) for one in task.catch),
            role=role,
        )

    def _wait(self, name: str) -> int | str:
        """For how long a submission waits at most."""
        return expression(AnyTask.timeout) if _of(name) == ANY_TASK else self._longest(name)

    def _longest(self, name: str) -> int:
        timeout = None if _of(name) == ANY_TASK else self.job.task(_of(name)).timeout
        return seconds(timeout) if timeout else LONGEST_FUNCTION_WAIT


def request_of(state: Mapping[str, Any]) -> Any:
    """What a state of a definition sends to a service, itself or by a function: a request, or JSONata of one."""
    arguments = state.get("Arguments", {})
    invokes = isinstance(arguments, Mapping) and arguments.keys() == {"FunctionName", "Payload"}
    return arguments["Payload"]["request"] if invokes else arguments


def needs(job: EltJob, flow: Flow) -> Mapping[Resource, frozenset[Need]]:
    """What the functions must be allowed that make the calls of ``flow``, as it is without them: by the function."""
    found: dict[Resource, set[Need]] = {}
    for call in _calls(flow):
        if invoke := _function_for(job, call):
            in_redshift = invoke is INVOKE_STATE_FUNCTION and job.audit_in_redshift
            found.setdefault(invoke.needs[0].on, set()).update(AUDIT_IN_REDSHIFT if in_redshift else call.needs)
    return {function: frozenset(some) for function, some in found.items()}


def _calls(flow: Flow) -> Iterator[Call]:
    for state in flow.states:
        match state:
            case Task():
                yield state.call
            case Parallel():
                for branch in state.branches:
                    yield from _calls(branch)
            case Map() | DistributedMap():
                yield from _calls(state.processor)


def _function_for(job: EltJob, call: Call) -> Call | None:
    """What invokes the function that makes a call; None: none does."""
    if call.service == "aws-sdk:redshiftdata":
        return INVOKE_SQL_FUNCTION if job.uses_functions else None
    of_the_lock = call.service == "dynamodb" and any(need.on == "audit table" for need in call.needs)
    return INVOKE_STATE_FUNCTION if of_the_lock and (job.uses_functions or job.audit_in_redshift) else None


_NAMES: Mapping[Call, str] = {
    INVOKE_SQL_FUNCTION: Target.sql_function,
    INVOKE_STATE_FUNCTION: Target.state_function,
}


def _of(name: str) -> str:
    assert isinstance(name, StateName)
    return name.task


def _operation(call: Call) -> str:
    return f"{call.action[0].upper()}{call.action[1:]}"


def _caught(catch: Catch) -> Catch:
    output = _replaced(_replaced(catch.output, CAUSE, _CAUSE_OF_FUNCTION), f"{ERROR} ", f"{_ERROR_OF_FUNCTION} ")
    return replace(catch, output=output)


def _replaced(value: Any, old: str, new: str) -> Any:
    """``value``, part of a state, with another expression for one in its JSONata."""
    match value:
        case str():
            return value.replace(old, new)
        case dict():
            return {key: _replaced(one, old, new) for key, one in value.items()}
        case list():
            return [_replaced(one, old, new) for one in value]
    return value
