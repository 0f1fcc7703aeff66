"""What a person reads of a failure."""

from __future__ import annotations

import pytest

from elt_redshift.protocol.statements import NO_STATEMENT
from elt_redshift.runs import causes
from tests.unit.fake_step_functions import gate_failed

GATE = gate_failed("load: failed", "Task load failed: ERROR: no")

#: How Step Functions words the ends of executions, and what is made of that.
ENDS = {
    "a gate": ("States.QueryEvaluationError", GATE["cause"], "Task load failed: ERROR: no"),
    "a gate with more lines": (
        "States.QueryEvaluationError",
        gate_failed("load: failed", "ERROR: no\n  Detail: \n  ---\n  code: 8001")["cause"],
        "ERROR: no Detail: --- code: 8001",
    ),
    "a gate whose message looks like AWS's": (
        "States.QueryEvaluationError",
        gate_failed("x", "column \"D3137: a' specified for the field 'b\" is not there")["cause"],
        "column \"D3137: a' specified for the field 'b\" is not there",
    ),
    "a gate in a branch, without the state": (
        "States.QueryEvaluationError",
        GATE["cause"].partition("(entered at the event id #38). ")[2],
        "Task load failed: ERROR: no",
    ),
    "an error without a code": (
        "States.QueryEvaluationError",
        "The JSONata expression '$range(1, 9, 1)' specified for the field 'Output/v' threw an error during evaluation: "
        "Expression evaluation memory limit exceeded.",
        "Expression evaluation memory limit exceeded",
    ),
    "an expression over values of the wrong type": (
        "States.QueryEvaluationError",
        "The JSONata expression '$states.input.x < 3' specified for the field 'Choices[0]/Condition' threw an error "
        "during evaluation. T2010: The expressions either side of operator < must evaluate to numeric or string values",
        "what the state machine was given is not what it expects. Deploy the job again and start it anew",
    ),
    "a value that is not there": (
        "States.QueryEvaluationError",
        "An error occurred while executing the state 'a' (entered at the event id #3). The JSONata expression "
        "'$states.input.x' specified for the field 'Arguments/Sql' returned nothing (undefined).",
        "what the state machine was given is not what it expects. Deploy the job again and start it anew",
    ),
    "an internal error": (
        "States.QueryEvaluationError",
        "The JSONata expression '$x' specified for the field 'Output' threw an internal error during evaluation. "
        "7f3c1a52-0000-4000-8000-000000000000",
        "what the state machine was given is not what it expects. Deploy the job again and start it anew",
    ),
    "a time limit": ("States.Timeout", None, "it ran into a time limit"),
    "too much data": (
        "States.DataLimitExceeded",
        "The state/task 'a' returned a result with a size exceeding the maximum number of bytes service limit.",
        "the data of a state are larger than the 256 KiB that Step Functions allows",
    ),
    "the history is full": (
        "States.Runtime",
        "The execution reached the maximum number of history events (25000).",
        "it made more history events than the 25,000 that Step Functions allows. Start the job anew",
    ),
    "a right is missing": (
        "States.Permissions",
        "The role arn:aws:iam::1:role/r is not authorized to assume.",
        "the state machine could not go on: The role arn:aws:iam::1:role/r is not authorized to assume",
    ),
    "a fault of the definition": (
        "States.Runtime",
        "An error occurred while executing the state 'a' (entered at the event id #7). The JSONPath '$.x' specified "
        "for the field 'y.$' could not be found in the input '{}'",
        "the state machine could not go on",
    ),
    "a child of a Map Run": (
        "States.ExceedToleratedFailureThreshold",
        "The specified tolerated failure threshold was exceeded",
        "a task failed",
    ),
    "no job file": (
        "States.ItemReaderFailed",
        "Attempting to read a file that does not exist",
        "the job file could not be read. Deploy the job again",
    ),
    "the lock was lost": (
        "DynamoDB.ConditionalCheckFailedException",
        "The conditional request failed (Service: AmazonDynamoDBv2; Status Code: 400; Error Code: …; Proxy: null)",
        "the lock of the job is not this run's any more: another run took it over, somebody unlocked it, "
        "or another task had failed",
    ),
    "a refused call": (
        "DynamoDb.AccessDeniedException",
        "User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: dynamodb:UpdateItem (Service: DynamoDb, "
        "Status Code: 400, Request ID: 1) (SDK Attempt Count: 1)",
        "DynamoDB refused a call: User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: "
        "dynamodb:UpdateItem",
    ),
    "a call of the Data API": (
        "RedshiftData.InternalServerException",
        "Try again. (Service: RedshiftData, Status Code: 500)",
        "the Redshift Data API refused a call: Try again",
    ),
    "a Lambda function that failed": (
        "ValueError",
        '{"errorMessage": "No such table.", "errorType": "ValueError", "stackTrace": ["File x, line 1"]}',
        "No such table",
    ),
    "a refusal without words": ("Sfn.InvalidArn", None, "Step Functions refused a call: InvalidArn"),
    "a person's words": ("Stopped", "Ann needs the cluster.", "Ann needs the cluster"),
    "nothing": (None, None, "Step Functions gives no reason"),
}


@pytest.mark.parametrize("end", ENDS)
def test_the_end_of_an_execution_in_plain_words(end: str) -> None:
    """What Step Functions says becomes one line without the state machine's inner workings."""
    error, cause, words = ENDS[end]
    assert causes.in_plain_words(error, cause) == words
    assert causes.execution_ended("run", "FAILED", error, cause) == f"execution run failed: {words}"


def test_a_failed_task_in_one_line() -> None:
    """What failed, where, the database's message in one line, the statement, and what to do next."""
    said = causes.task_failed("load", "ERROR: no\n  Hint: Look.", "s-1:2", ["a.sql:1", "a.sql:9"], causes.CLEAR_TASK)
    assert said == "Task load failed at a.sql:9: ERROR: no Hint: Look (statement s-1:2). Mend it and clear the task."


@pytest.mark.parametrize("statement", [None, NO_STATEMENT])
def test_what_is_not_known_is_not_told(statement: str | None) -> None:
    """Without a statement, or places, or a message, the line is about what there is."""
    assert causes.task_failed("load", "no rights", statement, ["a.sql:1"]) == "Task load failed at a.sql:1: no rights."
    assert causes.task_failed("load", None, statement) == "Task load failed: nobody knows why."


def test_a_part_that_the_job_does_not_have_any_more_has_no_place() -> None:
    """A run may be older than the file that is looked at."""
    assert causes.where("s-1:3", ["a.sql:1"]) is None
