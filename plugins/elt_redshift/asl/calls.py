"""The AWS calls that generated state machines make, and when each is worth repeating.

Step Functions names the errors of its optimized DynamoDB integration ``DynamoDB.…Exception`` and those of SDK
integrations ``RedshiftData.…Exception`` and ``Sfn.…Exception``; ``States.TaskFailed`` stands for any of them
(https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html).
"""

from __future__ import annotations

from elt_redshift.asl.states import Call, Retry

UPDATE_ITEM = Call("dynamodb", "updateItem", "dynamodb:UpdateItem")
GET_ITEM = Call("dynamodb", "getItem", "dynamodb:GetItem")
DESCRIBE_EXECUTION = Call("aws-sdk:sfn", "describeExecution", "states:DescribeExecution")
EXECUTE_STATEMENT = Call("aws-sdk:redshiftdata", "executeStatement", "redshift-data:ExecuteStatement")
BATCH_EXECUTE_STATEMENT = Call("aws-sdk:redshiftdata", "batchExecuteStatement", "redshift-data:BatchExecuteStatement")
DESCRIBE_STATEMENT = Call("aws-sdk:redshiftdata", "describeStatement", "redshift-data:DescribeStatement")
CANCEL_STATEMENT = Call("aws-sdk:redshiftdata", "cancelStatement", "redshift-data:CancelStatement")
UPDATE_ITEM_AND_WAIT = Call("aws-sdk:dynamodb", "updateItem.waitForTaskToken", "dynamodb:UpdateItem")
SEND_TASK_SUCCESS = Call("aws-sdk:sfn", "sendTaskSuccess", "states:SendTaskSuccess")
SEND_TASK_FAILURE = Call("aws-sdk:sfn", "sendTaskFailure", "states:SendTaskFailure")
LIST_STATEMENTS = Call("aws-sdk:redshiftdata", "listStatements", "redshift-data:ListStatements")

CONDITION_FAILED = "DynamoDB.ConditionalCheckFailedException"
#: The same from the SDK integration, by which tasks wait for joins.
NOTHING_TO_WAIT_FOR = "DynamoDb.ConditionalCheckFailedException"
#: The wait that a token belongs to is over.
STALE_TOKEN = ("Sfn.TaskTimedOutException", "Sfn.TaskDoesNotExistException", "Sfn.InvalidTokenException")
#: What a task that waits for an event fails with when its statement has ended badly; the cause is the statement's id.
STATEMENT_FAILED = "StatementFailed"
#: No event within the state's TimeoutSeconds.
TIMEOUT = "States.Timeout"
NO_SUCH_EXECUTION = "Sfn.ExecutionDoesNotExistException"

#: DynamoDB: all but a failed condition is worth a few more tries, since every write is conditional on its owner.
DYNAMODB_RETRY = (
    Retry((CONDITION_FAILED,), max_attempts=0),
    Retry(("States.TaskFailed",), max_attempts=6),
)

#: A wait for a join: the same under the SDK integration's name of the error.
JOIN_RETRY = (
    Retry((NOTHING_TO_WAIT_FOR,), max_attempts=0),
    Retry(("States.TaskFailed",), max_attempts=6),
)

#: The Data API: throttling and too many active statements pass with time; a wrong request does not. A repeated
#: submission carries the same ClientToken, so a lost response runs nothing twice.
DATA_API_RETRY = (
    Retry(
        (
            "RedshiftData.ValidationException",
            "RedshiftData.ResourceNotFoundException",
            "RedshiftData.ExecuteStatementException",
            "RedshiftData.BatchExecuteStatementException",
        ),
        max_attempts=0,
    ),
    Retry(("States.TaskFailed",), max_attempts=12),
)

#: An expression of the state has raised an error, or could not be evaluated.
NOT_EVALUATED = "States.QueryEvaluationError"

#: The same for a call whose answer may be refused by the state's own Output.
FINISH_RETRY = (Retry((NOT_EVALUATED,), max_attempts=0), *DATA_API_RETRY)

#: The same for a submission that waits for an event. What ends the wait, and what keeps a redriven execution from
#: submitting, is no failed call.
EVENT_RETRY = (Retry((STATEMENT_FAILED, NOT_EVALUATED), max_attempts=0), *DATA_API_RETRY)

#: An answer to a task token: a stale one stays stale.
TOKEN_RETRY = (Retry(STALE_TOKEN, max_attempts=0), Retry(("States.TaskFailed",), max_attempts=6))

#: DescribeExecution is eventually consistent: an execution that started just now may not be there yet.
DESCRIBE_EXECUTION_RETRY = (
    Retry((NO_SUCH_EXECUTION,), max_attempts=3, interval=5),
    Retry(("States.TaskFailed",), max_attempts=6),
)
