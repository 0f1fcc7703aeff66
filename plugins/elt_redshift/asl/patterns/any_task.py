"""The values of a task in the map layout, where one set of states serves every task: each child execution has them in
its input.
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
_STARTED_LATE = f"$toMillis($states.context.Execution.StartTime) > {_RUN}.since + {LATE * 1000}"


@dataclass(frozen=True)
class AnyTask:
    """The values of whichever task the execution was started for, as :func:`elt_redshift.asl.jobfile.item` wrote them.

    :param polls: of every task of the job.
    :param batches: whether every task of the job has several statements; None: some have.
    :param fence: the table of the job's fence, if it has one. Then every task has several statements.
    :param paced: every item says when the task is to begin.
    """

    polls: bool
    batches: bool | None
    fence: str | None = None
    paced: bool = False
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
    # The child's own count begins at 0; below it where the run has, or may have, been redriven since it took the lock.
    redrives = Code(f"({_RUN}.redriven or {_STARTED_LATE} ? -1 : 0)")
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
    def turn(self) -> Code | None:
        # Of a child that was redriven while it waited, with others: they come one after the other again.
        since = f"($exists({REDRIVE_TIME}) ? $toMillis({REDRIVE_TIME}) : {_RUN}.since)"
        left = f"$floor({_ITEM}.start - ($millis() - {since}) / 1000)"
        return Code(f"({self.kept} ? 0 : {left})") if self.paced else None

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
