"""Checks of what Lambda functions send, and of joins: the run of a scratch job that has both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from elt_redshift.asl.language import calls
from elt_redshift.aws.template.machine import MACHINE
from elt_redshift.aws.verification.bench import Bench, expect
from elt_redshift.aws.verification.jobs import BEHIND, BOTH, LEFT, RIGHT
from elt_redshift.aws.verification.probe import State, chain, noting, task
from elt_redshift.protocol.limits import LONG_POLL
from elt_redshift.protocol.statements import FAILED, FINISHED


def functions(bench: Bench) -> str:
    """Lambda functions read and set the audit state, submit the SQL and wait for it, with the boto3 that Lambda has."""
    return _ran(bench)


def errors_of_functions(bench: Bench) -> str:
    """A function's exception fails its state by the name of its class, a dot in it; the cause is JSON with its text."""
    found = _invoked(bench)["malformed"]
    expect(isinstance(found, dict) and found.get("error") == "RedshiftData.ValidationException", found)
    said = json.loads(found["cause"]).get("errorMessage")
    expect(said, found["cause"])
    return f"{found['error']}: {said}"


def taught_parameters(bench: Bench) -> str:
    """The boto3 of Lambda's Python sends WaitTimeSeconds and ExecutionMode when it is taught them."""
    found = _invoked(bench)
    expect(isinstance(found["batch"], str), found["batch"])
    expect(found["described"] == [FINISHED, FAILED, FINISHED], found["described"])
    return f"behind a failed statement the next has run: {', '.join(found['described'])}"


def _invoked(bench: Bench) -> Mapping[str, Any]:
    """What the function that runs SQL has answered to a scratch machine."""
    own = bench.functions
    return own.noted(lambda: _invoking(own), f"{own.name}-{MACHINE}-functions")


def _invoking(own: Bench) -> State:
    submission = "ExecuteStatement"
    asked = [json.loads(one) for one in own.scheduled("invoke")]
    function = next(one["FunctionName"] for one in asked if one["Payload"]["operation"] == submission)

    def invoke(operation: str, request: dict[str, Any], note: str, **more: Any) -> State:
        payload = {"operation": operation, "request": request, **more}
        return task(own, "lambda:invoke", {"FunctionName": function, "Payload": payload}, note)

    batch = {**own.where, "Sqls": ["select 1", "select 1/0", "select 3"], "ExecutionMode": "AUTO_COMMIT"}
    answer, sent = "$states.result.Payload", {"sent": "{% $millis() %}", "wait": 60}
    states = {
        "malformed": invoke("DescribeStatement", {"Id": "x"}, f"{{% {answer} %}}"),
        "batch": invoke("BatchExecuteStatement", batch, f"{{% {answer}.Id %}}", **sent),
        "described": invoke(
            "DescribeStatement",
            {"Id": "{% $batch %}", "WaitTimeSeconds": LONG_POLL},
            f"{{% [{answer}.SubStatements.Status] %}}",
        ),
    }
    return chain({name: noting(name, one) for name, one in states.items()})


def waits(bench: Bench) -> str:
    """A task with upstreams in other branches waits by a token in the join table, or goes on at once; it runs once,
    behind them all."""
    seen = _ran(bench)
    joined = bench.functions.scheduled(f"{calls.UPDATE_JOIN_ITEM_AND_WAIT.action}.wait")
    expect(joined, "no task has asked whether it has to wait")
    tasks = bench.functions.tasks
    begun, ended = tasks[BOTH].started, [tasks[one].ended for one in (LEFT, RIGHT)]
    behind = begun and all(one and one <= begun for one in ended)
    expect(behind, f"{BOTH} began at {begun}, what it waits for ended at {ended}")
    return f"{len(joined)} asked whether to wait; {seen}"


def _ran(bench: Bench) -> str:
    run, tasks = bench.functions.first, bench.functions.tasks
    statuses = {name: (one.status, one.attempt) for name, one in tasks.items()}
    expect(run.succeeded, f"{run.status}: {run.cause}")
    expect(statuses == dict.fromkeys((LEFT, RIGHT, BOTH, BEHIND), ("succeeded", 1)), statuses)
    return f"{', '.join(tasks)} succeeded"
