"""Audit items that somebody has edited by hand: of any content."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from elt_redshift.protocol import audit, owners

Item = dict[str, Any]

_DECIDING = (*audit.TYPES, audit.AFTER_FAILURE, audit.RESERVED_FOR, audit.LAST_OWNER)
_TELLING = (audit.FAILED_TASK, audit.FAILED_STATEMENT, audit.MESSAGE, audit.JOB_START, audit.JOB_END, audit.ASSUMED)

_TEXTS = (
    *("", " ", "bob", f"{owners.DAG_RUN}dag/run", audit.HOLD, audit.RELEASED, "READY", "ready", "Paused", "101/e1/a/1"),
    *("9999-01-01T00:00:00.000Z", "2020-01-01T00:00:00.000Z", "2026-01-01", "tomorrow", "😀"),
)
_OTHERS: tuple[Item, ...] = (
    *({"N": "0"}, {"N": "1"}, {"N": "-1"}, {"N": "1e30"}, {"N": "0.5"}),
    *({"BOOL": True}, {"BOOL": False}, {"NULL": True}, {"L": []}, {"L": [{"S": "a"}]}, {"M": {}}),
    *({"M": {"a": {"S": "b"}}}, {"SS": ["a", "b"]}, {"NS": ["1"]}),
)


def edited(item: Item, arns: Sequence[str], random: Random) -> Item:
    """The item after some edits.

    :param item: in DynamoDB's JSON.
    :param arns: of executions of the job.
    """
    strange = (arns[0].replace("execution", "stateMachine"), arns[0].replace("eu-", "us-"), f" {arns[0]}")
    arns = (*arns, *random.sample(strange, 1))
    changed = dict(item)
    for _ in range(random.randint(1, 4)):
        name = random.choice(_DECIDING if random.random() < 0.8 else _TELLING)
        if random.random() < 0.2:
            changed.pop(name, None)
        else:
            changed[name] = _value(name, arns, random)
    return changed


def _value(name: str, arns: Sequence[str], random: Random) -> Item:
    """What somebody may well have written there, or anything."""
    likely: dict[str, tuple[str, ...]] = {
        audit.JOB_STATE: (audit.READY, audit.RUNNING, audit.FAILED),
        audit.OWNER: tuple(arns),
        audit.LAST_OWNER: tuple(arns),
        audit.RESERVED_FOR: tuple(arns),
        audit.AFTER_FAILURE: (audit.HOLD, audit.RELEASED),
    }
    if name in likely and random.random() < 0.6:
        return {"S": random.choice(likely[name])}
    if random.random() < 0.5:
        return {"S": random.choice((*_TEXTS, *arns, audit.RUNNING, audit.FAILED))}
    return random.choice(_OTHERS)
