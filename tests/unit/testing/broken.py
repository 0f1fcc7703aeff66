"""Protocols that are broken on purpose, as mutations of a compiled definition: mistakes that somebody could make."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from elt_redshift.testing import Chances, Faults
from elt_redshift.testing.histories import Rule
from elt_redshift.testing.subject import Mutation

State = dict[str, Any]


@dataclass(frozen=True)
class Broken:
    """A mutation.

    :param jobs: the sample jobs that it is tried on.
    :param rules: one of these is broken by it.
    :param chances: of its schedules.
    :param first: the schedule that was the first to show it, where that takes long to find.
    """

    name: str
    mutate: Mutation
    jobs: tuple[str, ...]
    rules: tuple[Rule, ...]
    chances: Chances | None = None
    first: int = 0


def _states(definition: Mapping[str, Any]) -> Iterator[tuple[str, State]]:
    """All states by their names, however deep."""
    for name, state in definition["States"].items():
        yield name, state
        for inner in (*state.get("Branches", ()), *filter(None, [state.get("ItemProcessor")])):
            yield from _states(inner)


def each(matches: str, change: Callable[[State], object]) -> Mutation:
    """Changes the states whose names match a pattern; there must be one that is changed by it."""

    def mutate(definition: dict[str, Any]) -> None:
        found = [state for name, state in _states(definition) if re.fullmatch(matches, name)]
        before = json.dumps(found)
        for state in found:
            change(state)
        assert json.dumps(found) != before, f"nothing is changed in {matches}"

    return mutate


def replaced(matches: str, old: str, new: str) -> Mutation:
    """Replaces a pattern in all that such states hold."""

    def change(state: State) -> None:
        changed = json.loads(re.sub(old, new, json.dumps(state)))
        state.clear()
        state.update(changed)

    return each(matches, change)


def both(*mutations: Mutation) -> Mutation:
    def mutate(definition: dict[str, Any]) -> None:
        for mutation in mutations:
            mutation(definition)

    return mutate


def unconditional(matches: str) -> Mutation:
    return each(matches, lambda state: state["Arguments"].pop("ConditionExpression"))


def _counted(state: State) -> None:
    """A number of ended upstreams instead of the set of their names."""
    arguments = state["Arguments"]
    if ":task" in arguments["ExpressionAttributeValues"]:
        arguments["ExpressionAttributeValues"][":task"] = {"N": "1"}
    if "ConditionExpression" in arguments:
        arguments["ConditionExpression"] = arguments["ConditionExpression"].replace("size(Done)", "Done")
    text = json.dumps(state["Output"]) if "Output" in state else '""'
    state["Output"] = json.loads(
        text.replace("$count($sift($j, function($v, $k) {$contains($k, 'Done')}).*.*)", "$number($j.Done.N)")
    )


def _unmarked(state: State) -> None:
    """Who is told in vain of a transaction's conditions looks for who waits, and marks nothing."""
    for catcher in state.get("Catch", ()):
        catcher["Next"] = catcher["Next"].replace("announce last", "find waiting")


def _skipping(state: State) -> None:
    """Where a rule leads to the record, it leads past it."""
    for rule in state["Choices"]:
        if rule["Next"].endswith(": record"):
            rule["Next"] = rule["Next"].replace(": record", ": failed")


def _submitting_at_once(state: State) -> None:
    """Where nobody knows whether it was submitted, it is."""
    (new,) = (rule["Next"] for rule in state["Choices"] if "'NEW'" in rule["Condition"])
    for rule in state["Choices"]:
        if rule["Next"].endswith(": find"):
            rule["Next"] = new


def _expired(state: State) -> None:
    """An owner is dead when its lock is old."""
    for rule in state["Choices"]:
        if "'RUNNING'" in rule["Condition"] or "$millis()" in rule["Condition"]:
            rule["Condition"] = "{% false %}"


ACQUIRING = "acquire lock( to resume)?"
SUBMITTING = "[a-e]"
ONE, JOINED, EVENTS = ("one_task", "waiting", "joined"), ("joined", "polling"), ("events",)
MAPPED = ("map_joined", "map_woven", "map_released")

