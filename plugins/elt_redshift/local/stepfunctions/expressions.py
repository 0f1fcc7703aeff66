"""JSONata expressions and variables within a state: bindings, AWS's errors, and the event that tells of them.

(https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html)
"""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.assign.assign_decl import AssignDecl
from moto.stepfunctions.parser.asl.component.common.assign.assign_decl_binding import AssignDeclBinding
from moto.stepfunctions.parser.asl.component.common.assign.assign_template_binding import AssignTemplateBinding
from moto.stepfunctions.parser.asl.component.common.assign.assign_template_value import AssignTemplateValue
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.common.jsonata.jsonata_template_binding import JSONataTemplateBinding
from moto.stepfunctions.parser.asl.component.common.jsonata.jsonata_template_value import JSONataTemplateValue
from moto.stepfunctions.parser.asl.component.common.parargs import Arguments
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata, StringVariableSample
from moto.stepfunctions.parser.asl.component.common.timeouts import heartbeat, timeout
from moto.stepfunctions.parser.asl.component.state.choice.comparison.comparison import ConditionStringJSONata
from moto.stepfunctions.parser.asl.component.state.exec.state_map.items.items import ItemsJSONata
from moto.stepfunctions.parser.asl.component.state.exec.state_map.max_concurrency import MaxConcurrencyJSONata
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.seconds import SecondsJSONata
from moto.stepfunctions.parser.asl.eval import states
from moto.stepfunctions.parser.asl.eval.states import States
from moto.stepfunctions.parser.asl.eval.variable_store import VariableStore

from elt_redshift.local.copies import deep_copy
from elt_redshift.local.stepfunctions import jsonata
from elt_redshift.local.stepfunctions.errors import failure
from elt_redshift.local.stepfunctions.patching import Patches

PATCHES = Patches()
apply = PATCHES.apply


PATCHES.value(
    states,
    "copy",
    "Copied inputs and results by copy.deepcopy, ten times as slowly.",
    SimpleNamespace(deepcopy=deep_copy),
)


def _variables(env: Any) -> dict[str, Any]:
    return {**env.variable_store._outer_scope, **env.variable_store._inner_scope}


@PATCHES.method(States, "reset", "Gave $states a result and an errorOutput, null, where a state has none.")
def reset_states(original: Any, self: Any, input_value: Any) -> None:
    original(self, input_value)
    for name in ("result", "errorOutput"):
        self._states_data.pop(name, None)


def query_error(env: Any, cause: str) -> FailureEventException:
    """States.QueryEvaluationError, with its EvaluationFailed event added to the history."""
    kind = HistoryEventType.EvaluationFailed
    error = failure(env, StatesErrorNameType.StatesQueryEvaluationError, cause, kind)
    details: Any = {"evaluationFailedEventDetails": error.get_evaluation_failed_event_details()}
    env.event_manager.add_event(context=env.event_history_context, event_type=kind, event_details=details)
    return error


def _evaluate(env: Any, expression: str, bindings: dict[str, Any]) -> Any:
    where = f"The JSONata expression '{expression}' specified for the field '{env.next_field_name}'"
    try:
        return jsonata.evaluate(expression, bindings)
    except jsonata.UndefinedResultError as error:
        raise query_error(env, f"{where} {error}.") from error
    except jsonata.QueryError as error:
        raise query_error(env, f"{where} threw an error during evaluation. {error}") from error


@PATCHES.method(StringJSONata, "_eval_body", "No evaluator; values were pasted into the expression, quotes and all.")
def evaluate_jsonata(original: Any, self: Any, env: Any) -> None:
    env.stack.append(_evaluate(env, self.expression, {**_variables(env), "states": env.states._states_data}))


@PATCHES.method(StringVariableSample, "_eval_body", "No evaluator for variables in JSONPath states either.")
def evaluate_variable(original: Any, self: Any, env: Any) -> None:
    env.stack.append(_evaluate(env, self.expression, _variables(env)))


def _names_field(name: str | None) -> Any:
    return lambda original, self: name


def in_field(original: Any, self: Any, env: Any) -> None:
    """Evaluate a member of an object; meanwhile the field is ``Arguments/Key``, say."""
    outer = env.next_field_name
    env.next_field_name = f"{outer}/{self.identifier}"
    original(self, env)
    env.next_field_name = outer


_CLASS_NAMES = "Causes named the field after a Python class."
for _part in (JSONataTemplateValue, AssignTemplateValue, AssignDeclBinding):
    PATCHES.method(_part, "_field_name", _CLASS_NAMES)(_names_field(None))
for _binding in (JSONataTemplateBinding, AssignTemplateBinding):
    PATCHES.method(_binding, "_field_name", _CLASS_NAMES)(_names_field(None))
    PATCHES.method(_binding, "_eval_body", "Causes named the innermost field only.")(in_field)
PATCHES.method(Arguments, "_field_name", _CLASS_NAMES)(_names_field("Arguments"))
PATCHES.method(AssignDecl, "_field_name", _CLASS_NAMES)(_names_field("Assign"))


@PATCHES.method(ConditionStringJSONata, "_eval_body", "A Condition that is no boolean was States.Runtime.")
def evaluate_condition(original: Any, self: Any, env: Any) -> None:
    env.next_field_name = "Condition"
    self.string_jsonata.eval(env=env)
    _expect(env, self.string_jsonata, bool, "boolean", "Condition")


def _expect(env: Any, expression: Any, kind: Any, name: str, field: str) -> Any:
    value = env.stack[-1]
    if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    raise query_error(
        env,
        f"The JSONata expression '{expression.literal_value}' specified for the field '{field}' returned an unexpected "
        f"result type. Expected '{name}', but was '{_type(value)}' for value: {json.dumps(value)}",
    )


def _type(value: Any) -> str:
    names = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


def _integer(field: str) -> Any:
    def evaluate(original: Any, self: Any, env: Any) -> int:
        env.next_field_name = field
        self.string_jsonata.eval(env=env)
        number = _expect(env, self.string_jsonata, int, "integer", field)
        env.stack.pop()
        return int(number)

    return evaluate


for _owner, _method, _field in (
    (SecondsJSONata, "_get_wait_seconds", "Seconds"),
    (timeout.TimeoutSecondsJSONata, "_eval_seconds", "TimeoutSeconds"),
    (heartbeat.HeartbeatSecondsJSONata, "_eval_seconds", "HeartbeatSeconds"),
    (MaxConcurrencyJSONata, "_eval_max_concurrency", "MaxConcurrency"),
):
    PATCHES.method(_owner, _method, "Rounded what is no integer, or broke with a Python error.")(_integer(_field))


@PATCHES.method(ItemsJSONata, "_eval_body", "Added no EvaluationFailed event for Items that are no array.")
def evaluate_items(original: Any, self: Any, env: Any) -> None:
    env.next_field_name = "Items"
    self.string_jsonata.eval(env=env)
    _expect(env, self.string_jsonata, list, "array", "Items")


@PATCHES.method(VariableStore, "get_assigned_variables", "Wrote strings into the history without escaping them.")
def assigned_variables(original: Any, self: Any) -> dict[str, str]:
    return {name: json.dumps(self.get(name), separators=(",", ":")) for name in self._declaration_tracing}
