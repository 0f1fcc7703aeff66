"""The map layout: one Distributed Map over the job file, whose child executions run one task each.

::

    acquire lock ──> run tasks (Map) ──> release lock
                        │ one child for each task
                        v
            task: join ──> task: submit ──> task: finish <──> describe, status, retry …
                                                │ FINISHED
                                                v
                                         task: report ──> task: announce

Where some tasks have one statement and others several, ``task: status`` chooses between two states that submit.

The definition does not grow with the graph. Every task waits for all its upstreams by its join item, and tells those
that wait for it (:mod:`.joins`). Where more tasks could begin at once than the Data API takes, each without upstreams
has its turn, for which it waits in the same state; and where more could be active at a time, no more are started than
leave so many for those without upstreams. The states of a task are those of the unrolled layout
(:mod:`.statement`). A child's context object is its own, so what belongs to the run - the owner of the
lock, the parameters - is given to it.
https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from elt_redshift.asl.language import calls, names
from elt_redshift.asl.language.jsonata import EXECUTION_ARN, EXECUTION_NAME, INPUT, REDRIVE_COUNT, fields
from elt_redshift.asl.language.states import DistributedMap, Flow, State
from elt_redshift.asl.patterns import fencing, resumption
from elt_redshift.asl.patterns.announcing import AnnouncePattern
from elt_redshift.asl.patterns.any_task import AnyTask
from elt_redshift.asl.patterns.joins import VARIABLE, WaitPattern
from elt_redshift.asl.patterns.reporting import ReportPattern
from elt_redshift.asl.patterns.settling import SettlePattern, any_place
from elt_redshift.asl.patterns.statement import StatementPattern
from elt_redshift.asl.target import Target
from elt_redshift.job.model import EltJob
from elt_redshift.protocol.limits import MAX_CHILDREN


@dataclass(frozen=True)
class Pacing:
    """How the tasks of a job keep within the Data API's quotas.

    :param paced: some are not to begin at once.
    :param interval: within how many seconds a submission that was throttled is made again.
    :param most: how many children are there at a time, at most.
    """

    paced: bool = False
    interval: int = 1
    most: int = MAX_CHILDREN

    @property
    def capped(self) -> bool:
        """Whether there may be fewer than Step Functions starts."""
        return self.most < MAX_CHILDREN


#: What the job file says of a task.
_ITEM = "$states.context.Map.Item.Value"


@dataclass(frozen=True)
class TasksPattern:
    """The state that runs all tasks of ``job``.

    :param next: the state behind it.
    :param pacing: how its tasks keep within the Data API's quotas.
    """

    job: EltJob
    target: Target
    next: str
    pacing: Pacing

    def state(self) -> DistributedMap:
        return DistributedMap(
            names.RUN_TASKS,
            bucket=self.target.job_file_bucket,
            key=self.target.job_file_key,
            selector={
                **fields(task=_ITEM, kept=resumption.is_kept(f"{_ITEM}.fingerprint")),
                "run": self._run(),
            },
            processor=Flow(tuple(self._child())),
            next=self.next,
            output={},
            label=names.LABEL,
            max_concurrency=self.pacing.most,
            retry=calls.ITEMS_RETRY,
            comment="One child execution for each task of the job file.",
            partition=self.target.partition,
        )

    def _run(self) -> dict[str, Any]:
        """What every child is told of its run."""
        return {
            "connection": dict(self.target.connection),
            "role": self.target.role,
            **({"lock": self.target.audit_table, **fields(fence=f"${fencing.VARIABLE}")} if self.job.fence else {}),
            **({"parameters": fields(all="$parameters")["all"]} if self.job.parameters else {"parameters": {}}),
            **fields(
                owner=EXECUTION_ARN,
                name=EXECUTION_NAME,
                key=f"${VARIABLE}",
                redrives=REDRIVE_COUNT,
                redriven=f"{REDRIVE_COUNT} > {INPUT}.redrives",
                since=f"{INPUT}.since",
            ),
        }

    def _child(self) -> Iterator[State]:
        batches = {len(task.statements) > 1 for task in self.job.tasks} if not self.job.fence else {True}
        source = AnyTask(
            polls=not self.target.long_polling or any(task.wait == "poll" for task in self.job.tasks),
            batches=batches.pop() if len(batches) == 1 else None,
            fence=self.job.fence_table,
            paced=self.pacing.paced,
            capped=self.pacing.capped,
            interval=self.pacing.interval,
        )
        goes_on = "in its turn" if self.pacing.paced else "at once"
        comment = f"Waits for the upstreams; a task without any goes on {goes_on}."
        yield from WaitPattern(source, source.awaited, self.target, comment).states()
        if self.job.settles:
            yield from self._settling(source)
        else:
            yield from StatementPattern(self.job, source, self.target, source.name("report"), source.recording).states()
            yield from ReportPattern(source, self.target, source.name("announce")).states()
        yield from AnnouncePattern(source, source.waiters, self.target, None).states()

    def _settling(self, source: AnyTask) -> Iterator[State]:
        """A failure is reported at once, and recorded when the others have settled."""
        place = any_place(source, len(self.job.tasks))
        settle = SettlePattern(source, place, self.target, source.name("announce"))
        report = source.name("report")
        yield from StatementPattern(self.job, source, self.target, report, failing="report failure").states()
        yield from ReportPattern(source, self.target, source.name("settle"), failing="block").states()
        yield from settle.failed()
        yield from settle.done()
