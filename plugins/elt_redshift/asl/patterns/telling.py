"""The states that put events about a run on the event bus (:mod:`elt_redshift.protocol.events`).

EventBridge delivers these at least once, as it does the events that they follow from. That of a start is put for each
event of a start that comes, that of an end once for each end.
"""

from __future__ import annotations

from dataclasses import dataclass

from elt_redshift.asl.language import calls
from elt_redshift.asl.language.jsonata import INPUT, code, code_object, expression
from elt_redshift.asl.language.states import Task
from elt_redshift.asl.patterns import outcomes
from elt_redshift.asl.target import Target
from elt_redshift.job.model import EltJob
from elt_redshift.protocol import events


@dataclass(frozen=True)
class TellPattern:
    """Builds these states."""

    job: EltJob
    target: Target

    def of_start(self, next: str) -> Task:
        """Given the detail of Step Functions' event of a start.

        :param next: the state behind it.
        """
        given = outcomes.given(f"{INPUT}.input", "parameters")
        detail = self._detail(
            name=f"{INPUT}.name",
            redriveCount=f"$type({INPUT}.redriveCount) = 'number' ? {INPUT}.redriveCount : 0",
            startedAt=f"$fromMillis({INPUT}.startDate)",
            parameters=given,
        )
        return self._put("tell of start", events.RUN_STARTED, detail, "{}", next)

    def of_end(self, next: str) -> Task:
        """Given what :mod:`.outcomes` has found out, which the state behind it gets as well.

        :param next: the state behind it.
        """
        detail = self._detail(
            name=f"{INPUT}.name",
            redriveCount=outcomes.REDRIVES,
            startedAt=f"$fromMillis({INPUT}.startDate)",
            endedAt=f"$fromMillis({INPUT}.stopDate)",
            outcome=f"{INPUT}.outcome",
            task=_unless_empty("task"),
            statementId=_unless_empty("statement"),
            message=_unless_empty("message"),
            parameters=f"{INPUT}.parameters != '' ? $parse({INPUT}.parameters)",
        )
        return self._put("tell of end", events.RUN_ENDED, detail, INPUT, next)

    def _detail(self, **members: str) -> str:
        job = {"jobId": code(self.job.job_id), "jobName": code(self.job.name)}
        return code_object(**job, execution=f"{INPUT}.executionArn", **members)

    def _put(self, name: str, kind: str, detail: str, output: str, next: str) -> Task:
        entry = {"Source": events.SOURCE, "DetailType": kind, "Detail": expression(detail)}
        return Task(
            name,
            calls.PUT_EVENTS,
            {"Entries": [entry]},
            next=next,
            output=expression(output),
            retry=calls.RETRY,
            partition=self.target.partition,
        )


def _unless_empty(name: str) -> str:
    return f"{INPUT}.{name} != '' ? {INPUT}.{name}"
