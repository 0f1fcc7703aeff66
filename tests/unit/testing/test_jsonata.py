"""Compiled JSONata gives what the package gives that the embedded AWS evaluates with."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from elt_redshift.asl.compiler import compile_job
from elt_redshift.testing import jsonata, jsonata_whole
from elt_redshift.testing.values import NOTHING, Environment, QueryError

from ..asl.jobs import JOBS

ARN = "arn:aws:states:eu-west-1:123456789012:execution:job:e1"
STATUSES = ("SUBMITTED", "PICKED", "STARTED", "FINISHED", "FAILED", "ABORTED", "NEW", "KEPT", "REFUSED", "UNKNOWN")
TEXTS: dict[str, tuple[Any, ...]] = {
    "Status": STATUSES,
    "state": ("", "Ready", "Running", "Failed"),
    "owner": ("", ARN, "airflow:dag/run", "somebody"),
    "status": ("RUNNING", "PENDING_REDRIVE", "ABORTED"),
    "after": ("", "hold", "release"),
    "error": ("ERROR: 1023 conflict", "Serializable isolation violation", "ERROR: division by zero"),
    "ids": ([], ["s1"], ["s1", "s2"]),
    "until": ("none", "2020-01-01T00:00:00.000Z", "2099-01-01T00:00:00.000Z"),
    "reserved": ("", ARN),
    "claim": ("0", "2"),
    "statementName": ("101/e1/a/1/AQ/7", "101/e1/a/1"),
    "statementId": ("s1", "s1:2"),
}
NUMBERS = (
    "attempt",
    "failures",
    "redrives",
    "looks",
    "look",
    "passes",
    "polls",
    "done",
    "blocked",
    "awaited",
    "owned",
    "startDate",
    "stopDate",
)
WORDS = (
    "name",
    "outcome",
    "kind",
    "parameters",
    "by",
    "resumed",
    "Id",
    "statement",
    "cause",
    "refused",
    "lastOwner",
    "task",
    "end",
    "message",
    "token",
    "waiter",
    "fingerprint",
)


def expressions() -> list[str]:
    """All that the golden definitions hold, each once."""
    found: set[str] = set()
    for job in JOBS.values():
        machine = compile_job(job)
        found.update(_within(machine.definition()), _within(machine.ending()))
        if machine.events:
            found.update(_within(machine.answering()))
    return sorted(found)


def _within(value: Any) -> Iterator[str]:
    if isinstance(value, str) and value.startswith("{%"):
        yield value.removeprefix("{%").removesuffix("%}").strip()
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _within(one)


def scope(seed: int) -> Environment:
    """Something that an expression may be evaluated with."""
    random = Random(seed)

    def some(values: dict[str, tuple[Any, ...]]) -> dict[str, Any]:
        return {name: random.choice(of) for name, of in values.items() if random.random() < 0.8}

    numbers: dict[str, tuple[Any, ...]] = dict.fromkeys(NUMBERS, (0, 1, 3))
    words: dict[str, tuple[Any, ...]] = dict.fromkeys(WORDS, ("one", "a b", "none"))
    given = some({**TEXTS, **numbers, **words, "deadline": (1_700_000_000_000, 1_800_000_100_000)})
    found = [{"Id": "s1", "Status": status, "CreatedAt": "2027-01-15T08:00:00.000Z"} for status in STATUSES[:4]]
    sets = {
        "Done": {"SS": ["0", "a", "b"]},
        "Blocked0": {"SS": ["1"]},
        "Parked0": {"S": "AQ/1"},
        "TaskToken": {"S": "AQ/2"},
    }
    result = some(
        {
            "Status": (*STATUSES[:6], "RUNNING"),
            "Id": ("s1",),
            "Error": ("ERROR: division by zero",),
            "RedriveCount": (0, 2),
            "SubStatements": ([{"Id": "s1:1", "Status": "FINISHED"}, {"Id": "s1:2", "Status": "FAILED"}],),
            "Statements": (found, found[:1], []),
            "Attributes": (sets, {**sets, "Done": {"SS": ["a"]}}, {}),
            "Item": ({"JobState": {"S": "Running"}, "Owner": {"S": ARN}, "RedriveCount": {"N": "1"}}, {}),
        }
    )
    resume = {"from": ARN, "kept": "1d9efac273537721", "open": [{"task": "a", "fingerprint": "f"}]}
    execution = {
        "Id": ARN,
        "Name": "e1",
        "StartTime": "2027-01-15T08:00:00.000Z",
        "RedriveCount": random.choice((0, 1)),
        "Input": random.choice(({}, {"resume": resume}, {"parameters": {"year": 1999, "region": "x"}})),
    }
    context = {"Execution": execution, "State": {"EnteredTime": "2027-01-15T08:00:00.000Z"}, "Task": {"Token": "AQ/3"}}
    error = {"Error": random.choice(("States.Timeout", "X")), "Cause": "It failed. (Service: X, Status Code: 400)"}
    states = {"input": given, "result": result, "errorOutput": error, "context": context}
    variables = {"states": states, "kept": random.choice(("", "1d9efac273537721")), "run": "e1/now"}
    return Environment({**variables, "parameters": {"year": "1998"}}, 1_800_000_000_000, Random(seed))


def _value(evaluate: jsonata.Evaluate, seed: int) -> Any:
    try:
        return evaluate(NOTHING, scope(seed))
    except QueryError:
        return QueryError


def test_nearly_every_expression_of_a_definition_is_compiled() -> None:
    """Few are left to the package, which is slow."""
    left = [code for code in expressions() if not jsonata.supported(code)]
    assert len(left) < len(expressions()) / 20, left


def test_compiled_expressions_give_what_the_package_gives() -> None:
    """Values and errors are the same for whatever states, results and contexts may hold."""
    for place, code in enumerate(expressions()):
        compiled, whole = jsonata.compiled(code), jsonata_whole.evaluator(code)
        for seed in range(place, place + 6):
            assert (code, seed, _value(compiled, seed)) == (code, seed, _value(whole, seed))


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("[1..3].($ * 2)", [2, 4, 6]),
        ("a.b", 1),
        ("nothing", NOTHING),
        ("$pad('A', 1) & $string([1, 'x'])", 'A[1,"x"]'),
        ("'x' in ['x', 'y'] and $not(1 = true)", True),
        ("list[-1] + list[0]", 4),
        ("list[$ > 1]", [2, 3]),
    ],
)
def test_what_an_expression_gives(code: str, value: object) -> None:
    """Compiled, or by the package where a function is not known here."""
    given = {"a": {"b": 1}, "list": [1, 2, 3]}
    assert jsonata.compiled(f"$x.({code})")(NOTHING, Environment({"x": given}, 0, Random(0))) == value