#: Many calls arrive late, and runs follow each other closely: what the time of grace is for.
LATE_CALLS = Chances(
    kinds=("start", "stop", "crash"),
    pauses=(5.0, 30.0),
    faults=Faults(delayed=0.1, slow=0.15),
    ends=False,
    aims=False,
    edits=False,
    in_step=False,
)

BROKEN: tuple[Broken, ...] = (
    Broken(
        "no owner check on release",
        unconditional("release lock"),
        ("one_task", "waiting"),
        ("double owner",),
        first=328,
    ),
    Broken("expiry by time", each("judge owner", _expired), ONE, ("double owner",)),
    Broken("unconditional take-over", unconditional("take over lock"), ONE, ("double owner",)),
    Broken("no condition on the lock", unconditional(ACQUIRING), ONE, ("double owner",)),
    Broken("counters for sets in joins", each("task: (tell|tell last|join)", _counted), ("map_woven",), ("lost",)),
    Broken(
        "a transaction that was canceled is not made without conditions",
        each("[ab]: announce", _unmarked),
        ("crossed",),
        ("lost", "stuck"),
    ),
    Broken(
        "a token of its own for each try",
        replaced(SUBMITTING, r"\$hash\(", "$string($random()) & $hash("),
        ("one_task", "joined"),
        ("twice",),
    ),
    Broken(
        "failures of AUTO_COMMIT are retried unasked",
        replaced(".*: status", r"\$states\.input\.failures < [^%]*%", "$states.input.failures < 5 %"),
        ("auto_commit", "procedure"),
        ("twice",),
    ),
    Broken(
        "nobody looks for left statements",
        each("judge owner", lambda state: state.update(Default="take over lock")),
        ONE,
        ("double owner",),
    ),
    Broken(
        "after a redrive the lock is not taken again",
        both(
            replaced(SUBMITTING, r"\$states\.context\.Execution\.RedriveCount > \$states\.input\.redrives", "false"),
            replaced(".*: status", r"\$states\.context\.Execution\.RedriveCount > \$states\.input\.redrives", "false"),
        ),
        ("diamond", "joined", "one_task"),
        ("double owner",),
    ),
    Broken(
        "listing before the grace time", replaced("judge .*", r"\+ 120000", "+ 0"), ONE, ("double owner",), LATE_CALLS
    ),
    Broken("failures are not recorded", each(".*: status", _skipping), ("one_task", "diamond"), ("unrecorded",)),
    Broken(
        "waits for joins never end by themselves",
        each(".*: join", lambda state: state.pop("TimeoutSeconds")),
        (*JOINED, *EVENTS),
        ("stuck",),
        first=1133,
    ),
    Broken(
        "lost fencing",
        replaced("take over lock", r" AND \(attribute_not_exists\(RedriveCount\) OR RedriveCount = :claim\)", ""),
        ONE,
        ("double owner",),
        first=311,
    ),
    Broken(
        "no look-up before submitting", each(".*: status", _submitting_at_once), ("one_task", "diamond"), ("twice",)
    ),
    Broken(
        "children that a redrive starts trust that they are told of it",
        replaced("task: (join|announce)", r" or \$toMillis\([^?]*\) \?", ") ?"),
        MAPPED,
        ("double owner",),
        first=161,
    ),
    Broken(
        "children claim with the count that they asked for before",
        both(
            replaced("task: claim", r"\$max\(\[\$states.input.owned, [^\]]*\]\)", "$states.input.owned"),
            replaced("task: claim", r"[^ ]* > \$states.input.asked \? \$error\('It was redriven.'\) : ", ""),
        ),
        ("map_woven",),
        ("unrecorded",),
        first=189,
    ),
    Broken(
        "a failure is recorded whatever has claimed the lock since, and without the count of its redrive",
        both(
            replaced(".*: record", r" AND \(attribute_not_exists\(RedriveCount\) OR RedriveCount <= :\w+\)", ""),
            replaced(".*: record", r"RedriveCount = :redrives, ", ""),
        ),
        ("joined", "settling", "events"),
        ("stuck", "unrecorded", "double owner"),
        first=325,
    ),
)
