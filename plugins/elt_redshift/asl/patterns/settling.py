"""``on_task_failure: finish_independent``: a failed task fails the run only when all other tasks have *settled*.

A task is settled when it is done, or cannot start because one before it has failed, or has failed itself. The tasks are
numbered, and one *run item* in the table of join items holds two sets of their numbers: ``Done``, and for each redrive
count r ``Blocked<r>``. When the two hold all tasks, everything has settled. ::

    failed task f                             run item                    task t, which has ended
    ──────────────────────────────            ────────────────            ───────────────────────────────────
    f: block    ADD f and all that   ──────>  Done, Blocked<r>  <───────  t: settle       ADD t to Done, if and
        │       wait for it                                                   │           only if nothing has failed
    f: blocked  settled? ──yes──> f: record                                   │ something has
        v no                                                                  v
    f: park     store a token, if     ─────>  Parked<r>         ────────  t: settle late  ADD t to Done
        │       and only if the sets                                          │           (answers with all of it)
        │       have not grown  <───────────────────────────────────────  t: unpark       settled: send the token
        v
    f: block, f: blocked    settled: which failure is to be told?
        v
    f: record   the audit item becomes Failed; then the gate fails the run with that failure's message

The first failure is told, unless of another one nobody can know how its statement went: that one holds the job.

The sets only grow, so equal sizes mean equal sets: either the token is stored before the last task settles, and that
one is answered with it; or the condition fails, and f looks again. It does not matter which of several failed tasks
left its token there: when one fails the run, all end. ``docs/adr/0007`` has the interleavings.

After a redrive ``Done`` stays, ``Blocked<r>`` means nothing any more, and a failed task does not wait again: it leads
to its gate, which lets it pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from elt_redshift.asl.language import calls
from elt_redshift.asl.language.jsonata import (
    INPUT,
    REDRIVEN,
    Code,
    Value,
    code,
    expression,
    fields,
    keep,
    locked,
    rendered,
)
from elt_redshift.asl.language.names import Step
from elt_redshift.asl.language.states import Call, Catch, Choice, Rule, State, Succeed, Task
from elt_redshift.asl.patterns import joins
from elt_redshift.asl.patterns.any_task import AnyTask
from elt_redshift.asl.patterns.source import Source
from elt_redshift.asl.target import Target
from elt_redshift.graph.order import Order
from elt_redshift.protocol import dynamodb
from elt_redshift.protocol import joins as items
from elt_redshift.protocol.statements import SLASH
from elt_redshift.protocol.writes import Write

_DONE = f"$states.result.Attributes.{items.DONE}"


Range = tuple[int, int]


@dataclass(frozen=True)
class Settling:
    """What of a job is counted.

    :param numbers: of the tasks, from 1.
    :param blocked: for each of these, the numbers of all that cannot run once it has failed, itself included, as ranges
        (first, last).
    """

    numbers: Mapping[str, int]
    blocked: Mapping[str, tuple[Range, ...]]

    @classmethod
    def of(cls, upstream: Mapping[str, Sequence[str]], every: bool = False) -> Settling:
        """For the graph ``{task: its upstreams}``.

        :param every: also the tasks that never run side by side with others. They need no counting: when one of them
            fails, everything else is done or waits for it.
        """
        order = Order(upstream)
        downs = _downs(order)
        rest = len(order.tasks) - (0 if every else 1)
        counted = [task for task in _depth_first(order, downs) if order.related(task).bit_count() < rest]
        numbers = {task: number for number, task in enumerate(counted, 1)}
        behind = [0] * len(order.tasks)  # sets of numbers, as integers with their bits set
        for task in reversed(order.topological):
            behind[task] = 1 << numbers[task] if task in numbers else 0
            for down in downs[task]:
                behind[task] |= behind[down]
        named = {order.tasks[task]: number for task, number in numbers.items()}
        return cls(named, {order.tasks[task]: tuple(_ranges(behind[task])) for task in counted})

    def in_job_file(self, task: str) -> dict[str, str]:
        """What the item of ``task`` says about it; :func:`any_place` reads it."""
        blocks = ",".join(f"{first}-{last}" for first, last in self.blocked[task])
        return {"number": str(self.numbers[task]), "blocks": blocks}

    def place(self, task: str) -> SettlingPlace:
        """What the states of ``task`` need to know."""
        ranges = ",".join(str(first) if first == last else f"{first}..{last}" for first, last in self.blocked[task])
        return SettlingPlace(str(self.numbers[task]), Code(f"[{ranges}]"), len(self.numbers))


def _downs(order: Order) -> list[list[int]]:
    downs: list[list[int]] = [[] for _ in order.tasks]
    for task, ups in enumerate(order.direct):
        for up in ups:
            downs[up].append(task)
    return downs


def _depth_first(order: Order, downs: Sequence[Sequence[int]]) -> Iterator[int]:
    """The tasks in an order in which what stands behind one is likely to be a few ranges."""
    seen, stack = 0, [task for task in reversed(order.topological) if not order.direct[task]]
    while stack:
        task = stack.pop()
        if not seen >> task & 1:
            seen |= 1 << task
            yield task
            stack += reversed(downs[task])


def _ranges(members: int) -> Iterator[Range]:
    """The runs of bits set in ``members``."""
    while members:
        first = (members & -members).bit_length() - 1
        run = members >> first
        length = (~run & run + 1).bit_length() - 1
        yield first, first + length - 1
        members = run >> length << first + length


@dataclass(frozen=True)
class SettlingPlace:
    """Of a task its ``number``, in digits, and those that it ``blocked``, as JSONata; how many ``tasks`` count."""

    number: Value
    blocked: Code
    tasks: int


def any_place(source: AnyTask, tasks: int) -> SettlingPlace:
    """The same where the task is known at run time only, from the job file."""
    parse = "function($range) {($ends := $split($range, '-'); [$number($ends[0])..$number($ends[1])])}"
    ranges = f"$map($split({source.blocks}, ','), {parse})"
    joined = f"$reduce({ranges}, function($all, $some) {{$append($all, $some)}}, [])"
    return SettlingPlace(source.number, Code(joined), tasks)


@dataclass(frozen=True)
class SettlePattern:
    """The states by which a task counts as done, or holds its failure back until the rest has settled.

    :param next: the state behind a task that has ended well; None: it ends its branch.
    """

    source: Source
    place: SettlingPlace
    target: Target
    next: str | None

    def done(self) -> Iterator[State]:
        """The states behind a statement that has finished; the first one is all that a healthy run enters."""
        end = self.next or self.source.name("done")
        yield self._settle()
        yield self._settle_late(end)
        yield joins.wake(self.target, self.source.name("unpark"), self.next, end)
        if self.next is None:
            yield Succeed(end)

    def failed(self) -> Iterator[State]:
        """The states between the failure and its record, the first one first."""
        yield self._block()
        yield Choice(
            self.source.name("blocked"),
            (
                Rule(expression(REDRIVEN), self.source.name("failed")),
                Rule(
                    expression(self._settled(f"{INPUT}.done", f"{INPUT}.blocked")),
                    self.source.name(self.source.recording),
                ),
            ),
            default=self.source.name("park"),
        )
        yield self._park()

    def _settled(self, done: str, blocked: str) -> str:
        """Whether sets of these sizes hold all tasks: ``Done`` holds nobody's number as well."""
        return f"{done} + {blocked} > {self.place.tasks}"

    def _write(
        self, name: Step, call: Call, write: Write, values: Mapping[str, Any], how: Mapping[str, Any], **flow: Any
    ) -> Task:
        arguments = joins.update(self.target, self.source.run, items.RUN_ITEM, write, values, **how)
        return Task(self.source.name(name), call, arguments, partition=self.target.partition, **flow)

    def _settle(self) -> Task:
        return self._write(
            "settle",
            calls.UPDATE_JOIN_ITEM,
            items.SETTLE,
            self._me(),
            {"names": _names(self.source.least_redrives, items.BLOCKED)},
            next=self.next,
            output=expression(INPUT),
            retry=calls.DYNAMODB_RETRY,
            catch=(Catch((calls.CONDITION_FAILED,), self.source.name("settle late"), expression(INPUT)),),
        )

    def _settle_late(self, end: str) -> Task:
        now = self.source.least_redrives
        token = f"{_found(items.PARKED, now)}.S"
        settled = self._settled(_count(_DONE), _count(_found(items.BLOCKED, now)))
        return self._write(
            "settle late",
            calls.UPDATE_JOIN_ITEM,
            items.SETTLE_LATE,
            self._me(),
            {"answered": True},
            next=self.source.name("unpark"),
            output=joins.token_if(f"{settled} and $exists({token})", token),
            retry=calls.DYNAMODB_RETRY,
            catch=(Catch((calls.NOT_EVALUATED,), end, expression(INPUT)),),
        )

    def _me(self) -> dict[str, Any]:
        return {"task": [rendered(self.place.number)]}

    def _block(self) -> Task:
        then = self.source.failed_at
        numbers = f"[$map({self.place.blocked}, function($number) {{$string($number)}})]"
        failure = fields(
            # Whose failure it is, for a task that comes here again.
            task=f"$exists({INPUT}.task) ? {INPUT}.task : {code(self.source.task)}",
            statement=f"{INPUT}.statement",
            cause=f"{INPUT}.cause",
        )
        names = _names(then, items.BLOCKED, items.FAILURE)
        usual, instead = (f"'{dynamodb.changed(write, names)}'" for write in (items.BLOCK, items.BLOCK_UNKNOWABLE))
        change = expression(f"$contains({INPUT}.statement, '{SLASH}') ? {instead} : {usual}")
        first = {name: f"{_found(items.FAILURE, then)}.M.{name}.S" for name in failure}
        return self._write(
            "block",
            calls.UPDATE_JOIN_ITEM,
            items.BLOCK,
            {"blocked": expression(numbers), "failure": failure},
            {"names": names, "change": change, "answered": True},
            next=self.source.name("blocked"),
            output={
                **keep("attempt", "redrives", "since"),
                **fields(**first, done=_count(_DONE), blocked=_count(_found(items.BLOCKED, then))),
            },
            comment="Holds the failure back until all that does not depend on the task has ended.",
            retry=calls.DYNAMODB_RETRY,
        )

    def _park(self) -> Task:
        otherwise = (calls.NOTHING_TO_WAIT_FOR, calls.NOT_EVALUATED, calls.TIMEOUT)
        names = _names(self.source.failed_at, items.BLOCKED, items.PARKED)
        return self._write(
            "park",
            calls.UPDATE_JOIN_ITEM_AND_WAIT,
            items.PARK,
            fields(token=joins.MINE, done=f"$string({INPUT}.done)", blocked=f"$string({INPUT}.blocked)"),
            {"names": names, "condition": rendered(locked(dynamodb.demanded(items.NOT_GROWN, names)))},
            next=self.source.name("block"),
            output=expression(INPUT),
            timeout=joins.LONGEST_WAIT,
            retry=calls.JOIN_RETRY,
            catch=(Catch(otherwise, self.source.name("block"), expression(INPUT)),),
        )


def _names(redrives: Code, *attributes: str) -> dict[str, str]:
    """The names of attributes that belong to a number of redrives."""
    return {name: expression(f"'{name}' & {redrives}") for name in attributes}


def _found(name: str, redrives: Code) -> str:
    """Such an attribute of the item that a write was answered with."""
    return f"$lookup($states.result.Attributes, '{name}' & {redrives})"


def _count(attribute: str) -> str:
    """How many members the set has; integrations differ in how they write its type (SS or Ss)."""
    return f"$count({attribute}.*)"
