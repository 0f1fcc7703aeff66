"""``on_task_failure: finish_independent`` in a job that is cut into parts: a failure is held back until all tasks, in
whichever part, have settled.

What counts as settled, and the sets of tasks that tell it, are those of :mod:`.settling`. But a part has a count of
redrives of its own, and may never learn that its run was redriven; so there is one set ``Blocked``, of the redrive that
the run item counts. And what is rare is a follower's (:mod:`.follower`)::

    a task in its part                               its follower
    ────────────────────────────                     ───────────────────────────────────────────────────────
    finish ──> settle ──> next task                  (settle: ADD to Done, if and only if nothing has failed)
                 │ something has
                 v
               follow ────── it is done ──────────>  settle late ──> unpark ──> answer
    follow <──────────────── it is held ───────────  the statement has failed ──> read settled ──> relieve
       └──────────────────────────────────────────>  still held ──> block ──────────────────────> blocked
                                                     read settled <── the count has moved       │  │
                                                          ^                             not yet │  │ settled
    status, the gate <────── Failed ──── … record         └──────────────────── park <──────────┘  v
                                              ^───────────────────────────────────────── count redrives

So the task's history tells of the failure at once; and its input keeps it, however long it is held. A redrive of the
run moves the count on before any part goes on (:mod:`.redrives_of_parts`), by which ``Blocked`` is empty again, and by
which alone a task that is held is tried again: its part may be redriven besides, behind a stop that came late.

Whoever fails first reads the count, then asks whether it is still waited for, then writes if the count is that still:
so what a follower writes is of this redrive, though its task may have been let go on since. A follower that dies while
its token is stored wakes nobody; so others that are parked look again, some minutes later each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from elt_redshift.asl.language import calls
from elt_redshift.asl.language.jsonata import (
    INPUT,
    REDRIVE_COUNT,
    REDRIVEN,
    Code,
    code,
    code_object,
    code_of,
    expression,
    fields,
    keep,
    rendered,
)
from elt_redshift.asl.language.names import Step
from elt_redshift.asl.language.states import Call, Catch, Choice, Rule, State, Task
from elt_redshift.asl.patterns import joins, passing
from elt_redshift.asl.patterns.any_task import AnyTask
from elt_redshift.asl.patterns.following import FollowedPattern
from elt_redshift.asl.patterns.redrives_of_parts import read
from elt_redshift.asl.patterns.settling import SettlingPlace, any_place
from elt_redshift.asl.target import Target
from elt_redshift.protocol import dynamodb
from elt_redshift.protocol import joins as items
from elt_redshift.protocol.statements import SLASH
from elt_redshift.protocol.writes import Write

#: A parked follower looks again after so many seconds.
_PATIENCE = 600

_HELD = f"{INPUT}.Status = '{passing.HELD}'"
_ITEM = "$states.result.Attributes"

#: What is left of a task's input when it goes on behind a redrive, as behind its gate.
_AGAIN: Mapping[str, Any] = {**keep("attempt", "redrives", "since"), "failures": 0, "Status": passing.UNKNOWN}


@dataclass(frozen=True)
class HeldBackPattern(FollowedPattern):
    """Builds the states of a task whose end counts. Its ``next`` is ``settle``, whose next is ``behind``.

    :param counted: the task's number, and what cannot run once it has failed, as a job file has them; and ``of``: how
        many tasks count.
    """

    behind: str | None = None
    counted: Mapping[str, Any] | None = None

    def states(self) -> Iterator[State]:
        yield from super().states()
        yield self._settle()

    def _settle(self) -> Task:
        assert self.counted
        late = expression(f"$merge([{INPUT}, {{'Status': '{passing.DONE}'}}])")
        return self._call(
            self.source.name("settle"),
            calls.UPDATE_JOIN_ITEM,
            joins.update(
                self.target, self.source.run, items.RUN_ITEM, items.SETTLE, {"task": [self.counted["number"]]}
            ),
            next=self.behind,
            output=expression(INPUT),
            retry=calls.DYNAMODB_RETRY,
            catch=(Catch((calls.CONDITION_FAILED,), self._following, late),),
        )

    @property
    def _behind_all(self) -> str | None:
        return self.behind

    def _task(self) -> dict[str, Any]:
        return {**super()._task(), **(self.counted or {})}

    @property
    def _failed(self) -> Code:
        """The first failure is told, whichever task waits for it to be."""
        return Code(f"($exists({INPUT}.task) ? {INPUT}.task : {code(self.source.task)})")


@dataclass(frozen=True)
class HoldPattern:
    """Builds what the follower of such a task does.

    :param source: the task, which its part has told of.
    :param told: JSONata of what the part has told.
    :param over: JSONata that tells whether the follower is to answer soon.
    :param left: JSONata that gives how many seconds it has until then.
    """

    source: AnyTask
    target: Target
    told: str
    over: str
    left: str

    def rules(self, over: Rule, usual: Iterable[Rule]) -> Iterator[Rule]:
        """The rules of the status.

        :param over: the rule by which a follower answers when its hour is over.
        :param usual: those of a task whose end counts for nobody.
        """
        name = self.source.name
        given = keep("attempt", "failures", "redrives", "since")
        yield Rule(expression(f"{INPUT}.Status = '{passing.DONE}'"), name("settle late"), given)
        yield over
        yield from self._held()
        for rule in usual:
            # What these find, the usual rules behind them tell: an estimate goes by those.
            counts = expression(f"({code_of(rule.condition)}) and $exists({self.told}.number)")
            if rule.verdict in ("finished", "kept"):
                yield replace(rule, condition=counts, next=name("settle late"), verdict=None)
            elif rule.verdict in ("failed", "refused"):
                held = expression(f"$merge([{code_of(rule.output)}, {{'Status': '{passing.HELD}'}}])")
                yield replace(rule, condition=counts, next=name("read settled"), output=held, verdict=None)
            yield rule

    def _held(self) -> Iterator[Rule]:
        """Of one that is held. Its history is told so when only its part has been redriven."""
        relieve = self.source.name("relieve")
        yield Rule(expression(f"{_HELD} and $not({INPUT}.asked = {REDRIVE_COUNT})"), self.source.name("read settled"))
        since = expression(f"$merge([{INPUT}, {{'held': {INPUT}.owned}}])")
        yield Rule(expression(f"{_HELD} and $not($exists({INPUT}.held))"), relieve, since)
        again = expression(f"{_HELD} and {INPUT}.owned > {INPUT}.held")
        yield Rule(again, self.source.name("reclaim"), dict(_AGAIN))
        still = expression(f"$merge([{INPUT}, {{'redrives': {REDRIVE_COUNT}}}])")
        yield Rule(expression(f"{_HELD} and {REDRIVEN}"), relieve, still)
        yield Rule(expression(_HELD), self.source.name("still held"))

    def states(self) -> Iterator[State]:
        """The states behind these."""
        answer = self.source.name("answer")
        yield self._settle_late(answer)
        yield joins.wake(self.target, self.source.name("unpark"), answer, answer)
        yield self._read()
        yield self._block()
        yield self._blocked()
        yield self._park()

    @property
    def _place(self) -> SettlingPlace:
        return any_place(self.source, 0)

    def _settled(self, done: str, blocked: str) -> str:
        """Whether sets of these sizes hold all tasks: ``Done`` holds nobody's number as well."""
        return f"{done} + {blocked} > {self.told}.of"

    def _write(
        self, step: Step, call: Call, write: Write, values: Mapping[str, Any], how: Mapping[str, Any], **flow: Any
    ) -> Task:
        arguments = joins.update(self.target, self.source.run, items.RUN_ITEM, write, values, **how)
        return Task(self.source.name(step), call, arguments, partition=self.target.partition, **flow)

    def _settle_late(self, answer: str) -> Task:
        token = f"{_ITEM}.{items.PARKED}.S"
        settled = self._settled(_count(items.DONE), _count(items.BLOCKED))
        return self._write(
            "settle late",
            calls.UPDATE_JOIN_ITEM,
            items.SETTLE_LATE,
            {"task": [rendered(self._place.number)]},
            {"answered": True},
            next=self.source.name("unpark"),
            output=joins.token_if(f"{settled} and $exists({token})", token),
            retry=calls.DYNAMODB_RETRY,
            catch=(Catch((calls.NOT_EVALUATED,), answer, expression(INPUT)),),
        )

    def _read(self) -> Task:
        return read(self.source, self.target, "read settled", self.source.name("status"))

    def _block(self) -> Task:
        usual, instead = (f"'{dynamodb.changed(one)}'" for one in (items.BLOCK_NOW, items.BLOCK_UNKNOWABLE_NOW))
        failure = fields(task=self.source.task, statement=f"{INPUT}.statement", cause=f"{INPUT}.cause")
        first = code_object(**{name: f"{_ITEM}.{items.FAILURE}.M.{name}.S" for name in failure})
        seen = code_object(first=first, done=_count(items.DONE), blocked=_count(items.BLOCKED))
        return self._write(
            "block",
            calls.UPDATE_JOIN_ITEM,
            items.BLOCK_NOW,
            {
                "blocked": expression(f"[$map({self._place.blocked}, function($number) {{$string($number)}})]"),
                "failure": failure,
                **fields(redrives=f"$string({INPUT}.owned)"),
            },
            {
                "change": expression(f"$contains({INPUT}.statement, '{SLASH}') ? {instead} : {usual}"),
                "answered": True,
            },
            next=self.source.name("blocked"),
            output=expression(f"$merge([{INPUT}, {seen}])"),
            comment="Holds the failure back until all that does not depend on the task has ended.",
            retry=calls.DYNAMODB_RETRY,
            catch=(Catch((calls.CONDITION_FAILED,), self.source.name("read settled"), expression(INPUT)),),
        )

    def _blocked(self) -> Choice:
        settled = expression(self._settled(f"{INPUT}.done", f"{INPUT}.blocked"))
        first = expression(f"$merge([{INPUT}, {INPUT}.first])")
        return Choice(
            self.source.name("blocked"),
            (
                Rule(settled, self.source.name(self.source.recording), first),
                Rule(expression(self.over), self.source.name("relieve")),
            ),
            default=self.source.name("park"),
        )

    def _park(self) -> Task:
        again = self.source.name("read settled")
        otherwise = (calls.NOTHING_TO_WAIT_FOR, calls.TIMEOUT)
        return self._write(
            "park",
            calls.UPDATE_JOIN_ITEM_AND_WAIT,
            items.PARK_NOW,
            fields(
                token=joins.MINE,
                done=f"$string({INPUT}.done)",
                blocked=f"$string({INPUT}.blocked)",
                redrives=f"$string({INPUT}.owned)",
            ),
            {},
            next=again,
            output=expression(INPUT),
            timeout=expression(f"$max([1, $min([{_PATIENCE}, {self.left}])])"),
            retry=calls.JOIN_RETRY,
            catch=(Catch(otherwise, again, expression(INPUT)),),
        )


def _count(attribute: str) -> str:
    """How many members the set has; integrations differ in how they write its type (SS or Ss)."""
    return f"$count({_ITEM}.{attribute}.*)"
