"""The keys of a job.yaml: the one table of what authors may write.

Reading knows keys by it, checks have their choices and limits from it, docs/authoring.md shows it, and
``job.schema.json`` (:mod:`.schema`) tells editors. What holds where a key is left out is said by the classes of
:mod:`.parts`; the services' limits are those of :mod:`elt_redshift.protocol.limits`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from elt_redshift.job.parts import (
    AFTER_FAILURE,
    AUDIT_STORES,
    LAYOUTS,
    NEW_TOPIC,
    ON_TASK_FAILURE,
    PARAMETER_TYPES,
    RETRY_ON,
    RUNTIMES,
    SCHEDULED_FORMS,
    WAITS,
    WHEN_HELD,
    WHEN_LOCKED,
)
from elt_redshift.protocol.limits import MAX_ACTIVE_STATEMENTS, MAX_BATCH, MAX_STATEMENT_BYTES
from elt_redshift.protocol.policies import KINDS

MAX_RETRIES = 10
MAX_HISTORY_DAYS = 3650
MAX_BACKOFF = 10
#: Airflow's tags may have as many characters, and its owners more.
MAX_LABEL = 100
#: As long as Redshift's own names are, and a bit less than Airflow's task ids in a group of a DAG.
MAX_TASK_NAME = 128
#: The task of Airflow that starts a job's state machine.
START_TASK = "start_execution"
#: States that every generated state machine has, and tasks of its DAG.
RESERVED_TASK_NAMES = (START_TASK, "acquire_lock", "release_lock")
#: The task of Airflow that stands behind all groups of a job's tasks.
END_TASK = "end_execution"
#: To CloudFormation, an object with this one key is no object.
TEMPLATE_WORDS = ("Ref", "Condition")

#: What whole texts look like.
JOB_ID = r"[A-Za-z0-9_.-]{1,64}"
JOB_NAME = r"[a-z][a-z0-9_]{0,63}"
#: Of a schema, in the form that needs no quotes.
SCHEMA = r"[A-Za-z_][A-Za-z0-9_$]{0,126}"
#: Of a group of tasks, which names a task of Airflow.
GROUP = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
#: Of a task and of a parameter.
NAME = r"[A-Za-z][A-Za-z0-9_]*"
RATE = r"[1-9][0-9]{0,5}\s+(?:minute|hour|day)s?"
CRON = r"(?:\S+\s+){5}\S+"
TOPIC = r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}"
DURATION = r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key of a job.yaml.

    :param value: what it holds, in Markdown, for people.
    :param default: what holds where it is left out, in Markdown; empty: that goes without saying.
    :param schema: the JSON Schema of its value, as strict as a schema can be without refusing what is right.
    :param choices: the only values, where there are few.
    :param missing: what to do for whoever left it out; empty: it may be left out.
    """

    value: str
    default: str = ""
    schema: Mapping[str, Any] = field(default_factory=dict)
    choices: tuple[str, ...] = ()
    missing: str = ""


def _line(longest: int) -> dict[str, Any]:
    return {"type": "string", "maxLength": longest, "pattern": r"^[^\n]*$"}


_TEXT = {"type": "string"}
_FILLED = {"type": "string", "pattern": r"\S"}
_TIME = {"type": ["string", "null"], "pattern": rf"^(?=.){DURATION}$"}
_WAYS = "`long_poll`, `poll` or `event`"

