"""An ELT job: its parameters, its tasks and what each must wait for, its lock policy.

:class:`EltJob` is both what users build in Python and what everything else reads. Nothing here imports PyYAML, boto3 or
Airflow, so a DAG file that builds a job stays cheap to parse.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, overload

from elt_redshift.exceptions import JobError, Problem
from elt_redshift.job import checks, edges, loading, notifying, parameters, plain, reading, schedules
from elt_redshift.job.findings import Findings, did_you_mean
from elt_redshift.job.nodes import Node
from elt_redshift.job.parts import (
    AuditStore,
    JobSpec,
    Layout,
    LockPolicy,
    Notify,
    OnTaskFailure,
    Parameter,
    ParameterType,
    Retries,
    Runtime,
    Schedule,
    SourceKind,
    SqlStatement,
    SqlTask,
    Wait,
    WhenLocked,
)
from elt_redshift.job.written import shown
from elt_redshift.protocol import fence
from elt_redshift.protocol.policies import AfterFailure

__all__ = [
    "AfterFailure",
    "EltJob",
    "Layout",
    "LockPolicy",
    "Notify",
    "OnTaskFailure",
    "Parameter",
    "ParameterType",
    "Schedule",
    "SourceKind",
    "SqlStatement",
    "SqlTask",
    "Wait",
    "WhenLocked",
]


class EltJob:
    """A named ELT process: built in Python, or read by :meth:`load`.

    Nothing is refused while a job is being built; :meth:`validate` tells every mistake at once.

    :param job_id: the key of the job's audit item, 1 to 64 of ``A-Z a-z 0-9 _ . -``.
    :param name: lower-case name, at most 64 characters; names state machine, stack and DAG.
    :param description: what it does, for people; Airflow shows it.
    :param owner: who answers for it; Airflow shows it.
    :param tags: by which Airflow's users find it.
    :param parameters: names and defaults (``None``: must be given at start), or :class:`Parameter` objects.
    :param tasks: ready-made tasks; usually they are added with :meth:`task`.
    :param lock: what happens when the job is locked, and after a failure.
    :param wait: how tasks follow their statements unless they say otherwise.
    :param layout: every task with states of its own in the definition (``unrolled``), or each in a child execution
        (``map``); ``auto``: unrolled while that fits the limits of Step Functions.
    :param on_task_failure: a failed task ends the run at once (``stop``), or when all that does not depend on it has
        ended.
    :param max_active_statements: at most so many of a run's statements are active at a time, 1 to 500; default: as many
        as the graph allows.
    :param schedule: when EventBridge Scheduler starts the job: a :class:`Schedule`, its keys, or an expression such as
        ``rate(5 minutes)``; default: it does not.
    :param notify: who is told of which runs: a :class:`Notify`, or its keys; default: nobody.
    :param history_days: for so many days it is kept how runs and their tasks went, 1 to 3,650.
    :param fence: Redshift itself refuses what a run sends that has lost its lock: ``True``, or the schema of the table
        that this needs; ``True`` stands for the schema ``public``.
    :param runtime: who makes the calls: Step Functions itself (``data_api``), or Lambda functions (``lambda``).
    :param audit_store: where its audit item is: in a table of DynamoDB (``dynamodb``), or of the warehouse
        (``redshift``).
    :param base: folder of the SQL files; default: the current one.
    :param findings: what a reader of files already noted; default: nothing.
    """

    def __init__(
        self,
        *,
        job_id: str,
        name: str,
        description: str = "",
        owner: str = "",
        tags: Iterable[str] = (),
        parameters: Mapping[str, str | None] | Iterable[Parameter] = (),
        tasks: Iterable[SqlTask] = (),
        lock: LockPolicy | None = None,
        wait: Wait = "long_poll",
        layout: Layout = "auto",
        on_task_failure: OnTaskFailure = "stop",
        max_active_statements: int | None = None,
        schedule: Schedule | Mapping[str, Any] | str | None = None,
        notify: Notify | Mapping[str, Any] | None = None,
        history_days: int = 90,
        fence: bool | str = False,
        runtime: Runtime = "data_api",
        audit_store: AuditStore = "dynamodb",
        base: Path | str | None = None,
        findings: Findings | None = None,
    ) -> None:
        self.job_id = job_id
        self.name = name
        self.description, self.owner = description, owner
        self.tags = tuple(tags) if isinstance(tags, Iterable) and not isinstance(tags, str | Mapping) else tags
        self.parameters = _parameters(parameters)
        self.lock = lock or LockPolicy()
        self.wait = wait
        self.layout = layout
        self.on_task_failure = on_task_failure
        self.max_active_statements = max_active_statements
        self.history_days = history_days
        self.fence = fence
        self.runtime = runtime
        self.audit_store = audit_store
        self.base = Path(base) if base is not None else Path()
        self._tasks: dict[str, SqlTask] = {}
        self._findings = findings or Findings(f"job {name}", base=self.base)
        self.notify = notifying.read(notify, self._findings)
        self.schedule = schedules.normal(schedules.read(schedule, self._findings), self.parameters)
        for task in tasks:
            self._put(task)

    @classmethod
    def load(cls, path_or_name: str | Path) -> EltJob:
        """Read a job from its ``job.yaml``, its folder, by its name, or from ``module:attribute``, and validate it.

        :raises JobError: nothing is found there, or the job has mistakes; all of them are in ``problems``.
        """
        found = loading.attribute(path_or_name, cls)
        return found.validate() if found else cls._of(*loading.load(path_or_name))

    @property
    def settles(self) -> bool:
        """Whether a failed task fails a run only when all that does not depend on it has ended."""
        return self.on_task_failure != "stop"

    @property
    def waits_for_events(self) -> bool:
        """Whether any task waits for an event."""
        return any(task.wait == "event" for task in self.tasks)

    @property
    def uses_functions(self) -> bool:
        """Whether Lambda functions make the calls of its state machine."""
        return self.spec.uses_functions

    @property
    def audit_in_redshift(self) -> bool:
        """Whether its audit item is a row in Redshift."""
        return self.spec.audit_in_redshift

    @property
    def fence_table(self) -> str | None:
        """The table of the job's fence, with its schema; None where it has none."""
        schema = self.fence if isinstance(self.fence, str) else fence.PUBLIC
        return fence.table(self.job_id, schema) if self.fence else None

    @property
    def spec(self) -> JobSpec:
        """All that the job says now, as one value."""
        return JobSpec(**{one.name: getattr(self, one.name) for one in fields(JobSpec)})

    @property
    def tasks(self) -> tuple[SqlTask, ...]:
        """The tasks in the order in which they were written."""
        return tuple(self._tasks.values())

    @property
    def task_names(self) -> tuple[str, ...]:
        return tuple(self._tasks)

    @overload
    def task(self, name: str) -> SqlTask: ...

    @overload
    def task(
        self,
        name: str,
        *,
        sql: str = ...,
        statement: str = ...,
        call: str = ...,
        upstream: Iterable[str | Node] = ...,
        retries: int | Retries | Mapping[str, Any] = ...,
        timeout: str | timedelta | None = ...,
        expected: str | timedelta | None = ...,
        transaction: bool = ...,
        wait: Wait = ...,
    ) -> Node: ...

    def task(self, name: str, **options: Any) -> SqlTask | Node:
        """Read the task ``name``; or, given one of ``sql``, ``statement``, ``call``, add it.

        The options are the keys of a task in ``job.yaml``; ``timeout`` and ``expected`` may be
        :class:`~datetime.timedelta`.

        :raises JobError: no task has that name (when reading).
        """
        if options:
            return self._add(name, options)
        if task := self._tasks.get(name):
            return task
        problem = f"There is no task '{name}' in job '{self.name}'."
        raise JobError([Problem(self._findings.origin, problem, did_you_mean(name, self.task_names))])

    def upstream(self, name: str) -> tuple[SqlTask, ...]:
        """The tasks that ``name`` waits for itself, in the order in which they were written."""
        wanted = set(self.task(name).upstream)
        return tuple(task for task in self.tasks if task.name in wanted)

    def downstream(self, name: str) -> tuple[SqlTask, ...]:
        """The tasks that wait for ``name`` itself, in the order in which they were written."""
        return tuple(task for task in self.tasks if self.task(name).name in task.upstream)

    def in_order(self) -> tuple[SqlTask, ...]:
        """All tasks, each after its upstream; otherwise in the order in which they were written."""
        return edges.in_order(self.tasks)

    def validate(self) -> EltJob:
        """Check everything that can be known before anything is deployed; gives the job itself.

        :raises JobError: with every mistake, in ``problems``.
        """
        checks.require(self.spec, self._findings)
        return self

    def values(self, given: Mapping[str, object] | None = None) -> dict[str, str]:
        """The parameters' values for one start, as text: those given, and the defaults of the rest.

        :param given: texts, or for parameters of another type than ``text`` native objects.
        :raises JobError: a name is unknown, a value is missing, empty, not of its type, or none of the choices.
        """
        findings = Findings(f"job {self.name}")
        if given is not None and not isinstance(given, Mapping):
            findings.add(("parameters",), f"The parameters are {shown(given)}.", "Give names and values.")
            findings.raise_if_any()
        values = parameters.values(self.parameters, given or {})
        parameters.check_values(self.parameters, values, findings)
        findings.raise_if_any()
        return {name: str(value) for name, value in values.items()}

    def to_dict(self) -> dict[str, Any]:
        """The job with its SQL as plain JSON data, independent of any file; :meth:`from_dict` reads it."""
        return plain.to_dict(self.spec)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> EltJob:
        """The job that :meth:`to_dict` wrote."""
        return cls._of(plain.from_dict(data))

    @classmethod
    def _of(cls, spec: JobSpec, findings: Findings | None = None) -> EltJob:
        """The job that says what ``spec`` says.

        :param findings: what its reader noted.
        """
        said = {one.name: getattr(spec, one.name) for one in fields(spec)}
        return cls(**said, base=findings.base if findings else None, findings=findings)

    def _add(self, name: str, options: dict[str, Any]) -> Node:
        upstream = options.get("upstream")
        if isinstance(upstream, Iterable) and not isinstance(upstream, str):  # reading tells what is wrong with others
            options["upstream"] = [task.name if isinstance(task, Node) else task for task in upstream]
        self._put(reading.read_task(name, options, base=self.base, wait=self.wait, findings=self._findings))
        return Node(self, name)

    def _put(self, task: SqlTask) -> None:
        if task.name in self._tasks:
            path = ("tasks", str(task.name))
            self._findings.add(path, f"The task '{task.name}' is defined twice.", "Give each task its own name.")
        else:
            self._tasks[task.name] = task

    def _wire(self, upstream: str, downstream: str) -> None:
        task = self._tasks[downstream]
        if upstream not in task.upstream:
            self._tasks[downstream] = replace(task, upstream=(*task.upstream, upstream))

    def __eq__(self, other: object) -> bool:
        return self.spec == other.spec if isinstance(other, EltJob) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # a job grows while it is built

    def __repr__(self) -> str:
        return f"EltJob(job_id={self.job_id!r}, name={self.name!r}, tasks={list(self.task_names)})"


def _parameters(given: Mapping[str, str | None] | Iterable[Parameter]) -> tuple[Parameter, ...]:
    if isinstance(given, Mapping):
        given = [Parameter(name=name, default=default) for name, default in given.items()]
    return tuple(map(parameters.normal, given))
