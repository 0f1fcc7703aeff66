"""What an ELT job is made of: frozen, plain, picklable data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

from elt_redshift.protocol.policies import HOLD, AfterFailure, Kind

WhenLocked = Literal["skip", "wait", "fail"]
WhenHeld = Literal["fail", "skip", "wait"]
OnTaskFailure = Literal["stop", "finish_independent"]
Wait = Literal["long_poll", "poll", "event"]
Layout = Literal["auto", "unrolled", "parts", "map"]
Runtime = Literal["data_api", "lambda"]
AuditStore = Literal["dynamodb", "redshift"]
SourceKind = Literal["sql", "statement", "call"]
RetryOn = Literal["conflict", "throttled", "connection", "any"]
ParameterType = Literal["text", "integer", "number", "boolean", "date", "timestamp"]
ScheduledForm = Literal["timestamp", "date", "year"]

WHEN_LOCKED: tuple[WhenLocked, ...] = get_args(WhenLocked)
AFTER_FAILURE: tuple[AfterFailure, ...] = get_args(AfterFailure)
WHEN_HELD: tuple[WhenHeld, ...] = get_args(WhenHeld)
ON_TASK_FAILURE: tuple[OnTaskFailure, ...] = get_args(OnTaskFailure)
WAITS: tuple[Wait, ...] = get_args(Wait)
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
RUNTIMES: tuple[Runtime, ...] = get_args(Runtime)
AUDIT_STORES: tuple[AuditStore, ...] = get_args(AuditStore)
SOURCE_KINDS: tuple[SourceKind, ...] = get_args(SourceKind)
RETRY_ON: tuple[RetryOn, ...] = get_args(RetryOn)
PARAMETER_TYPES: tuple[ParameterType, ...] = get_args(ParameterType)
SCHEDULED_FORMS: tuple[ScheduledForm, ...] = get_args(ScheduledForm)

#: Stands for the topic that a job's stack makes for it.
NEW_TOPIC = "new"

#: How long a task is taken to run that says nothing about it, unless its timeout is shorter.
GUESS = timedelta(seconds=60)

_NOT_IN_GROUPS = re.compile(r"[^A-Za-z0-9_.-]")

#: The keys of a task that are durations, and what messages call them.
DURATIONS = {"timeout": "timeout", "expected": "expected time"}

#: The same of its retries.
RETRY_DURATIONS = {"delay": "delay of the retries", "max_delay": "longest delay of the retries"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A value given when the job starts, bound to ``:name`` in the SQL.

    :param default: used when none is given; ``None`` means that one must be given.
    :param type: which texts are right (:mod:`.parameters`), and what trigger forms ask for.
    :param description: what it is for, for those who start the job.
    :param choices: the only values that it may have; ``None``: any of its type.
    """

    name: str
    default: str | None = None
    type: ParameterType = "text"
    description: str = ""
    choices: tuple[str, ...] | None = None