JOB: Mapping[str, Key] = {
    "job_id": Key(
        value="text of 1 to 64 letters, digits, `_ . -`: the key of the job's item in the audit table. "
        'Quote numbers: `"101"`',
        default="required",
        schema={"type": "string", "pattern": f"^{JOB_ID}$"},
        missing='Add the key of the job\'s audit item, such as job_id: "101".',
    ),
    "name": Key(
        value="1 to 64 lower-case letters, digits, `_`, a letter first: names state machine, stack and DAG",
        default="required",
        schema={"type": "string", "pattern": f"^{JOB_NAME}$"},
        missing="Add a name, such as name: yearly_sales.",
    ),
    "description": Key(value="what the job does, for people. Airflow shows it", default="none", schema=_TEXT),
    "owner": Key(
        value=f"who answers for it, one line of at most {MAX_LABEL} characters. Airflow shows it",
        default="none",
        schema=_line(MAX_LABEL),
    ),
    "tags": Key(
        value=f"a list of texts of at most {MAX_LABEL} characters, by which Airflow's users find the DAG",
        default="none",
        schema={"type": "array", "items": {**_line(MAX_LABEL), "minLength": 1}},
    ),
    "parameters": Key(
        value="names, each with the keys [below](#keys-of-a-parameter), none of them required (`region: {}`)",
        default="none",
    ),
    "tasks": Key(value="names, each with the keys [below](#keys-of-a-task)", default="required"),
    "lock": Key(
        value="what happens when the job is locked, and after a failure: the keys [below](#keys-of-lock)",
        default="see there",
    ),
    "wait": Key(
        value="the `wait` of tasks that have none of their own",
        default="`long_poll`",
        choices=WAITS,
    ),
    "layout": Key(
        value="`unrolled`: every task has states of its own in the definition; `parts`: in one of several definitions; "
        "`map`: each runs in a child execution ([large jobs](graphs.md#large-jobs)); `auto`: unrolled while that fits "
        "Step Functions' limits, if need be with statements that are [followed](graphs.md#large-jobs), then in up to "
        "30 [parts](graphs.md#parts), then `map`",
        default="`auto`",
        choices=LAYOUTS,
    ),
    "on_task_failure": Key(
        value="`stop`: a failed task ends the run, its neighbours are aborted. `finish_independent`: what does not "
        "depend on it ends first ([how](graphs.md#failure-and-redrive))",
        default="`stop`",
        choices=ON_TASK_FAILURE,
    ),
    "max_active_statements": Key(
        value=f"at most so many of a run's statements are active at a time, 1 to {MAX_ACTIVE_STATEMENTS}, for "
        "warehouses with few slots ([how](graphs.md#so-many-statements-at-a-time))",
        default="as many as the graph allows",
        schema={"type": ["integer", "null"], "minimum": 1, "maximum": MAX_ACTIVE_STATEMENTS},
    ),
    "schedule": Key(
        value="when EventBridge Scheduler starts the job: `rate(5 minutes)`, `cron(30 5 * * ? *)`, or the keys "
        "[below](#keys-of-schedule)",
        default="when somebody starts it",
    ),
    "notify": Key(
        value="who is told of which runs: the keys [below](#keys-of-notify); `{}` for all their defaults",
        default="nobody",
    ),
    "history_days": Key(
        value=f"for so many days it is kept how runs and their tasks went, 1 to {MAX_HISTORY_DAYS}",
        default="`90`",
        schema={"type": "integer", "minimum": 1, "maximum": MAX_HISTORY_DAYS},
    ),
    "fence": Key(
        value="`true`: Redshift itself refuses what a run sends that has lost the lock, however late it arrives "
        "([how](locking.md#the-fence)). Or the name of the schema of the table that this needs, `true` being `public`",
        default="`false`",
        schema={"type": ["boolean", "string"], "pattern": f"^{SCHEMA}$"},
    ),
    "runtime": Key(
        value="`data_api`: Step Functions calls DynamoDB and the Data API itself; `lambda`: Lambda functions of the "
        "job's stack do, as in AWS's article, and wait for statements ([how](#lambda-functions))",
        default="`data_api`",
        choices=RUNTIMES,
    ),
    "audit_store": Key(
        value="where the job's audit item is: in a table of `dynamodb`, or, as a row, in one of the warehouse, "
        "`redshift` ([how](locking.md#the-audit-table-in-redshift))",
        default="`dynamodb`",
        choices=AUDIT_STORES,
    ),
}

