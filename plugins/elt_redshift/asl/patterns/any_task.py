"""The values of a task in the map layout, where one set of states serves every task: each child execution has them in
its input.

What a child is not told is that its run was redriven before the child was started. One that starts long after its run
took the lock may be such a child, so it takes the lock again (:data:`LATE`). In a job of which not all children start
at once, most would. There a task without upstreams only looks when somebody has seen the run hold its lock, which
stands in an item of the table of joins. That is as good, if it was less than :data:`LATE` seconds before the child
started: whoever takes over from a run that has ended since does so later. The write that looks is the one by which
other tasks wait, so that it costs nothing. ::

    task: join   HeldAt is recent: the condition fails ──────────────────────────────────────────> task: submit
        │ it is not: the write is made, and waits a second in vain
        └─> task: join ──> task: reclaim ──> task: claim ──> task: tell held  HeldAt ──> task: status ──> task: submit

Of children that start beside each other, one finds what was seen too old before the others do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from elt_redshift.asl.language import calls
from elt_redshift.asl.language.jsonata import INPUT, REDRIVE_COUNT, REDRIVE_TIME, Code, Value, code, expression, literal
from elt_redshift.asl.language.names import ANY_TASK, StateName, Step
from elt_redshift.asl.patterns import fencing, repeating
from elt_redshift.asl.patterns.source import SubmitCall
from elt_redshift.protocol import fence

#: What a child execution of the map layout was given: the task as the job file has it, and its run.
_ITEM = "$states.context.Execution.Input.task"
_RUN = "$states.context.Execution.Input.run"

#: A child that starts later than so many seconds after its run took the lock takes it again before it submits: the run
#: may have been redriven meanwhile, which AWS does not promise to tell it. Nobody takes over sooner than
#: :data:`~elt_redshift.protocol.owners.GRACE` after a run has ended, which is later.
LATE = 60
_STARTED = "$toMillis($states.context.Execution.StartTime)"
_STARTED_LATE = f"{_STARTED} > {_RUN}.since + {LATE * 1000}"

#: Since when the run must have been seen to hold its lock: for so many seconds before the child's start at least, and
#: so many more as differ from child to child; less than LATE together.
_RECENT, _SPREAD = 40, 15
_SEEN = f"({_STARTED} - {_RECENT * 1000} - {_STARTED} % {_SPREAD * 1000})"


@dataclass(frozen=True)
class AnyTask:
    """The values of whichever task the execution was started for, as :func:`elt_redshift.asl.jobfile.item` wrote them.

    :param polls: of every task of the job.
    :param batches: whether every task of the job has several statements; None: some have.
    :param fence: the table of the job's fence, if it has one. Then every task has several statements.
    :param paced: every item says when the task is to begin.
    :param capped: not all children are started at once. Then they are paced.
    """

    polls: bool
    batches: bool | None
    fence: str | None = None
    paced: bool = False
    capped: bool = False
    interval: int = 1

    task = Code(f"{_ITEM}.name")
    owner = Code(f"{_RUN}.owner")
    execution = Code(f"{_RUN}.name")
    run = Code(f"{_RUN}.key")
    allowed = Code(f"$lookup({_ITEM}.retries, {repeating.KIND})")
    pause = repeating.pause(Code(f"{_ITEM}.pause"))
    timeout = Code(f"{_ITEM}.timeout")
    awaited = Code(f"{_ITEM}.awaited")
    waiters = Code(f"{_ITEM}.waiters")
    least_redrives = Code(f"({_RUN}.redrives + {REDRIVE_COUNT})")
    failed_at = Code(f"({_RUN}.redrives + {INPUT}.redrives)")
    known_redrives = Code(f"$max([{INPUT}.owned, {_RUN}.redrives + {INPUT}.redrives])")
    recording: Step = "count redrives"
    kept = Code("$states.context.Execution.Input.kept")
    number = Code(f"{_ITEM}.number")
    blocks = Code(f"{_ITEM}.blocks")
    comment = None
    reports: bool = True
    asks: bool = True

    @property
    def redrives(self) -> Code:
        # The child's own count begins at 0; below it where the run has, or may have, been redriven since it took the
        # lock. Of a task that looks for that otherwise see `unsure`.
        awaits = f"{self.awaited} > 0 and " if self.capped else ""
        return Code(f"({awaits}({_RUN}.redriven or {_STARTED_LATE}) ? -1 : 0)")

    @property
    def turn(self) -> Code | None:
        # As of the state's entry, so that it stays the same while the state waits. Of a child that was redriven
        # while it waited, with others: they come one after the other again.
        entered = f"$toMillis($states.context.State.EnteredTime) - {_RUN}.since"
        gone = f"($exists({REDRIVE_TIME}) ? $millis() - $toMillis({REDRIVE_TIME}) : {entered})"
        left = f"$floor({_ITEM}.start - {gone} / 1000)"
        return Code(f"({self.kept} ? 0 : {left})") if self.paced else None

    @property
    def unsure(self) -> Code | None:
        # A child that was redriven itself takes the lock again in any case.
        doubts = f"({_RUN}.redriven or {_SEEN} > {_RUN}.since)"
        alone = f"{self.awaited} = 0 and $not({self.kept}) and {REDRIVE_COUNT} = 0"
        return Code(f"({alone} and {doubts} and {self.turn} <= 0)") if self.capped else None

    @property
    def sure_since(self) -> Code:
        return Code(_SEEN)

    @property
    def begins(self) -> StateName | None:
        return None if self.batches is None else self.name("submit batch" if self.batches else "submit")

    def name(self, name: Step) -> StateName:
        return StateName(ANY_TASK, name)

    def submissions(self, members: Mapping[str, Value]) -> tuple[SubmitCall, ...]:
        # A function, since the warehouse's role is known to the deployed state machine only.
        texts = f"$map({_ITEM}.statements, function($text) {{$replace($text, {_ITEM}.role, {_RUN}.role)}})"
        mode = f"{_ITEM}.auto_commit ? {{'ExecutionMode': 'AUTO_COMMIT'}} : {{}}"
        batch = SubmitCall(
            self.name("submit batch"),
            calls.BATCH_EXECUTE_STATEMENT,
            self._request(members, f"{{'Sqls': [{self._check}{texts}]}}, {mode}"),
            when=f"$count({_ITEM}.statements) > 1" if self.batches is None else None,
        )
        single = SubmitCall(self.name("submit"), calls.EXECUTE_STATEMENT, self._request(members, f"{{'Sql': {texts}}}"))
        return {None: (batch, single), True: (batch,), False: (single,)}[self.batches]

    def _request(self, members: Mapping[str, Value], sql: str) -> str:
        given = ", ".join(f"{literal(key)}: {code(value)}" for key, value in members.items())
        value = f"{{'Name': $, 'Value': $lookup({_RUN}.parameters, $)}}"
        bound = f"{_ITEM}.parameters.{value}"
        parameters = f"$count({_ITEM}.parameters) > 0 ? {{'Parameters': [{bound}]}} : {{}}"
        if self.fence:
            # Of the owner's redrives this child knows at least so many, and all when it has taken the lock again.
            claim = fencing.claimed(f"$max([{self.least_redrives}, {INPUT}.owned])", f"{_RUN}.fence")
            parameters = f"{{'Parameters': [{fencing.parameters_code(f'{_RUN}.lock', claim)}, {bound}]}}"
        return expression(f"$merge([{_RUN}.connection, {{{given}}}, {sql}, {parameters}])")

    @property
    def _check(self) -> str:
        return f"{code(fence.check(self.fence))}, " if self.fence else ""