class Stored(Protocol):
    """Where the text of a statement is kept."""

    def read(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlStatement:
    """One statement as Redshift will get it.

    :param parameters: names of the ``:name`` parameters it refers to, each once, in order of first use.
    :param place: where it stands, for messages: ``load_supplier.sql:12`` or ``tasks.load_supplier.statement``.
    :param stored: where its text is, of a packaged job's statement, see :meth:`kept`.
    """

    text: str
    parameters: tuple[str, ...] = ()
    place: str = ""
    stored: Stored | None = field(default=None, repr=False, compare=False)

    @classmethod
    def kept(cls, *, stored: Stored, parameters: tuple[str, ...] = (), place: str = "") -> SqlStatement:
        """A statement whose text is read when somebody first asks for it."""
        made = object.__new__(cls)
        for name, value in (("stored", stored), ("parameters", parameters), ("place", place)):
            object.__setattr__(made, name, value)
        return made

    if not TYPE_CHECKING:  # a type checker would believe that every name is an attribute

        def __getattr__(self, name: str) -> Any:
            """Python asks here for what is not set, which is only ever the text."""
            if name != "text":
                raise AttributeError(name)
            text = self.stored.read()
            object.__setattr__(self, "text", text)
            return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How a failed task is submitted again: ``delay`` after the first failure, ``backoff`` times as long after each
    further one, up to ``max_delay``; up to a quarter more, by chance, so that tasks that failed together part.

    By default the first six tries are spread over a quarter of an hour, which outlasts most conflicts and busy hours of
    a warehouse.

    :param times: how often, 0 to 10. Calls that AWS throttles are made again without counting.
    :param on: after which failures: a transaction that met another one (``conflict``), a warehouse or an API that had
        too much to do (``throttled``), a lost connection (``connection``), or ``any`` failure.
    """

    times: int = 0
    delay: timedelta = timedelta(seconds=30)
    backoff: float = 2
    max_delay: timedelta = timedelta(minutes=10)
    on: tuple[RetryOn, ...] = ("any",)


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlTask:
    """A node of the task graph: one or more statements that succeed or fail together.

    :param upstream: names of the tasks that must succeed first.
    :param retries: how a failed task is submitted again; a number stands for the ``times`` of a :class:`Retries`.
    :param timeout: then the running statement is cancelled and the attempt fails; ``None``: the Data API's 24 hours.
    :param transaction: all statements in one transaction (default), or each committed by itself.
    :param wait: how the state machine learns of a statement's end: by the Data API's long polling, by polling with Wait
        states, or by Redshift's event.
    :param source: the SQL file's name as the job gives it, empty for ``statement`` and ``call``.
    :param expected: how long it is likely to take, for `plan` and for ``max_active_statements``; default:
        :data:`GUESS`.
    :param kind: which of the three the task was written as.
    :param group: under which name Airflow shows it, where it shows groups of tasks; default: see :attr:`group_name`.
    """

    name: str
    statements: tuple[SqlStatement, ...]
    upstream: tuple[str, ...] = ()
    retries: int | Retries = 0
    timeout: timedelta | None = None
    transaction: bool = True
    wait: Wait = "long_poll"
    source: str = ""
    kind: SourceKind = "statement"
    expected: timedelta | None = None
    group: str | None = None

    @property
    def group_name(self) -> str | None:
        """``group``, or else the folder of the SQL file, ``marts.finance`` for ``marts/finance``; None: it has neither,
        and belongs to the job as a whole."""
        if self.group is not None:
            return self.group
        folders = [part for part in self.source.split("/")[:-1] if part.strip(".")]
        return ".".join(_NOT_IN_GROUPS.sub("_", part) for part in folders) or None

    @property
    def retry_rule(self) -> Retries:
        """``retries``, in full."""
        return self.retries if isinstance(self.retries, Retries) else Retries(times=self.retries)

    @property
    def expected_seconds(self) -> float:
        """How long it is taken to run."""
        return (self.expected or min(GUESS, self.timeout or GUESS)).total_seconds()

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters that any statement refers to, each once, in order of first use."""
        return tuple(dict.fromkeys(name for statement in self.statements for name in statement.parameters))


@dataclass(frozen=True, slots=True, kw_only=True)
class LockPolicy:
    """What happens around the audit lock.

    :param when_locked: another run holds it: end untouched (``skip``), queue (``wait``), or fail (``fail``).
    :param after_failure: a failed run keeps it until a redrive or an unlock (``hold``), or frees it (``release``).
    :param when_held: a failed run keeps it: fail and say which failure (``fail``), end untouched (``skip``), or queue
        (``wait``); default: see :func:`default_when_held`.
    """

    when_locked: WhenLocked = "skip"
    after_failure: AfterFailure = HOLD
    when_held: WhenHeld | None = None

    @property
    def holds(self) -> bool:
        """Whether a failed run keeps it."""
        return self.after_failure == HOLD

    @property
    def meeting_a_failure(self) -> WhenHeld:
        """``when_held`` as it was given, or its default."""
        return self.when_held or default_when_held(self.when_locked)


def default_when_held(when_locked: WhenLocked) -> WhenHeld:
    """A run that meets a failure fails, so that nobody takes a job for healthy that has stopped; one that would queue
    behind another run queues behind a failure too, so that one failure does not fail a whole backfill."""
    return "wait" if when_locked == "wait" else "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When EventBridge Scheduler starts a job: at a ``rate`` or by a ``cron``, and with which values.

    :param rate: how often, such as ``5 minutes``.
    :param cron: six fields, such as ``30 5 * * ? *``.
    :param timezone: by whose clock a cron goes, as IANA names it; default: UTC's.
    :param enabled: False: it is deployed and starts nothing.
    :param parameters: values of the job's parameters; ``{"scheduled": "date"}`` stands for the time that a run was
        scheduled for, as the text of that form. In UTC: ``2026-11-24T05:30:00Z``, ``2026-11-24`` or ``2026``.
    """

    rate: str | None = None
    cron: str | None = None
    timezone: str | None = None
    enabled: bool = True
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """Whom a job tells of its runs, and of which.

    :param on: which of :data:`~elt_redshift.protocol.policies.KINDS`.
    :param sns: the ARN of an SNS topic; ``new``: a topic in the job's stack.
    :param alarms: CloudWatch alarms, by the same topic, that need nothing of the job's stack to work.
    :param not_succeeded_for: one more, when no run has done its work for so many periods of the schedule; None: none.
    """

    on: tuple[Kind, ...] = ("failure", "held", "recovered")
    sns: str = NEW_TOPIC
    alarms: bool = True
    not_succeeded_for: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """Everything that a job says: what readers of files give, what is checked, packaged and compared.

    :class:`~elt_redshift.job.model.EltJob` tells what each field means.

    :param wait: the default of tasks written later. The tasks that are there have their own, so it tells no jobs apart.
    """

    job_id: str
    name: str
    description: str = ""
    owner: str = ""
    tags: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    tasks: tuple[SqlTask, ...] = ()
    lock: LockPolicy = LockPolicy()
    wait: Wait = field(default="long_poll", compare=False)
    layout: Layout = "auto"
    on_task_failure: OnTaskFailure = "stop"
    max_active_statements: int | None = None
    schedule: Schedule | None = None
    notify: Notify | None = None
    history_days: int = 90
    fence: bool | str = False
    runtime: Runtime = "data_api"
    audit_store: AuditStore = "dynamodb"

    @property
    def uses_functions(self) -> bool:
        """Whether Lambda functions make the calls of its state machine."""
        return self.runtime == "lambda"

    @property
    def audit_in_redshift(self) -> bool:
        """Whether its audit item is a row in Redshift."""
        return self.audit_store == "redshift"
