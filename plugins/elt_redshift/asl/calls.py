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
UPDATE_ITEM_AND_WAIT = Call("aws-sdk:dynamodb", "updateItem", "dynamodb:UpdateItem", waits=True)
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
#: Stands for every error.
ANY_ERROR = "States.ALL"
#: The Data API does not take the request, or the statement has ended.
INVALID = "RedshiftData.ValidationException"
#: The Data API has forgotten the statement: it ended more than 24 hours ago.
NO_SUCH_STATEMENT = "RedshiftData.ResourceNotFoundException"
NO_SUCH_EXECUTION = "Sfn.ExecutionDoesNotExistException"

#: An expression of the state has raised an error, or could not be evaluated.
NOT_EVALUATED = "States.QueryEvaluationError"


def _retry(*lasting: str, times: int = 6) -> tuple[Retry, ...]:
    """Whatever call fails is made again, unless with an error that lasts. An expression that raises an error is not a
    failed call."""
    return (Retry((*lasting, NOT_EVALUATED), max_attempts=0), Retry(("States.TaskFailed",), max_attempts=times))


#: DynamoDB: all but a failed condition is worth a few more tries, since every write is conditional on its owner.
DYNAMODB_RETRY = _retry(CONDITION_FAILED)

#: A wait for a join: the same under the SDK integration's name of the error.
JOIN_RETRY = _retry(NOTHING_TO_WAIT_FOR)

#: The Data API: throttling passes with time; a wrong request does not.
DATA_API_RETRY = _retry(INVALID, NO_SUCH_STATEMENT, times=12)

_REFUSED = (
    INVALID,
    "RedshiftData.ExecuteStatementException",
    "RedshiftData.BatchExecuteStatementException",
)

#: A submission: too many active statements pass with time, too. A repeated one carries the same ClientToken, so a lost
#: response runs nothing twice.
SUBMIT_RETRY = _retry(*_REFUSED, times=12)

#: One that waits for an event, which may tell that the statement has failed.
EVENT_RETRY = _retry(STATEMENT_FAILED, *_REFUSED, times=12)

#: An answer to a task token: a stale one stays stale.
TOKEN_RETRY = _retry(*STALE_TOKEN)

#: DescribeExecution is eventually consistent: an execution that started just now may not be there yet.
DESCRIBE_EXECUTION_RETRY = (
    Retry((NO_SUCH_EXECUTION,), max_attempts=3, interval=5),
    Retry(("States.TaskFailed",), max_attempts=6),
)