LOCK: Mapping[str, Key] = {
    "when_locked": Key(
        value="another run holds the job: `skip` ends untouched, `wait` queues "
        "([in order](locking.md#in-which-order-waiting-runs-get-the-lock)), `fail` fails",
        default="`skip`",
        choices=WHEN_LOCKED,
    ),
    "after_failure": Key(
        value="`hold` keeps a failed job locked until a redrive or an unlock, `release` frees it",
        default="`hold`",
        choices=AFTER_FAILURE,
    ),
    "when_held": Key(
        value="a failed run holds the job: `fail` fails and says which failure, `skip` ends untouched, `wait` queues",
        default="`wait` where `when_locked` is `wait`, else `fail`",
        schema={"enum": [*WHEN_HELD, None]},
        choices=WHEN_HELD,
    ),
}

SCHEDULE: Mapping[str, Key] = {
    "rate": Key(
        value="every so often, counted from the deployment: a whole number and `minutes`, `hours` or `days`, such as "
        "`5 minutes`",
        schema={"type": ["string", "null"], "pattern": f"^{RATE}$"},
    ),
    "cron": Key(
        value="at certain times: minutes, hours, day of the month, month, day of the week, year, one of the days being "
        "`?`, such as `30 5 * * ? *` "
        "([how](https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based))",
        schema={"type": ["string", "null"], "pattern": rf"^\s*{CRON}\s*$"},
    ),
    "timezone": Key(
        value="by whose clock `cron` goes, an IANA name such as `Europe/Berlin`. A time that a change of the clock "
        "leaves out does not come, and one that it repeats comes once",
        default="`UTC`",
        schema={"type": ["string", "null"]},
    ),
    "enabled": Key(value="`false`: it is deployed, and starts nothing", default="`true`", schema={"type": "boolean"}),
    "parameters": Key(
        value="values of the job's parameters. `{scheduled: timestamp}`, `{scheduled: date}` or `{scheduled: year}` "
        "stands for the time that the run was scheduled for, in UTC",
        default="the parameters' defaults",
    ),
}

NOTIFY: Mapping[str, Key] = {
    "on": Key(
        value="a list of what is told: `failure` (a run failed, was stopped, or ran out of time), `held` (a run met "
        "the job held after a failure; once, then daily), `success`, `skipped` (a run met the job at work), "
        "`recovered` (the first success after a failure)",
        default="`[failure, held, recovered]`",
        schema={"type": "array", "items": {"enum": list(KINDS)}, "minItems": 1, "uniqueItems": True},
    ),
    "sns": Key(
        value="`new` makes an SNS topic in the job's stack; or the ARN of a standard topic that there is",
        default="`new`",
        schema={"type": "string", "pattern": f"^({NEW_TOPIC}|{TOPIC})$"},
    ),
    "alarms": Key(
        value="whether there are CloudWatch alarms, which tell by the same topic of failed and timed-out runs "
        "([which](operations.md#alarms))",
        default="`true`",
        schema={"type": "boolean"},
    ),
    "not_succeeded_for": Key(
        value="a number of the schedule's periods: one more alarm, when no run has done its work for so long, at most "
        "7 days ([more](operations.md#no-success-for-too-long))",
        default="none",
        schema={"type": ["integer", "null"], "minimum": 1},
    ),
}

#: Of a schedule's parameter.
SCHEDULED_VALUE = {
    "anyOf": [
        {"type": ["string", "number", "boolean"]},
        {
            "type": "object",
            "additionalProperties": False,
            "properties": {"scheduled": {"enum": list(SCHEDULED_FORMS)}},
            "required": ["scheduled"],
        },
    ]
}

PARAMETER: Mapping[str, Key] = {
    "default": Key(
        value="the value of a start that gives none",
        default="a value must be given at every start",
        schema={"type": ["string", "number", "boolean"], "minLength": 1},
    ),
    "type": Key(
        value="which values are right: `text`; `integer`, `number` (`12.5`, `1e6`); `boolean` (`true`, `false`); "
        "`date` (`1998-12-31`); `timestamp` (ISO 8601: `1998-12-31T23:59:59Z`; without an offset it is in UTC)",
        default="`text`",
        choices=PARAMETER_TYPES,
    ),
    "choices": Key(
        value="a list of the only values that are right",
        default="any of the type",
        schema={"type": ["array", "null"], "items": {"type": ["string", "number", "boolean"]}, "minItems": 1},
    ),
    "description": Key(value="what it is for", default="none", schema=_TEXT),
}

