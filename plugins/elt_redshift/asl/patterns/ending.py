"""The Express state machine for what follows the end of a run.

EventBridge starts it with the detail of each "Step Functions Execution Status Change" event that tells of an end, at
least once. It is the place for everything that is to happen then, at no transition of the job's own state machine::

    ask for run ──> judge end ──ended without success──> settle item ──┐
        ^               │ │                                            │
        └─ wait for news ─┘ └──succeeded──────────────> read item <────┘
                                                           │
                       catch up <── keep pages <── tell of end <── tell people <── record run
                                        ^────────────── taken up before ───────────────┘

**The item.** The audit item of a run that could not say so itself, because it was stopped, ran into its time limit or
failed unforeseen, becomes Failed, let go, as :mod:`elt_redshift.aws.stopping` leaves it. Nobody gets the lock by that
who would not have got it: the next run takes over from a dead owner either way. The write demands that the item is
still this run's, still Running, and was claimed by no later redrive than the one that has ended. An item that is Failed
already only learns of the redrive that has ended, so that a late call of it changes nothing any more.

**The parts** of a run that ended without success are stopped first, where it has some.

**The history.** How the run ended (:mod:`.outcomes`) is kept in the history table (:mod:`.recording`), and at last what
its tasks did (:mod:`.paging`). People are told in between (:mod:`.notifying`), and whoever listens (:mod:`.telling`).
Then it looks for runs that are missing there (:mod:`.catching_up`). Where an alarm needs it, runs that have done their
work are counted before all that (:mod:`.counting`).

An event that comes twice, late or never does no harm. What has been redriven since, and runs, is left alone.
https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from elt_redshift.asl.language import calls
from elt_redshift.asl.language.jsonata import INPUT, expression, fields, keep
from elt_redshift.asl.language.states import Catch, Choice, Flow, Map, Rule, State, Succeed, Task, Wait
from elt_redshift.asl.patterns import outcomes
from elt_redshift.asl.patterns.catching_up import CatchUpPattern
from elt_redshift.asl.patterns.counting import count_success
from elt_redshift.asl.patterns.judging import get_item
from elt_redshift.asl.patterns.notifying import NotifyPattern
from elt_redshift.asl.patterns.paging import PagePattern
from elt_redshift.asl.patterns.recording import RecordPattern
from elt_redshift.asl.patterns.running_parts import execution_of
from elt_redshift.asl.patterns.telling import TellPattern
from elt_redshift.asl.target import Target
from elt_redshift.job.model import EltJob
from elt_redshift.protocol import audit, dynamodb, executions
from elt_redshift.protocol.statements import NO_STATEMENT

#: The part of an event that the machine gets.
EVENT_PART = "$.detail"

#: DescribeExecution, which is eventually consistent, is asked so often for news, and this many seconds apart.
MAX_LOOKS = 6
PAUSE = 10

_DONE = "settled"
_UNSUCCESSFUL = sorted(executions.ENDED - {executions.SUCCEEDED})


def event_pattern(state_machine: Any) -> dict[str, Any]:
    """EventBridge's pattern for starts and ends of a state machine's executions; not of its Map Runs' children.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html

    :param state_machine: its ARN.
    """
    return {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"stateMachineArn": [state_machine], "status": [executions.RUNNING, *sorted(executions.ENDED)]},
    }


@dataclass(frozen=True)
class EndPattern:
    """Builds the machine of a job.

    :param mapped: whether the job has the map layout.
    :param parts: how many parts it has.
    """

    job: EltJob
    target: Target
    mapped: bool = False
    parts: int = 0

    def flow(self) -> Flow:
        """The machine's states."""
        return Flow(tuple(self._states()))

    def _states(self) -> Iterator[State]:
        telling = TellPattern(self.job, self.target)
        missed = list(CatchUpPattern(self.job, self.target, _DONE).states())
        pages = list(PagePattern(self.job, self.target, self.mapped, missed[0].name, self.parts).states())
        behind = [*pages, *missed]
        start, end = telling.of_start(_DONE), telling.of_end(behind[0].name)
        yield Choice(
            "judge event",
            (Rule(expression(f"{INPUT}.status = '{executions.RUNNING}'"), start.name),),
            default="ask for run",
        )
        yield start
        yield self._ask()
        yield self._judge()
        yield Wait("wait for news", PAUSE, "ask for run", keep("executionArn", "redriveCount", "startDate", "looks"))
        if self.parts:
            yield self._stop_parts()
        yield from self._settle()
        taken_up = self._taken_up(end.name, behind[0].name)
        if self.job.notify and self.job.notify.not_succeeded_for:
            taken_up = [count_success(self.target, taken_up[0].name), *taken_up]
        yield get_item("read item", self.job.job_id, self.target, taken_up[0].name, outcomes.facts())
        yield from taken_up
        yield end
        yield from behind
        yield Succeed(_DONE, {})

    def _taken_up(self, following: str, again: str) -> list[State]:
        """The run is kept, and whoever has asked is told; ``again`` follows an end that has been taken up before."""
        told: list[State] = []
        if self.job.notify:
            told = list(NotifyPattern(self.job, self.job.notify, self.target, following).states())
        record = RecordPattern(self.job, self.target, told[0].name if told else following, again)
        return [*record.states(), *told]

    def _ask(self) -> Task:
        """What the event does not tell, or tells no more: it may be late. Its redrive count counts if it has one."""
        return Task(
            "ask for run",
            calls.DESCRIBE_EXECUTION,
            fields(ExecutionArn=f"{INPUT}.executionArn"),
            next="judge end",
            output={**keep("executionArn"), **outcomes.described()},
            retry=calls.DESCRIBE_EXECUTION_RETRY,
            catch=(Catch((calls.NO_SUCH_EXECUTION,), _DONE, {}),),
            partition=self.target.partition,
        )

    def _judge(self) -> Choice:
        alive = f"{INPUT}.status in {list(executions.ALIVE)}"
        told, found = f"{INPUT}.redriveCount", f"{INPUT}.redrives"
        # Of another end than the event's, it is not known yet which redrive its members are of.
        stale = f"({alive} ? {told} >= {found} : {told} >= 0 and {told} != {found})"
        return Choice(
            "judge end",
            (
                Rule(expression(f"{stale} and {INPUT}.looks < {MAX_LOOKS}"), "wait for news"),
                Rule(expression(alive), _DONE),
                Rule(expression(f"{INPUT}.status in {_UNSUCCESSFUL}"), "stop parts" if self.parts else "settle item"),
            ),
            default="read item",
        )

    def _stop_parts(self) -> Map:
        """Step Functions stops them with their run, as a rule. What is refused is left to the next run, which looks
        before it takes the lock over (:mod:`.left_parts`)."""
        arns = ", ".join(f"{execution_of(self.target, part)} & {INPUT}.name" for part in range(1, self.parts + 1))
        stop = Task(
            "stop part",
            calls.STOP_PART,
            {**fields(ExecutionArn=INPUT), "Cause": "Its run has ended."},
            next=None,
            output={},
            retry=calls.LEFT_PART_RETRY,
            catch=(Catch((calls.ANY_ERROR,), "part has ended", {}),),
            partition=self.target.partition,
        )
        flow = Flow((stop, Succeed("part has ended", {})))
        return Map("stop parts", expression(f"[{arns}]"), flow, next="settle item", output=expression(INPUT))

    def _settle(self) -> Iterator[Task]:
        run = fields(owner=f"{INPUT}.executionArn", redrives=f"$string({outcomes.REDRIVES})")
        told = fields(end="$now()", message=f"{INPUT}.message")
        ended = {"task": audit.NO_TASK, "statement": NO_STATEMENT, **run, **told}
        for name, write, values, otherwise in (
            ("settle item", audit.SETTLE, ended, "note redrive"),
            ("note redrive", audit.OUTLIVE, run, "read item"),
        ):
            yield Task(
                name,
                calls.UPDATE_ITEM,
                dynamodb.update(self.target.audit_table, audit.key(self.job.job_id), write, values),
                next="read item",
                output=expression(INPUT),
                retry=calls.DYNAMODB_RETRY,
                catch=(Catch((calls.CONDITION_FAILED,), otherwise, expression(INPUT)),),
                partition=self.target.partition,
            )
