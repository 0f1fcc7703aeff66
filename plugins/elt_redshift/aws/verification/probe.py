"""Checks of what Step Functions makes of calls, errors and expressions: the states of one scratch state machine.

Each state notes what it has got, or the error that it was caught by, in a variable; the output of the one execution has
them all. The machine runs as the role of the scratch stack, in another session than the scratch run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from uuid import uuid4

from elt_redshift.asl.language import calls
from elt_redshift.aws.template.machine import MACHINE
from elt_redshift.aws.verification.bench import Bench, NotShownError, expect
from elt_redshift.aws.verification.jobs import GOOD, TOLD
from elt_redshift.protocol import audit, dynamodb
from elt_redshift.protocol.owners import Owner
from elt_redshift.protocol.statements import ANY, beginning
from elt_redshift.protocol.writes import Absent, Given, Present, Write

ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z"
#: Its digest is that of its UTF-8 bytes.
TEXT = "elt é"

State = dict[str, Any]


def seen(bench: Bench) -> Mapping[str, Any]:
    """What the states have noted, by their names."""
    return bench.noted(lambda: definition(bench), f"{bench.name}-{MACHINE}-probe")


def definition(bench: Bench) -> State:
    """The machine with all states that are looked at here."""
    return chain(_states(bench))


def chain(states: dict[str, State]) -> State:
    """A chain of states, and their notes as its output."""
    behind = dict(zip(states, [*list(states)[1:], "notes"], strict=True))
    made = {name: {**one, **_onwards(name, one, behind[name])} for name, one in states.items()}
    notes = "{% {" + ", ".join(f"'{name}': ${name}" for name in states) + "} %}"
    end = {"notes": {"Type": "Pass", "Output": notes, "End": True}}
    return {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": {**made, **end}}


def _onwards(name: str, state: State, after: str) -> State:
    """To the next state, whatever happens; which catcher it was tells what stands for what."""
    catchers = [
        {"ErrorEquals": [error], "Assign": {name: _caught(error)}, "Next": after} for error in _CATCHERS[name == "late"]
    ]
    return {"Next": after, **({"Catch": catchers} if state["Type"] == "Task" else {})}


#: In the order of ours; and, for the state that shows what TaskFailed stands for, with that first.
_CATCHERS = (
    ("States.QueryEvaluationError", "States.TaskFailed", "States.Timeout", "States.ALL"),
    ("States.TaskFailed", "States.QueryEvaluationError", "States.Timeout", "States.ALL"),
)


def _caught(by: str) -> State:
    return {"by": by, "error": "{% $states.errorOutput.Error %}", "cause": "{% $string($states.errorOutput.Cause) %}"}


def task(bench: Bench, resource: str, arguments: Any, note: str = "{% $states.result %}", **more: Any) -> State:
    """A state that calls a service, and what it notes of the answer."""
    partition = bench.account.client("stepfunctions").meta.partition
    resource = f"arn:{partition}:states:::{resource}"
    return {"Type": "Task", "Resource": resource, "Arguments": arguments, "note": note, **more}


def _states(bench: Bench) -> dict[str, State]:
    (submitted,) = bench.submissions(GOOD)
    statement = str(submitted["Id"])
    key, table = audit.key(f"{bench.name}-probe"), bench.table
    refused = dynamodb.update(table, key, Write(sets={"Seen": _TEXT}, demands=Present("Nothing")), {"text": "x"})
    token = dynamodb.update(table, key, Write(sets={"Waits": _TEXT}), {"text": _MINE})
    unmet = dynamodb.update(table, key, Write(sets={"Waits": _TEXT}, demands=Present("Nothing")), {"text": _MINE})
    nobody = bench.first.arn.rpartition(":")[0] + ":nobody"
    prefix = "".join(beginning(bench.job.job_id, Owner(bench.first.arn).label))
    attempt = f"{prefix}{TOLD}/1"
    get = dynamodb.get(table, key)
    items = [audit.key(f"{bench.name}-{name}") for name in _ITEMS]
    told = [dynamodb.update(table, one, Write(sets={"Seen": _TEXT, "Told": _COUNT}), _SAID) for one in items]
    unheard = dynamodb.update(table, items[0], Write(sets={"Seen": _TEXT}, demands=Present("Nothing")), {"text": "x"})
    asked = [{"Get": {"TableName": table, "Key": dynamodb.get(table, one)["Key"]}} for one in items]
    number = f"{{% '{bench.name}-try-' & $string($states.context.State.RetryCount) %}}"
    again = dynamodb.update(
        table, audit.key(number), Write(sets={"Seen": _TEXT}, demands=Absent("Seen")), {"text": "x"}
    )
    once_more = [{"ErrorEquals": [calls.CONDITION_FAILED], "IntervalSeconds": 1, "MaxAttempts": 1}]
    states = {
        "refused": task(bench, "dynamodb:updateItem", refused),
        "nobody": task(bench, "aws-sdk:sfn:describeExecution", {"ExecutionArn": nobody}),
        "malformed": task(bench, "aws-sdk:redshiftdata:describeStatement", {"Id": "x"}),
        "forgotten": task(bench, "aws-sdk:redshiftdata:describeStatement", {"Id": str(uuid4())}),
        "output": task(bench, "dynamodb:getItem", get, Output="{% $error('our words') %}"),
        "late": task(bench, "dynamodb:getItem", get, Output="{% $error('our words') %}"),
        "arguments": task(bench, "dynamodb:getItem", "{% $error('our words') %}"),
        "unmet": task(bench, "aws-sdk:dynamodb:updateItem.waitForTaskToken", unmet, TimeoutSeconds=60),
        "stale": task(bench, "aws-sdk:sfn:sendTaskSuccess", {"TaskToken": "none", "Output": "{}"}),
        "waited": task(bench, "aws-sdk:dynamodb:updateItem.waitForTaskToken", token, TimeoutSeconds="{% 1 %}"),
        "ended": task(bench, "aws-sdk:sfn:describeExecution", {"ExecutionArn": bench.first.arn}, _note("StopDate")),
        "statement": task(bench, "aws-sdk:redshiftdata:describeStatement", {"Id": statement}, _note("CreatedAt")),
        "listed": task(
            bench,
            "aws-sdk:redshiftdata:listStatements",
            {"StatementName": prefix, "Status": ANY, "RoleLevel": True},
            "{% [$states.result.Statements.CreatedAt] %}",
        ),
        "named": task(
            bench,
            "aws-sdk:redshiftdata:listStatements",
            {"StatementName": attempt, "Status": ANY, "RoleLevel": True},
            f"{{% [$states.result.Statements.($length(StatementName) - {len(attempt)})] %}}",
        ),
        "cancelled": task(bench, "aws-sdk:redshiftdata:cancelStatement", {"Id": statement}),
        "told": task(
            bench, "aws-sdk:dynamodb:transactWriteItems", {"TransactItems": [{"Update": one} for one in told]}
        ),
        "untold": task(
            bench, "aws-sdk:dynamodb:transactWriteItems", {"TransactItems": [{"Update": told[1]}, {"Update": unheard}]}
        ),
        "read": task(
            bench,
            "aws-sdk:dynamodb:transactGetItems",
            {"TransactItems": asked},
            "{% [$states.result.Responses.Item.JobID.S] %}",
        ),
        "retried": task(bench, "dynamodb:updateItem", again, Retry=once_more),
    }
    tasks = {name: noting(name, one) for name, one in states.items()}
    digest = {"hash": f"{{% $hash('{TEXT}', 'SHA-256') %}}", "time": "{% $fromMillis($millis() - 60000) %}"}
    return {**tasks, "digest": {"Type": "Wait", "Seconds": 0, "Assign": {"digest": digest}}}


_TEXT, _COUNT = Given("text"), Given("count", "number")
_SAID = {"text": "x", "count": "1"}
#: Items of a transaction, in another order than that of their names.
_ITEMS = ("try-0", "first")
_MINE = "{% $states.context.Task.Token %}"


def _note(member: str) -> str:
    return f"{{% $states.result.{member} %}}"


def noting(name: str, task: State) -> State:
    """The same as Step Functions takes it."""
    return {**{key: value for key, value in task.items() if key != "note"}, "Assign": {name: task["note"]}}


def _error(bench: Bench, state: str, wanted: str, by: str = "States.TaskFailed") -> str:
    found = seen(bench)[state]
    expect(isinstance(found, dict) and found.get("error") == wanted, found)
    expect(found["by"] == by, f"{found['error']} is caught by {found['by']}")
    return str(found["error"])


def names_of_errors(bench: Bench) -> str:
    """Errors of the optimized integration begin with DynamoDB, of the others with Sfn and RedshiftData."""
    wanted = {
        "refused": "DynamoDB.ConditionalCheckFailedException",
        "nobody": "Sfn.ExecutionDoesNotExistException",
        "malformed": "RedshiftData.ValidationException",
    }
    return ", ".join(_error(bench, state, error) for state, error in wanted.items())


def names_of_tokens_errors(bench: Bench) -> str:
    """A condition that fails while a token is to be waited for is a DynamoDb error, and a stale token one of three."""
    condition = _error(bench, "unmet", "DynamoDb.ConditionalCheckFailedException")
    refused = seen(bench)["stale"]
    if "AccessDenied" in str(refused) or "not authorized" in str(refused):
        raise NotShownError(f"The scratch role may not send tokens; a condition that fails is {condition}")
    expect(isinstance(refused, dict) and refused["error"] in calls.STALE_TOKEN, refused)
    return f"{condition}, {refused['error']}"


def unknown_statement(bench: Bench) -> str:
    """describeStatement of a statement that the Data API does not know fails by that name."""
    return _error(bench, "forgotten", "RedshiftData.ResourceNotFoundException")


def raising_output(bench: Bench) -> str:
    """An error that Output raises is caught by QueryEvaluationError, where that stands before TaskFailed."""
    said = _error(bench, "output", "States.QueryEvaluationError", "States.QueryEvaluationError")
    stands = seen(bench)["late"]["by"] == "States.TaskFailed"
    return f"{said}; States.TaskFailed {'stands' if stands else 'does not stand'} for it"


def raising_arguments(bench: Bench) -> str:
    """An error that Arguments raise is a QueryEvaluationError, with our words in its cause."""
    said = _error(bench, "arguments", "States.QueryEvaluationError", "States.QueryEvaluationError")
    cause = seen(bench)["arguments"]["cause"]
    expect("our words" in cause, cause)
    return f"{said}: {cause}"


def late_token(bench: Bench) -> str:
    """A wait for a token that is too long fails with Timeout, for which TaskFailed does not stand."""
    return _error(bench, "waited", "States.Timeout", "States.Timeout")


def digests(bench: Bench) -> str:
    """$hash gives the digest of a text's UTF-8 bytes, and $fromMillis ISO 8601 with milliseconds."""
    found = seen(bench)["digest"]
    expect(found["hash"] == sha256(TEXT.encode()).hexdigest(), found)
    expect(re.fullmatch(ISO, found["time"]), found)
    return f"{found['hash'][:8]}…, {found['time']}"


