"""Why something failed, in one line for a person: what, where, the database's message, what to do next.

Whatever shows a failure (logs, callbacks, the command line, the audit table) takes its words from here. What Step
Functions says of an execution's end is read by :func:`in_plain_words` and nowhere else: of a failed gate
(:func:`elt_redshift.asl.language.jsonata.gate`) it says, with the message at the end::

    An error occurred while executing the state 'load: failed' (entered at the event id #38). The JSONata expression
    '…' specified for the field 'Choices[0]/Condition' threw an error during evaluation. D3137: Task load failed: ERROR…

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from elt_redshift.protocol import executions, messages, statements
from elt_redshift.protocol.limits import MAX_EVENTS

#: What to do about a failed task of a job in Airflow, and of a statement that a DAG itself holds.
CLEAR_JOB = "Mend it, deploy the job if its SQL has changed, and clear the failed tasks."
CLEAR_TASK = "Mend it and clear the task."

_STATE = re.compile(r"An error occurred while executing the state '.*?' \(entered at the event id #\d+\)\. ", re.DOTALL)
#: Behind a code of JSONata's there is a full stop, else a colon.
_RAISED = re.compile(
    r"The JSONata expression '.*?' specified for the field '[^']*' threw an error during evaluation[.:] "
    r"(?:(?P<code>[A-Z]\d{4}): )?(?P<message>.*)",
    re.DOTALL,
)
#: The code of what ``$error`` raises: a message of ours. Others are about expressions.
_OF_ERROR = "D3137"
#: What the SDK adds to the words of a service.
_OF_THE_SDK = re.compile(rf"(?:{'|'.join(map(re.escape, messages.OF_THE_SDK))}).*\Z", re.DOTALL)
_HISTORY_FULL = "maximum number of history events"
_INNER_WORKINGS = re.compile(messages.INNER_WORKINGS)
_SERVICES = {
    "DynamoDB": "DynamoDB refused a call",
    "DynamoDb": "DynamoDB refused a call",
    "RedshiftData": "the Redshift Data API refused a call",
    "Sfn": "Step Functions refused a call",
    "S3": "S3 refused a call",
}
_TOO_LONG = f"it made more history events than the {MAX_EVENTS:,} that Step Functions allows. Start the job anew"

#: Messages name at most so many tasks.
MAX_NAMED = 10


def named(tasks: Sequence[str]) -> str:
    """The tasks as a message lists them."""
    more = f" and {len(tasks) - MAX_NAMED} more" if len(tasks) > MAX_NAMED else ""
    return f"{', '.join(tasks[:MAX_NAMED])}{more}"


def task_failed(
    task: str | None,
    message: str | None,
    statement: str | None = None,
    places: Sequence[str] = (),
    remedy: str = "",
) -> str:
    """A task that failed.

    :param task: None: the run failed, or was stopped, in no task.
    :param message: the database's.
    :param statement: its id; of a failed batch, that of the part that failed.
    :param places: where each of the task's statements stands, such as ``load_fact.sql:12``.
    :param remedy: what to do next, in sentences.
    """
    at = where(statement, places)
    submitted = f" (statement {statement})" if statements.submitted(statement) else ""
    subject = "The run" if task is None else f"Task {task}"
    failed = f"{subject} failed{f' at {at}' if at else ''}: {_clause(message or 'nobody knows why')}{submitted}."
    return f"{failed} {remedy}".strip()


def run_stopped(task: str | None, why: str) -> str:
    """A run that was stopped.

    :param task: at which it was; None: between tasks.
    :param why: who did it and why, as the audit item has it, in a sentence of its own.
    """
    return f"The run was stopped{f' in task {task}' if task else ''}. {_clause(why)}."


def where(statement: str | None, places: Sequence[str]) -> str | None:
    """Where the statement stands that failed; the first one, where none was submitted."""
    number = (statement or "").partition(":")[2]
    if not number:
        return next(filter(None, places), None)
    return places[int(number) - 1] if int(number) <= len(places) else None


def task_stopped(task: str, begun: bool, because: str, remedy: str = "") -> str:
    """A task that was stopped, or did not even start, because something else ended.

    :param because: :func:`other_failed` or :func:`execution_ended`.
    """
    return f"Task {task} {'was stopped' if begun else 'did not start'}, because {because}. {remedy}".strip()


def other_failed(task: str, message: str | None) -> str:
    """The failure of another task, as a clause."""
    return f"{task} failed: {_clause(message or 'nobody knows why')}"


def execution_ended(name: str, status: str, error: str | None, cause: str | None) -> str:
    """How an execution ended without success, as a clause.

    :param status: FAILED, ABORTED or TIMED_OUT.
    :param error: as DescribeExecution gives it, like ``cause``.
    """
    match status:
        case executions.ABORTED:
            reason = in_plain_words(None, cause) if cause else "somebody stopped it, and gave no reason"
            return f"execution {name} was stopped: {reason}"
        case executions.TIMED_OUT:
            return f"execution {name} ran into its time limit"
        case _:
            return f"execution {name} failed: {in_plain_words(error, cause)}"


def untold(name: str) -> str:
    """What became of the tasks of an execution is not known, as a clause."""
    return (
        f"what told of the tasks of execution {name} went when the job was deployed anew, and nothing is kept of them"
    )


def in_plain_words(error: str | None, cause: str | None) -> str:
    """The error and cause of an execution as a clause that tells what a person can use, and none of the state machine's
    inner workings."""
    own, said = (error or "").removeprefix("States."), _STATE.sub("", _of_lambda(cause or ""), count=1)
    if (raised := _RAISED.fullmatch(said)) and raised["code"] in (None, _OF_ERROR):
        return _clause(raised["message"])
    if _HISTORY_FULL in said:
        return _TOO_LONG
    if own != (error or "") and own != "TaskFailed":
        clause = messages.OWN_ERRORS.get(own)
        return clause or _with_words("the state machine could not go on", said)
    service, _, name = own.partition(".")
    if name == "ConditionalCheckFailedException":
        return messages.LOCK_LOST
    if service in _SERVICES:
        return _with_words(_SERVICES[service], said or name)
    return _with_words("", said) or "Step Functions gives no reason"


def _of_lambda(cause: str) -> str:
    """The message of a function that failed, without its exception's class and traceback; any other cause as it is.

    https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
    """
    try:
        given = json.loads(cause)
    except ValueError:
        return cause
    return str(given["errorMessage"]) if isinstance(given, dict) and "errorMessage" in given else cause


def _with_words(clause: str, said: str) -> str:
    """``clause`` with the words of AWS behind it, unless those are about the state machine's inner workings."""
    said = _clause(_OF_THE_SDK.sub("", said))
    return ": ".join(part for part in (clause, "" if _INNER_WORKINGS.search(said) else said) if part)


def _clause(text: str) -> str:
    """``text`` in one line, without a full stop at its end."""
    return " ".join(text.split()).removesuffix(".")
