"""The AWS calls that generated state machines make, and when each is worth repeating.

Step Functions names the errors of its optimized DynamoDB integration ``DynamoDB.…Exception`` and those of SDK
integrations ``RedshiftData.…Exception`` and ``Sfn.…Exception``; ``States.TaskFailed`` stands for any of them
(https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html).
"""

from __future__ import annotations

from elt_redshift.asl.language.needs import CONNECTING, Need, Resource
from elt_redshift.asl.language.states import Call, Retry


def _call(service: str, action: str, on: Resource, *more: Need, waits: bool = False) -> Call:
    """:param on: what the action of the same name is taken on."""
    plain = service.removeprefix("aws-sdk:")
    prefix = _PREFIXES.get(plain, plain)
    own = Need(f"{prefix}:{action[0].upper()}{action[1:]}", on)
    return Call(service, action, (own, *more), waits)


#: IAM's names of services, where they are others.
_PREFIXES = {"sfn": "states", "redshiftdata": "redshift-data"}

UPDATE_ITEM = _call("dynamodb", "updateItem", "audit table")
GET_ITEM = _call("dynamodb", "getItem", "audit table")
UPDATE_HISTORY = _call("dynamodb", "updateItem", "history table")
QUERY_JOIN_ITEMS = _call("aws-sdk:dynamodb", "query", "join table")
QUERY_HISTORY = _call("aws-sdk:dynamodb", "query", "history table")
UPDATE_JOIN_ITEM = _call("dynamodb", "updateItem", "join table")
UPDATE_JOIN_ITEM_AND_WAIT = _call("aws-sdk:dynamodb", "updateItem", "join table", waits=True)
#: IAM knows no transactions: what they do to each item is allowed.
#: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
UPDATE_JOIN_ITEMS = Call("aws-sdk:dynamodb", "transactWriteItems", (Need("dynamodb:UpdateItem", "join table"),))
GET_JOIN_ITEMS = Call("aws-sdk:dynamodb", "transactGetItems", (Need("dynamodb:GetItem", "join table"),))
PUT_EVENTS = _call("events", "putEvents", "event bus")
PUBLISH = _call("sns", "publish", "topic")
PUT_METRIC_DATA = _call("aws-sdk:cloudwatch", "putMetricData", "own metrics")
GET_EXECUTION_HISTORY = _call("aws-sdk:sfn", "getExecutionHistory", "executions")
DESCRIBE_EXECUTION = _call("aws-sdk:sfn", "describeExecution", "executions")
LIST_EXECUTIONS = _call("aws-sdk:sfn", "listExecutions", "machine")
START_FOLLOWING = _call("aws-sdk:sfn", "startExecution", "machine behind ends")
START_EXECUTION = _call("aws-sdk:sfn", "startExecution", "machine")
SEND_MESSAGE = _call("sqs", "sendMessage", "missed starts")
SEND_TASK_SUCCESS = _call("aws-sdk:sfn", "sendTaskSuccess", "anything")
SEND_TASK_HEARTBEAT = _call("aws-sdk:sfn", "sendTaskHeartbeat", "anything")
START_FOLLOWER = _call("aws-sdk:sfn", "startExecution", "follower", waits=True)
#: Starts an execution, waits for its end, and stops it where the state is aborted.
#: https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
START_PART = Call(
    "states",
    "startExecution",
    (
        Need("states:StartExecution", "parts"),
        *(Need(f"states:{action}Execution", "executions of parts") for action in ("Describe", "Stop")),
        *(Need(f"events:{action}", "rule of ends") for action in ("PutTargets", "PutRule", "DescribeRule")),
    ),
    until_end=True,
)
DESCRIBE_PART = _call("aws-sdk:sfn", "describeExecution", "executions of parts")
#: Of the run itself, too.
GET_PART_HISTORY = Call(
    "aws-sdk:sfn",
    "getExecutionHistory",
    tuple(Need("states:GetExecutionHistory", on) for on in ("executions", "executions of parts")),
)
REDRIVE_PART = _call("aws-sdk:sfn", "redriveExecution", "executions of parts")
STOP_PART = _call("aws-sdk:sfn", "stopExecution", "executions of parts")
SEND_TASK_FAILURE = _call("aws-sdk:sfn", "sendTaskFailure", "anything")
EXECUTE_STATEMENT = _call("aws-sdk:redshiftdata", "executeStatement", "warehouse", *CONNECTING)
BATCH_EXECUTE_STATEMENT = _call("aws-sdk:redshiftdata", "batchExecuteStatement", "warehouse", *CONNECTING)
SUBMISSIONS = (EXECUTE_STATEMENT, BATCH_EXECUTE_STATEMENT)
DESCRIBE_STATEMENT = _call("aws-sdk:redshiftdata", "describeStatement", "anything")
CANCEL_STATEMENT = _call("aws-sdk:redshiftdata", "cancelStatement", "anything")
LIST_STATEMENTS = _call("aws-sdk:redshiftdata", "listStatements", "anything")

#: The functions of a job with ``runtime: lambda``, which make the calls of its other states.
INVOKE_SQL_FUNCTION = Call("lambda", "invoke", (Need("lambda:InvokeFunction", "sql function"),))
INVOKE_STATE_FUNCTION = Call("lambda", "invoke", (Need("lambda:InvokeFunction", "state function"),))