def _time(bench: Bench, state: str) -> str:
    found = seen(bench)[state]
    expect(isinstance(found, str) and re.fullmatch(ISO, found), found)
    return str(found)


def end_of_execution(bench: Bench) -> str:
    """describeExecution inside Step Functions gives StopDate as ISO 8601 text."""
    return _time(bench, "ended")


def beginning_of_statement(bench: Bench) -> str:
    """describeStatement inside Step Functions gives CreatedAt as ISO 8601 text."""
    return _time(bench, "statement")


def ended_statements(bench: Bench) -> str:
    """listStatements with Status ALL finds ended ones by the beginning of their names, with CreatedAt as text."""
    found = seen(bench)["listed"]
    expect(isinstance(found, list) and found and all(re.fullmatch(ISO, str(one)) for one in found), found)
    return f"{len(found)}, the first of {found[0]}"


def names_with_tokens(bench: Bench) -> str:
    """A statement whose name ends in a task's token is listed to the role that submitted it, by what stands before."""
    found = seen(bench)["named"]
    expect(isinstance(found, list) and len(found) == 1 and found[0] > 1, found)
    return f"1, with {found[0]} characters behind the attempt"


def transactions(bench: Bench) -> str:
    """transactWriteItems takes values of the types S and N, and is cancelled where a condition fails; transactGetItems
    answers in the order of its request."""
    told, found = seen(bench)["told"], seen(bench)["read"]
    expect(isinstance(told, dict) and "error" not in told, told)
    expect(found == [f"{bench.name}-{name}" for name in _ITEMS], found)
    return f"{_error(bench, 'untold', calls.TRANSACTION_CANCELED)}; {', '.join(found)}"


def retried_arguments(bench: Bench) -> str:
    """A retry of a Task evaluates its Arguments anew."""
    found = seen(bench)["retried"]
    expect(isinstance(found, dict) and "error" not in found, found)
    return "the second try named another item than the first, which was refused"


def of_another_session(bench: Bench) -> str:
    """The role may describe, list and cancel statements of earlier executions."""
    beginning_of_statement(bench), ended_statements(bench)
    found = seen(bench)["cancelled"]
    expect("AccessDenied" not in str(found) and "not authorized" not in str(found), found)
    return f"described, listed; cancelling one that has ended: {found.get('error') or found}"
