"""The states that tell people of a run's end, by a notification service's topic.

::

    judge outcome ──failed, stopped, timed out──> note failure ──┐
        │  │  └─held──> note held ──not told for a day───────────┤
        │  │                └─ told lately ──────────────────────┼──> behind
        │  └─succeeded──> note success ──recovered, or not───────┤
        └─skipped────────────────────────────────────────────────┤
                                                                 v
                             behind <──nobody has asked── judge notice ──> publish ──> behind

They come behind the write by which an end is taken up once (:mod:`.recording`), so an end is told once, or not at all
if the machine breaks down in between: at most once. The call that publishes is made again if it fails; when it fails
for good, this machine does, and its alarm tells. What a job's standing is by now - broken since a failure, works since
a success, held and when that was told - stands in an item of the history table (:mod:`elt_redshift.protocol.notices`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from elt_redshift.asl.language import calls
from elt_redshift.asl.language.jsonata import INPUT, Code, code_object, expression, fields, joined, literal
from elt_redshift.asl.language.states import Catch, Choice, Rule, State, Task
from elt_redshift.asl.patterns import outcomes
from elt_redshift.asl.target import Target
from elt_redshift.job.model import EltJob
from elt_redshift.job.parts import NEW_TOPIC, Notify
from elt_redshift.protocol import audit, consoles, dynamodb, notices, records
from elt_redshift.protocol.writes import Write

#: Where statements stand is told if that takes no more bytes of the definition than this.
MAX_PLACES = 50_000

#: Which of :data:`~elt_redshift.protocol.notices.Case` it is.
_CASE = (
    f"$r := {INPUT}; $case := $r.kind != '{notices.FAILURE}' ? $r.kind : "
    f"$r.outcome = '{records.BROKEN}' and $r.task != '' ? 'task' : $r.outcome"
)
_FAILURES = [records.BROKEN, records.STOPPED, records.LATE]
_JUDGE, _NOTICE, _PUBLISH = "judge outcome", "judge notice", "publish"
_FAILED, _HELD, _SUCCEEDED = "note failure", "note held", "note success"


@dataclass(frozen=True)
class NotifyPattern:
    """Builds these states, which are given what :mod:`.outcomes` has found out.

    :param next: the state behind them.
    """

    job: EltJob
    notify: Notify
    target: Target
    next: str

    def states(self) -> Iterator[State]:
        """The states, the first one first."""
        yield self._judge()
        yield self._note_failure()
        yield self._note_held()
        yield self._note_success()
        yield self._judge_notice()
        yield self._publish()

    def _judge(self) -> Choice:
        outcome = f"{INPUT}.outcome"
        return Choice(
            _JUDGE,
            (
                Rule(expression(f"{outcome} in {_FAILURES}"), _FAILED),
                Rule(expression(f"{outcome} = '{records.HELD}'"), _HELD),
                Rule(expression(f"{outcome} = '{records.SKIPPED}'"), _NOTICE, _of_kind(notices.SKIPPED)),
            ),
            default=_SUCCEEDED,
        )

    def _note_failure(self) -> Task:
        """The notification of a failure says that the job is held, if it is sent."""
        says = f"{INPUT}.after = '{audit.HOLD}'" if notices.FAILURE in self.notify.on else "false"
        told = fields(told=f"$string({says} ? $millis() : 0)")
        return self._note(_FAILED, notices.NOTE_FAILURE, told, notices.FAILURE)

    def _note_held(self) -> Task:
        told = fields(told="$string($millis())", before=f"$string($millis() - {notices.AGAIN})")
        lately = Catch((calls.CONDITION_FAILED,), self.next, expression(INPUT))
        return self._note(_HELD, notices.NOTE_HELD, told, notices.HELD, lately)

    def _note_success(self) -> Task:
        usual = Catch((calls.CONDITION_FAILED,), _NOTICE, _of_kind(notices.SUCCESS))
        return self._note(_SUCCEEDED, notices.NOTE_SUCCESS, {}, notices.RECOVERED, usual)

    def _note(self, name: str, write: Write, values: Mapping[str, Any], kind: notices.Kind, *catch: Catch) -> Task:
        key = {records.OF: self.job.job_id, records.AT: notices.STANDING_ENTRY}
        return Task(
            name,
            calls.UPDATE_HISTORY,
            dynamodb.update(self.target.history_table, key, write, values),
            next=_NOTICE,
            output=_of_kind(kind),
            retry=calls.DYNAMODB_RETRY,
            catch=catch,
            partition=self.target.partition,
        )

    def _judge_notice(self) -> Choice:
        asked = {*self.notify.on, *([notices.RECOVERED] if notices.SUCCESS in self.notify.on else [])}
        told = expression(f"{INPUT}.kind in {sorted(asked)}")
        return Choice(_NOTICE, (Rule(told, _PUBLISH),), default=self.next)

    def _publish(self) -> Task:
        attributes = {
            name: {"DataType": "String", "StringValue": value}
            for name, value in (
                ("job", self.job.name),
                ("kind", expression(f"{INPUT}.kind")),
                ("outcome", expression(f"{INPUT}.outcome")),
            )
        }
        return Task(
            _PUBLISH,
            calls.PUBLISH,
            {
                "TopicArn": self.target.topic if self.notify.sns == NEW_TOPIC else self.notify.sns,
                **fields(
                    Subject=f"({_CASE}; $substring({self._subject()}, 0, {notices.MAX_SUBJECT}))",
                    Message=self._message(),
                ),
                "MessageAttributes": attributes,
            },
            next=self.next,
            output=expression(INPUT),
            retry=calls.RETRY,
            partition=self.target.partition,
        )

    def _subject(self) -> str:
        texts = {case: joined(*pieces) for case, pieces in notices.subjects(self.job.name, Code("$r.task")).items()}
        return f"$lookup({code_object(**texts)}, $case)"

    def _message(self) -> str:
        """A line for each fact that there is, and what to do next."""
        facts = self._facts()
        lines = [
            f"$f.{name} != '' ? {joined(label, Code(f'$f.{name}'))}"
            for name, label in notices.LABELS.items()
            if name in facts
        ]
        first = f"{self._subject()} & {literal(f' (job {self.job.job_id}).')}"
        return (
            f"({_CASE}; $f := {code_object(**facts)}; "
            f"$join([{first}, '', {', '.join(lines)}, '', {self._next_step()}], '\\n'))"
        )

    def _facts(self) -> dict[str, str]:
        """The facts, by the names of their labels; empty where there is nothing to tell."""
        seconds = "$string($floor(($r.stopDate - $r.startDate) / 1000))"
        page = consoles.execution_page(
            self.target.partition, Code("$split($r.executionArn, ':')[3]"), Code("$r.executionArn")
        )
        return {
            "task": "$r.task",
            **({"place": self._place()} if self._places else {}),
            "message": "$r.message",
            "statement": "$r.statement",
            "name": "$r.name",
            "started": "$fromMillis($r.startDate)",
            "ended": joined(Code("$fromMillis($r.stopDate)"), ", after ", Code(seconds), " s"),
            "redrives": f"{outcomes.REDRIVES} > 0 ? $string({outcomes.REDRIVES}) : ''",
            "parameters": f"$r.parameters = '{{}}' ? '' : $substring($r.parameters, 0, {notices.MAX_PARAMETERS})",
            "by": "$r.by",
            "resumed": "$r.resumed",
            "console": joined(*page),
        }

    @property
    def _places(self) -> dict[str, list[str]]:
        """Where the statements of each task stand; nothing where that would be too much."""
        places = {task.name: [statement.place for statement in task.statements] for task in self.job.tasks}
        return places if len(json.dumps(places)) <= MAX_PLACES else {}

    def _place(self) -> str:
        """Of the statement that failed: the id of a batch's part ends in its number. The first one, if none was
        submitted."""
        places = code_object(**{task: f"[{', '.join(map(literal, one))}]" for task, one in self._places.items()})
        part = "$contains($r.statement, /^[^:\\/]+:[0-9]+$/) ? $number($substringAfter($r.statement, ':')) : 1"
        return f"($p := $lookup({places}, $r.task); $n := {part}; $exists($p[$n - 1]) ? $p[$n - 1] : '')"

    def _next_step(self) -> str:
        steps = {case: joined(*text) for case, text in notices.next_steps(self.job.name, Code("$r.name")).items()}
        after = {what: literal(text) for what, text in notices.lock_after(self.job.name).items()}
        lock = f"($case = 'task' and $r.after != '' ? $lookup({code_object(**after)}, $r.after) : '')"
        return f"{literal(notices.NEXT)} & $lookup({code_object(**steps)}, $case) & {lock}"


def _of_kind(kind: notices.Kind) -> str:
    return expression(f"$merge([{INPUT}, {{'kind': '{kind}'}}])")
