"""A definition made ready to run: its states by name, with their JSONata compiled.

https://states-language.net/ and https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from elt_redshift.protocol.limits import MAX_CHILDREN
from elt_redshift.testing import jsonata
from elt_redshift.testing.values import NOTHING, Environment, QueryError

Make = Callable[[Environment], Any]


@dataclass(frozen=True)
class Retrier:
    errors: tuple[str, ...]
    most: int
    interval: float
    backoff: float
    longest: float
    jitter: bool


@dataclass(frozen=True)
class Catcher:
    errors: tuple[str, ...]
    next: str
    output: Make | None
    assign: Make | None


@dataclass(frozen=True)
class Rule:
    condition: Make
    next: str
    output: Make | None


@dataclass(frozen=True)
class State:
    """One state.

    :ivar service: of a Task, as ``dynamodb`` or ``aws-sdk:sfn``; with ``action``, and whether it waits for its token.
        Of a Distributed Map the call that reads its items.
    :ivar flows: the branches of a Parallel, or the processor of a Map.
    :ivar selector: what a child of a Distributed Map is given.
    :ivar most: how many of these are there at a time, at most.
    """

    name: str
    type: str
    next: str | None
    output: Make | None = None
    assign: Make | None = None
    arguments: Make | None = None
    service: str = ""
    action: str = ""
    waits: bool = False
    timeout: Make | None = None
    seconds: Make | None = None
    items: Make | None = None
    error: Make | None = None
    cause: Make | None = None
    rules: tuple[Rule, ...] = ()
    retriers: tuple[Retrier, ...] = ()
    catchers: tuple[Catcher, ...] = ()
    flows: tuple[Program, ...] = ()
    selector: Make | None = None
    most: int = MAX_CHILDREN

    @property
    def distributed(self) -> bool:
        """Whether it is a Distributed Map."""
        return self.type == "Map" and bool(self.service)


@dataclass(frozen=True)
class Program:
    """States with a first one: a whole machine, a branch or a Map's item processor."""

    start: str
    states: Mapping[str, State]


def program(definition: Mapping[str, Any]) -> Program:
    """The program of a States Language JSON object. The same definition is made ready once.

    :raises ValueError: it asks for something that the simulation does not have.
    """
    return _program(json.dumps(definition))


@lru_cache(maxsize=256)
def _program(text: str) -> Program:
    return _flow(json.loads(text))


def _flow(given: Mapping[str, Any]) -> Program:
    return Program(given["StartAt"], {name: _state(name, state) for name, state in given["States"].items()})


_TYPES = ("Task", "Choice", "Parallel", "Map", "Pass", "Wait", "Succeed", "Fail")
_NOT_SIMULATED = {"ItemBatcher", "ResultWriter", "ToleratedFailureCount", "ToleratedFailurePercentage"}


def _state(name: str, given: Mapping[str, Any]) -> State:
    kind, reader = given["Type"], given.get("ItemReader", {})
    if kind not in _TYPES or _NOT_SIMULATED & given.keys():
        raise ValueError(f"State {name!r}: {kind} states of this kind are not simulated.")
    given = {**given, **reader}
    service, action, waits = _resource(given.get("Resource", ""))
    flows = [*given.get("Branches", ()), *filter(None, [given.get("ItemProcessor")])]
    return State(
        name,
        kind,
        given.get("Next") or given.get("Default"),
        **{
            field: _made(given, member)
            for field, member in (
                ("output", "Output"),
                ("assign", "Assign"),
                ("arguments", "Arguments"),
                ("timeout", "TimeoutSeconds"),
                ("seconds", "Seconds"),
                ("items", "Items"),
                ("selector", "ItemSelector"),
                ("error", "Error"),
                ("cause", "Cause"),
            )
        },
        service=service,
        action=action,
        waits=waits,
        rules=tuple(
            Rule(template(one["Condition"]), one["Next"], _made(one, "Output")) for one in given.get("Choices", ())
        ),
        retriers=tuple(_retrier(one) for one in given.get("Retry", ())),
        catchers=tuple(
            Catcher(tuple(one["ErrorEquals"]), one["Next"], _made(one, "Output"), _made(one, "Assign"))
            for one in given.get("Catch", ())
        ),
        flows=tuple(_flow(one) for one in flows),
        most=given.get("MaxConcurrency", MAX_CHILDREN),
    )


def _resource(arn: str) -> tuple[str, str, bool]:
    named = arn.partition(":states:::")[2]
    waits = named.endswith(".waitForTaskToken")
    service, _, action = named.removesuffix(".waitForTaskToken").removesuffix(".sync:2").rpartition(":")
    return service, action, waits


def _retrier(given: Mapping[str, Any]) -> Retrier:
    return Retrier(
        tuple(given["ErrorEquals"]),
        given.get("MaxAttempts", 3),
        given.get("IntervalSeconds", 1),
        given.get("BackoffRate", 2.0),
        given.get("MaxDelaySeconds", float("inf")),
        given.get("JitterStrategy") == "FULL",
    )


def _made(given: Mapping[str, Any], member: str) -> Make | None:
    return template(given[member]) if member in given else None


def template(value: Any) -> Make:
    """What makes a member of a state, whose texts in ``{% %}`` are JSONata.

    :raises QueryError: (what is returned) an expression raised an error or gave nothing.
    """
    constant, make = _template(value)
    return (lambda scope: value) if constant else make


def _template(value: Any) -> tuple[bool, Make]:
    if isinstance(value, str) and value.startswith("{%"):
        return False, _expression(value.removeprefix("{%").removesuffix("%}").strip())
    if isinstance(value, dict):
        return _object(value)
    if isinstance(value, list):
        parts = [template(one) for one in value]
        constant = all(_template(one)[0] for one in value)
        return constant, lambda scope: [part(scope) for part in parts]
    return True, lambda scope: value


def _object(value: Mapping[str, Any]) -> tuple[bool, Make]:
    constants = {key: one for key, one in value.items() if _template(one)[0]}
    made = [(key, _template(one)[1]) for key, one in value.items() if key not in constants]

    def make(scope: Environment) -> Any:
        whole = dict(constants)
        for key, one in made:
            whole[key] = one(scope)
        return whole

    return not made, make


def _expression(code: str) -> Make:
    evaluate = jsonata.compiled(code)

    def make(scope: Environment) -> Any:
        value = evaluate(NOTHING, scope)
        if value is NOTHING:
            raise QueryError(f"The JSONata expression '{code}' returned nothing (undefined).")
        return value

    return make