TASK: Mapping[str, Key] = {
    "sql": Key(
        value=f"a script: a file in the job's folder, UTF-8, up to {MAX_BATCH} statements of up to "
        f"{MAX_STATEMENT_BYTES:,} bytes",
        schema=_FILLED,
    ),
    "statement": Key(value="one statement, written here", schema=_FILLED),
    "call": Key(
        value="a stored procedure and its arguments, without `CALL`: `public.sp_load(:year)`",
        schema=_FILLED,
    ),
    "upstream": Key(
        value="list of the tasks that must succeed first",
        default="`[]`",
        schema={"type": ["array", "null"], "items": _TEXT, "uniqueItems": True},
    ),
    "retries": Key(
        value=f"how often a failed task is submitted again, 0 to {MAX_RETRIES}; or a mapping of the keys "
        "[below](#keys-of-retries)",
        default="`0`; see there for conflicts",
    ),
    "timeout": Key(
        value="`2h`, `1h30m`, `90m`, `30s`, at most `24h`; then the statement is cancelled and the attempt fails",
        default="24 hours, Redshift's own",
        schema=_TIME,
    ),
    "expected": Key(
        value="how long the task is likely to take, written as a `timeout` is; at most as long. `elt-redshift plan`, "
        "`layout: auto`, `max_active_statements` and [turns](graphs.md#turns) use it",
        default="what `plan --record` [recorded](plan.md); else 60 s, a guess",
        schema=_TIME,
    ),
    "transaction": Key(
        value="`true`: all statements of the task in one transaction; `false`: each is committed by itself",
        default="`true`",
        schema={"type": "boolean"},
    ),
    "wait": Key(
        value=f"how the state machine learns of a statement's end: {_WAYS}; see [below](#how-a-task-waits)",
        default="the job's",
        choices=WAITS,
    ),
    "group": Key(
        value="under which name Airflow shows the task where it shows a large job by groups "
        "([how](airflow.md#groups)): 1 to 128 letters, digits, `_ . -`",
        default="the folder of its SQL file, `marts.finance` for `marts/finance`; without one, the job's name",
        schema={"type": ["string", "null"], "pattern": f"^{GROUP}$"},
    ),
}

RETRIES: Mapping[str, Key] = {
    "times": Key(
        value=f"how often, 0 to {MAX_RETRIES}. Calls that AWS throttles are made again without counting",
        default="`0`",
        schema={"type": "integer", "minimum": 0, "maximum": MAX_RETRIES},
    ),
    "delay": Key(
        value="how long after the first failure, written as a `timeout` is; up to a quarter more, by chance",
        default="`30s`",
        schema=_TIME,
    ),
    "backoff": Key(
        value=f"how many times as long each further delay is, 1 to {MAX_BACKOFF}",
        default="`2`",
        schema={"type": "number", "minimum": 1, "maximum": MAX_BACKOFF},
    ),
    "max_delay": Key(value="the longest delay, at most `24h`", default="`10m`", schema=_TIME),
    "on": Key(
        value="a list of the failures that are retried: `conflict` (with another transaction, error 1023), `throttled` "
        "(too much to do), `connection` (lost), `any`",
        default="`[any]`",
        schema={"type": "array", "items": {"enum": list(RETRY_ON)}, "minItems": 1, "uniqueItems": True},
    ),
}


def rows(keys: Mapping[str, Key]) -> list[str]:
    """The keys as the rows of a Markdown table: key, value, default."""
    return [f"| `{name}` | {key.value} | {key.default} |".replace("|  |", "| |") for name, key in keys.items()]
