"""How often a run in parts has been redriven, as its parts learn it.

A part counts its own redrives, and that is another number: it may go on where its run was stopped and redriven; and it
may be redriven twice by one redrive of its run, if a stop of it comes late. DescribeExecution may tell of the run what
was so before. So the run item counts: a redrive of the run writes its number before it lets a part go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from elt_redshift.asl.language import calls
from elt_redshift.asl.language.jsonata import INPUT, REDRIVE_COUNT, Code, code, expression, fields
from elt_redshift.asl.language.names import StateName, Step
from elt_redshift.asl.language.states import Catch, Task
from elt_redshift.asl.patterns import joins
from elt_redshift.asl.patterns.failing import FailurePattern
from elt_redshift.asl.patterns.source import Source
from elt_redshift.asl.target import Target
from elt_redshift.protocol import joins as items


def go_on(target: Target, name: str, next: str) -> Task:
    """The state of the run that writes its count; what it passes on has it in ``counted``."""
    known = expression(f"$merge([{INPUT}, {{'counted': {REDRIVE_COUNT}}}])")
    count = fields(redrives=f"$string({REDRIVE_COUNT})")
    return Task(
        name,
        calls.UPDATE_JOIN_ITEM,
        joins.update(target, Code(f"${joins.VARIABLE}"), items.RUN_ITEM, items.GO_ON, count),
        next=next,
        output=known,
        retry=calls.DYNAMODB_RETRY,
        catch=(Catch((calls.CONDITION_FAILED,), next, known),),
        partition=target.partition,
    )


def read(source: Source, target: Target, step: Step, next: str, **more: Any) -> Task:
    """A follower's state that reads it; what it passes on has it in ``owned``."""
    told = f"{{'owned': $number($states.result.Attributes.{items.COUNTED}.N), 'asked': {REDRIVE_COUNT}}}"
    return Task(
        source.name(step),
        calls.UPDATE_JOIN_ITEM,
        joins.update(target, source.run, items.RUN_ITEM, items.COUNT, {}, answered=True),
        next=next,
        output=expression(f"$merge([{INPUT}, {told}])"),
        retry=calls.DYNAMODB_RETRY,
        partition=target.partition,
        **more,
    )


@dataclass(frozen=True)
class PartFailurePattern(FailurePattern):
    """How a task in a part fails, and takes the lock again, as its follower does it for it."""

    @property
    def _failed(self) -> Code:
        """Of failures that were held back, the first one is recorded, whichever task's it is."""
        return Code(f"($exists({INPUT}.task) ? {INPUT}.task : {code(self.source.task)})")

    def _ask(self, name: Step, following: StateName, owner: Code, **more: Mapping[str, Any]) -> Task:
        return read(self.source, self.target, name, following, **more)
