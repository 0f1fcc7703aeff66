"""What the history table keeps of a run's tasks, in pages: events, as :mod:`elt_redshift.asl.patterns.paging` takes
them from the run's history, and the reports of the map layout's tasks, as DynamoDB has them.

========= ===================================================================================================
member    of an event that is kept
========= ===================================================================================================
``i``     its number
``p``     that of the event before it
``t``     its type
``w``     when it happened, in epoch milliseconds
``n``     the name of the state that was entered or left
``d``     what is taken from the state's input or output, or from what the type has besides
========= ===================================================================================================
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from elt_redshift.protocol import executions, kept_events, parts
from elt_redshift.runs.history import TaskRuns, json_object
from elt_redshift.runs.progress import reports

#: The events behind which nothing more comes, but for a redrive.
ENDS = {
    "ExecutionSucceeded": executions.SUCCEEDED,
    "ExecutionFailed": executions.FAILED,
    "ExecutionAborted": executions.ABORTED,
    "ExecutionTimedOut": executions.TIMED_OUT,
}

_ENTERED, _EXITED = re.compile(kept_events.ENTERED), re.compile(kept_events.EXITED)


def kept(events: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Of the events of a history those that are kept, and what of them.

    :param events: as ``GetExecutionHistory`` returns them.
    """
    for event in events:
        entered, exited = event.get("stateEnteredEventDetails"), event.get("stateExitedEventDetails")
        if entered and _ENTERED.search(entered["name"]):
            yield _kept(event, entered["name"], _taken(entered.get("input")))
        elif exited and _EXITED.search(exited["name"]):
            yield _kept(event, exited["name"], _taken(exited.get("output")))
        elif not entered and not exited and (taken := _of_others(event)) is not None:
            yield _kept(event, None, taken)


def _of_others(event: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is taken from an event that is about no state; None: it is not kept."""
    match event["type"]:
        case kept_events.STARTED:
            given = json_object(event.get("executionStartedEventDetails", {}).get("input"))
            resumed = given.get("resume")
            origin = resumed.get("from") if isinstance(resumed, dict) else None
            return {"resume": {"from": origin} if origin else {}}
        case kept_events.MAPPED:
            return {"mapRunArn": event["mapRunStartedEventDetails"]["mapRunArn"]}
        case kind if (kind, event.get("taskScheduledEventDetails", {}).get("resource")) == kept_events.PART_STARTS:
            return _taken(event["taskScheduledEventDetails"]["parameters"], kept_events.OF_PART)
        case kept_events.SUBMITTED:
            return _taken(event["taskSubmittedEventDetails"].get("output"))
        case kind if kind in kept_events.BARE:
            return {}
    return None


def _taken(text: str | None, members: Collection[str] = kept_events.MEMBERS) -> dict[str, Any]:
    return {name: value for name, value in json_object(text).items() if name in members}


def _kept(event: Mapping[str, Any], state: str | None, taken: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "i": event["id"],
        "p": event.get("previousEventId", 0),
        "t": event["type"],
        "w": round(event["timestamp"].timestamp() * 1000),
        **({"n": state} if state else {}),
        **({"d": taken} if taken else {}),
    }


def events(of: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The events that were kept, as ``GetExecutionHistory`` returns them, each once and the oldest first."""
    for _, one in sorted({one["i"]: one for one in of}.items()):
        kind, taken = one["t"], one.get("d", {})
        event = {"id": one["i"], "previousEventId": one.get("p", 0), "type": kind}
        event["timestamp"] = datetime.fromtimestamp(one["w"] / 1000, UTC)
        if kind.endswith("StateEntered"):
            event["stateEnteredEventDetails"] = {"name": one["n"], "input": json.dumps(taken)}
        elif kind.endswith("StateExited"):
            event["stateExitedEventDetails"] = {"name": one["n"], "output": json.dumps(taken)}
        elif kind == kept_events.STARTED:
            event["executionStartedEventDetails"] = {"input": json.dumps(taken)}
        elif kind == kept_events.MAPPED:
            event["mapRunStartedEventDetails"] = taken
        elif kind == kept_events.PART_STARTS[0] and taken:
            service, resource = parts.START.split(":", 1)
            scheduled = {"resourceType": service, "resource": resource, "parameters": json.dumps(taken)}
            event["taskScheduledEventDetails"] = scheduled
        elif kind == kept_events.SUBMITTED:
            event["taskSubmittedEventDetails"] = {"output": json.dumps(taken)}
        yield event


def ended(of: Iterable[Mapping[str, Any]]) -> str | None:
    """How the run ended, by the events that were kept; None: they do not tell, since there are more."""
    last = max(of, key=lambda one: int(one["i"]), default=None)
    return ENDS.get(last["t"]) if last else None


def read(
    runs: TaskRuns,
    kept_events: Iterable[Mapping[str, Any]],
    items: Iterable[Mapping[str, Any]],
    status: str,
    of_parts: Mapping[str, Iterable[Mapping[str, Any]]] = MappingProxyType({}),
) -> None:
    """Take in what was kept of a run that has ended with ``status``.

    :param items: the reports of the map layout's tasks.
    :param of_parts: what was kept of the run's parts, by the names of their machines.
    """
    found = list(kept_events)
    runs.apply(events(found))
    for arn, part in runs.parts.items():
        part.apply(events(told := list(of_parts.get(arn.split(":")[6], ()))))
        found += told
    runs.know({one["d"]["finished"] for one in found if isinstance(one.get("d", {}).get("finished"), str)})
    runs.report(reports(items))
    runs.finish(status)
