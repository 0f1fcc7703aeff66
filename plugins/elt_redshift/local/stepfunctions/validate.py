"""What is wrong with a state machine definition, before it is created.

AWS refuses such definitions in CreateStateMachine and UpdateStateMachine and explains them in
ValidateStateMachineDefinition. (https://docs.aws.amazon.com/step-functions/latest/dg/statemachine-structure.html and
https://docs.aws.amazon.com/step-functions/latest/apireference/API_ValidateStateMachineDefinition.html)
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from elt_redshift.local.stepfunctions import jsonata, services, values

MAX_DEFINITION = 1_048_576  # bytes
MAX_NAME = 80  # characters of a state's name

_SCHEMA, _TARGET, _JSON = "SCHEMA_VALIDATION_FAILED", "MISSING_TRANSITION_TARGET", "INVALID_JSON_DESCRIPTION"
_ROOT = {"Comment", "StartAt", "States", "Version", "TimeoutSeconds", "QueryLanguage"}
_PROGRAM = {"Comment", "StartAt", "States", "QueryLanguage", "ProcessorConfig"}
_COMMON = {"Type", "Comment", "QueryLanguage"}
_FLOW = {"Next", "End", "Assign"}
_TASKLIKE = {"Retry", "Catch"} | _FLOW
_PATHS = {"InputPath", "OutputPath"}
_RESULTS = {"ResultPath", "ResultSelector", "Parameters"} | _PATHS
_WHEN = {"Seconds", "Timestamp"}
_TIMES = {"TimeoutSeconds", "HeartbeatSeconds"}
_MAP = {"ItemProcessor", "Iterator", "ItemSelector", "ItemReader", "ItemBatcher", "ResultWriter", "Label"}
_MAP_NUMBERS = {"MaxConcurrency", "ToleratedFailureCount", "ToleratedFailurePercentage"}

# state type -> fields in either language, in JSONPath, in JSONata
_FIELDS: dict[str, tuple[set[str], set[str], set[str]]] = {
    "Task": (
        {"Resource", "Credentials"} | _TASKLIKE | _TIMES,
        _RESULTS | {f"{name}Path" for name in _TIMES},
        {"Arguments", "Output"},
    ),
    "Parallel": ({"Branches"} | _TASKLIKE, _RESULTS, {"Arguments", "Output"}),
    "Map": (
        _TASKLIKE | _MAP | _MAP_NUMBERS,
        _RESULTS | {"ItemsPath"} | {f"{name}Path" for name in _MAP_NUMBERS},
        {"Items", "Output"},
    ),
    "Pass": (_FLOW, {"Result", "ResultPath", "Parameters"} | _PATHS, {"Output"}),
    "Wait": (_FLOW | _WHEN, _PATHS | {f"{name}Path" for name in _WHEN}, {"Output"}),
    "Choice": ({"Choices", "Default", "Assign"}, _PATHS, {"Output"}),
    "Succeed": (set(), _PATHS, {"Output"}),
    "Fail": ({"Error", "Cause"}, {"ErrorPath", "CausePath"}, set()),
}
_REQUIRED = {"Task": ["Resource"], "Parallel": ["Branches"], "Choice": ["Choices"]}
_TERMINAL = ("Choice", "Succeed", "Fail")  # have neither Next nor End


@dataclass(frozen=True)
class Diagnostic:
    """One finding, as ValidateStateMachineDefinition reports it; ``location`` is a JSON pointer."""

    code: str
    message: str
    location: str
    severity: str = "ERROR"

    def __str__(self) -> str:
        return f"{self.code}: {self.message} at {self.location or '/'}"


class _DuplicateError(ValueError):
    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"Duplicate field '{name}'")


def diagnostics(definition: str) -> list[Diagnostic]:
    """Everything wrong with ``definition``, in its order."""
    if len(definition.encode()) > MAX_DEFINITION:
        return [Diagnostic(_SCHEMA, f"The definition is larger than {MAX_DEFINITION} bytes", "")]
    try:
        program = json.loads(definition, object_pairs_hook=_unique)
    except _DuplicateError as error:
        return [Diagnostic(_SCHEMA, f"Duplicate field or state name: {error.name}", "")]
    except ValueError as error:
        return [Diagnostic(_JSON, str(error), "")]
    if not isinstance(program, dict):
        return [Diagnostic(_JSON, "The definition must be a JSON object", "")]
    return [*_unknown(program, _ROOT, ""), *_program(program, "", "JSONPath"), *_same_names(program)]


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for key, value in pairs:
        if key in seen:
            raise _DuplicateError(key)
        seen[key] = value
    return seen


def _unknown(fields: dict[str, Any], allowed: set[str], where: str) -> Iterator[Diagnostic]:
    for name in fields:
        if name not in allowed:
            yield Diagnostic(_SCHEMA, f"Field is not supported: {name}", f"{where}/{name}")


def _program(program: dict[str, Any], where: str, language: str) -> Iterator[Diagnostic]:
    language = str(program.get("QueryLanguage", language))
    states = program.get("States")
    if not isinstance(states, dict) or not states:
        yield Diagnostic(_SCHEMA, "Missing or empty required field: States", f"{where}/States")
        return
    if "StartAt" not in program:
        yield Diagnostic(_SCHEMA, "Missing required field: StartAt", f"{where}/StartAt")
    for name, state in states.items():
        yield from _state(name, state, f"{where}/States/{name}", language)
    yield from _flow(program, states, where)


def _flow(program: dict[str, Any], states: dict[str, Any], where: str) -> Iterator[Diagnostic]:
    """Targets that are no states, and states that are no target."""
    edges = {name: list(_targets(state)) for name, state in states.items() if isinstance(state, dict)}
    start = program.get("StartAt")
    if start is not None and start not in states:
        yield Diagnostic(_TARGET, f"Missing 'StartAt' target: {start}", f"{where}/StartAt")
    for name, targets in edges.items():
        for field, target in targets:
            if target not in states:
                yield Diagnostic(_TARGET, f"Missing '{field}' target: {target}", f"{where}/States/{name}/{field}")
    for name in edges.keys() - _reached(start, edges) if start in states else ():
        yield Diagnostic(_TARGET, f'State "{name}" is not reachable.', f"{where}/States/{name}")


def _reached(start: Any, edges: dict[str, list[tuple[str, Any]]]) -> set[str]:
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name in edges and name not in reached:
            reached.add(name)
            waiting.extend(target for _, target in edges[name])
    return reached


def _targets(state: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for field in ("Next", "Default"):
        if field in state:
            yield field, state[field]
    for field in ("Catch", "Choices"):
        for rule in state.get(field) or []:
            if isinstance(rule, dict) and "Next" in rule:
                yield "Next", rule["Next"]


def _state(name: str, state: Any, where: str, language: str) -> Iterator[Diagnostic]:
    kind = state.get("Type") if isinstance(state, dict) else None
    if kind not in _FIELDS:
        yield Diagnostic(_SCHEMA, f"Missing or unknown state type: {kind}", f"{where}/Type")
        return
    if len(name) > MAX_NAME:
        yield Diagnostic(_SCHEMA, f"A state name has at most {MAX_NAME} characters, not {len(name)}", where)
    language = str(state.get("QueryLanguage", language))
    both, jsonpath, in_jsonata = _FIELDS[kind]
    own = in_jsonata if language == "JSONata" else jsonpath
    yield from _unknown(state, _COMMON | both | own, where)
    for field in _REQUIRED.get(kind, []):
        if field not in state:
            yield Diagnostic(_SCHEMA, f"Missing required field: {field}", where)
    if kind not in _TERMINAL and ("Next" in state) == bool(state.get("End")):
        yield Diagnostic(_SCHEMA, "A state needs exactly one of 'Next' and 'End'", where)
    yield from _nested(state, where, language)
    if language == "JSONata":
        yield from _expressions({key: item for key, item in state.items() if key not in _NESTED}, where)
    if kind == "Task":
        yield from _task(state, where, language)


_NESTED = ("Branches", "ItemProcessor", "Iterator")


def _nested(state: dict[str, Any], where: str, language: str) -> Iterator[Diagnostic]:
    programs = [(f"{where}/Branches/{index}", branch) for index, branch in enumerate(state.get("Branches") or [])]
    programs += [(f"{where}/{field}", state[field]) for field in ("ItemProcessor", "Iterator") if field in state]
    if state["Type"] == "Map" and not programs:
        yield Diagnostic(_SCHEMA, "Missing required field: ItemProcessor", where)
    for place, program in programs:
        if not isinstance(program, dict):
            yield Diagnostic(_SCHEMA, "Expected an object with StartAt and States", place)
            continue
        yield from _unknown(program, _PROGRAM, place)
        yield from _program(program, place, language)


def _expressions(value: Any, where: str) -> Iterator[Diagnostic]:
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from _expressions(item, f"{where}/{key}")
    elif isinstance(value, str) and value.startswith("{%") and value.endswith("%}"):
        problem = jsonata.check(value[2:-2].strip())
        if problem is not None:
            yield Diagnostic(_SCHEMA, f"Invalid JSONata expression: {problem}", where)


def _task(state: dict[str, Any], where: str, language: str) -> Iterator[Diagnostic]:
    """Names of an SDK integration that the service does not have."""
    resource = str(state.get("Resource", ""))
    if ":aws-sdk:" not in resource:
        return
    service, _, action = resource.partition(":aws-sdk:")[2].partition(".")[0].partition(":")
    known = services.is_known(service)
    model = services.operation(services.boto_name(service), action) if known else None
    if model is None:
        yield Diagnostic(_SCHEMA, f"The resource provided {resource} is not recognized", f"{where}/Resource")
        return
    field = "Arguments" if language == "JSONata" else "Parameters"
    parameters = state.get(field)
    if isinstance(parameters, dict) and model.input_shape is not None:
        try:
            values.to_request({name.removesuffix(".$"): value for name, value in parameters.items()}, model.input_shape)
        except values.UnknownMemberError as error:
            yield Diagnostic(_SCHEMA, str(error), f"{where}/{field}")


def _same_names(program: dict[str, Any]) -> Iterator[Diagnostic]:
    """State names must be unique within the whole state machine."""
    seen: set[str] = set()
    for name, where in _names(program, ""):
        if name in seen:
            yield Diagnostic(_SCHEMA, f"Duplicate state name: {name}", where)
        seen.add(name)


def _names(program: Any, where: str) -> Iterator[tuple[str, str]]:
    states = program.get("States") if isinstance(program, dict) else None
    for name, state in (states if isinstance(states, dict) else {}).items():
        place = f"{where}/States/{name}"
        yield name, place
        if isinstance(state, dict):
            for index, branch in enumerate(state.get("Branches") or []):
                yield from _names(branch, f"{place}/Branches/{index}")
            for field in ("ItemProcessor", "Iterator"):
                yield from _names(state.get(field), f"{place}/{field}")
