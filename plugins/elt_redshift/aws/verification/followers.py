"""Checks of tasks whose statements are followed by executions of their own: the run of a scratch job in parts, whose
last task fails, so that its follower answers for it.
"""

from __future__ import annotations

import json
from typing import Any

from elt_redshift.asl.language import calls
from elt_redshift.aws.template.machine import MACHINE
from elt_redshift.aws.verification.bench import Bench, expect
from elt_redshift.aws.verification.jobs import BAD, MESSAGE
from elt_redshift.aws.verification.probe import State, chain, noting, task
from elt_redshift.protocol import audit, dynamodb, followers
from elt_redshift.protocol.writes import Given, Write

_START = f"{calls.START_FOLLOWER.action}.wait"
_MINE = "{% $states.context.Task.Token %}"


def answers(bench: Bench) -> str:
    """A wait for a token fails with an error name of one's own, a catcher of that name takes it, and its cause is the
    text that was sent."""
    failed = bench.parts.failures(_START, _part(bench))
    expect(failed, "no wait for a follower has failed")
    error, cause = failed[0]
    expect(error == followers.FAILED, f"{error}: {cause}")
    expect(MESSAGE in json.loads(cause)["cause"], cause)
    told = bench.parts.tasks[BAD].message
    expect(MESSAGE in (told or ""), told)
    return f"{error}: {told}"


def heartbeats(bench: Bench) -> str:
    """A heartbeat is accepted before Step Functions has the answer to the call that passed its token on; a wait without
    others ends with Timeout or HeartbeatTimeout; and that of a wait that is over is refused as stale tokens are."""
    parts = bench.parts
    found = parts.noted(lambda: chain(_heartbeats(parts)), f"{parts.name}-{MACHINE}-heartbeats")
    waited, stale = found["waited"], found["stale"]
    expect(isinstance(waited, dict) and waited.get("error") in (calls.TIMEOUT, calls.NO_HEARTBEAT), waited)
    expect(isinstance(stale, dict) and stale.get("error") in calls.STALE_TOKEN, stale)
    return f"{waited['error']}, then {stale['error']}"


def _heartbeats(parts: Bench) -> dict[str, State]:
    """A wait whose call is the heartbeat itself, and another whose token is kept, to be tried when it is over."""
    beat, key = "aws-sdk:sfn:sendTaskHeartbeat", audit.key(f"{parts.name}-heartbeats")
    keeping = dynamodb.update(parts.table, key, Write(sets={"Kept": Given("text")}), {"text": _MINE})
    states = {
        "waited": task(parts, f"{beat}.waitForTaskToken", {"TaskToken": _MINE}, HeartbeatSeconds=2, TimeoutSeconds=60),
        "kept": task(parts, "aws-sdk:dynamodb:updateItem.waitForTaskToken", keeping, TimeoutSeconds=1),
        "token": task(parts, "dynamodb:getItem", dynamodb.get(parts.table, key), "{% $states.result.Item.Kept.S %}"),
        "stale": task(parts, beat, {"TaskToken": "{% $token %}"}),
    }
    return {name: noting(name, one) for name, one in states.items()}


def after_redrive(bench: Bench) -> str:
    """After a redrive the wait is entered again and starts another follower, whose input tells of the redrive."""
    before = len(_started(bench))
    count = bench.parts.redriven.redrive_count
    runs = [json.loads(one["Input"])["run"] for one in _started(bench)][before:]
    expect(count == 1 and before == 1 and runs, f"{count} redrives; {before} followers before, {len(runs)} behind it")
    expect(all(one["redrives"] == 1 and one["redriven"] for one in runs), runs)
    return f"{len(runs)} more, redrive {runs[0]['redrives']} at {runs[0]['redriven']}"


def _started(bench: Bench) -> list[dict[str, Any]]:
    """What followers were started with, by the part of the run, the first one first."""
    return [json.loads(one) for one in bench.parts.scheduled(_START, _part(bench))]


def _part(bench: Bench) -> str:
    """The execution of the part whose task fails."""
    part = bench.parts.tasks[BAD].part
    expect(part, f"{BAD} ran in no part")
    return str(part)