CONDITION_FAILED = "DynamoDB.ConditionalCheckFailedException"
#: The same from the SDK integration, by which tasks wait for joins.
NOTHING_TO_WAIT_FOR = "DynamoDb.ConditionalCheckFailedException"
#: An item of a transaction does not meet its condition; or another request for it is under way: the cause tells only.
TRANSACTION_CANCELED = "DynamoDb.TransactionCanceledException"
#: The wait that a token belongs to is over.
STALE_TOKEN = ("Sfn.TaskTimedOutException", "Sfn.TaskDoesNotExistException", "Sfn.InvalidTokenException")
#: What a task that waits for an event fails with when its statement has ended badly; the cause is the statement's id.
STATEMENT_FAILED = "StatementFailed"
#: No event within the state's TimeoutSeconds.
TIMEOUT = "States.Timeout"
#: The same where a state expects heartbeats, which nobody sends but to ask whether it still waits.
NO_HEARTBEAT = "States.HeartbeatTimeout"
#: Stands for every error but two, which end an execution: States.DataLimitExceeded and States.Runtime.
ANY_ERROR = "States.ALL"
#: An answer is larger than a state may have. States.ALL does not stand for it; whether a catcher that names it does,
#: AWS's documentation does not say.
TOO_LARGE = "States.DataLimitExceeded"
#: The Data API does not take the request, or the statement has ended.
INVALID = "RedshiftData.ValidationException"
#: The Data API has forgotten the statement: it ended more than 24 hours ago.
NO_SUCH_STATEMENT = "RedshiftData.ResourceNotFoundException"
NO_SUCH_EXECUTION = "Sfn.ExecutionDoesNotExistException"
#: The machine has, or in the last 90 days had, an execution of that name.
ALREADY_STARTED = "Sfn.ExecutionAlreadyExistsException"

#: An expression of the state has raised an error, or could not be evaluated.
NOT_EVALUATED = "States.QueryEvaluationError"


#: Second tries that are spread over more than so many seconds meet few others: the pauses need hardly grow then, and
#: the last of a crowd are not late.
_SHORT, _GENTLE = 4, 1.1


def _retry(*lasting: str, times: int = 6, interval: int = 1) -> tuple[Retry, ...]:
    """Whatever call fails is made again, unless with an error that lasts. An expression that raises an error is not a
    failed call."""
    backoff = _GENTLE if interval > _SHORT else 2.0
    again = Retry(("States.TaskFailed",), max_attempts=times, interval=interval, backoff=backoff)
    return (Retry((*lasting, NOT_EVALUATED), max_attempts=0), again)


#: Whatever call fails is made again.
RETRY = _retry()

#: DynamoDB: all but a failed condition is worth a few more tries, since every write is conditional on its owner.
DYNAMODB_RETRY = _retry(CONDITION_FAILED)

#: What an audit table in Redshift refuses for good: the row or the table is missing, or a right.
AUDIT_REFUSED = "AuditStore.RefusedException"
#: The audit item in Redshift: as patient as what submits to the same warehouse; or, where an execution may take five
#: minutes only, as with DynamoDB.
AUDIT_RETRY = _retry(CONDITION_FAILED, AUDIT_REFUSED, INVALID, times=12)
AUDIT_RETRY_OF_EXPRESS = _retry(CONDITION_FAILED, AUDIT_REFUSED, INVALID)

#: A wait for a join: the same under the SDK integration's name of the error.
JOIN_RETRY = _retry(NOTHING_TO_WAIT_FOR)

#: A transaction, which others of the same items cancel; and one with conditions, which makes way for one without.
TRANSACTION_RETRY = _retry(times=12)
CONDITIONAL_TRANSACTION_RETRY = _retry(TRANSACTION_CANCELED)

#: The Data API: throttling passes with time; a wrong request does not.
DATA_API_RETRY = _retry(INVALID, NO_SUCH_STATEMENT, times=12)


def submit_retry(call: Call, *lasting: str, interval: int = 1) -> tuple[Retry, ...]:
    """A submission: too many active statements pass with time, too. A repeated one carries the same ClientToken, so a
    lost response runs nothing twice.

    :param lasting: what else lasts, beside a refusal of the SQL.
    :param interval: within so many seconds the first repetition is made: those of many tasks spread over it.
    """
    refused = f"RedshiftData.{call.action[0].upper()}{call.action[1:]}Exception"
    return _retry(*lasting, INVALID, refused, times=12, interval=interval)


#: A start of an execution.
START_RETRY = _retry(ALREADY_STARTED, "Sfn.StateMachineDoesNotExistException")

#: An answer to a task token: a stale one stays stale.
TOKEN_RETRY = _retry(*STALE_TOKEN)

#: A redrive of an execution: one that runs, or cannot be redriven, is asked about.
REDRIVE_RETRY = _retry("Sfn.ExecutionNotRedrivableException", NO_SUCH_EXECUTION)

#: A look at an execution that may never have been started, and a stop.
LEFT_PART_RETRY = _retry(NO_SUCH_EXECUTION)

#: DescribeExecution is eventually consistent: an execution that started just now may not be there yet.
DESCRIBE_EXECUTION_RETRY = (
    Retry((NO_SUCH_EXECUTION,), max_attempts=3, interval=5),
    Retry(("States.TaskFailed",), max_attempts=6),
)

#: The items of a Distributed Map could not be read, so that no child was started yet.
ITEMS_RETRY = (Retry(("States.ItemReaderFailed",), max_attempts=6),)
