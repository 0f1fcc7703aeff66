"""Resumption: an execution goes on with the work of an earlier one, whose definition or lock it cannot have.

A redrive runs the definition that the execution started with, and never a mended one. So whoever lets a failed run go
on after its job was deployed anew starts another execution, with this in its input beside ``parameters``::

    "resume": {
        "from": the ARN of the earlier execution,
        "kept": the fingerprints of the tasks that are done and shall not run, one behind the other,
        "open": [{"task": name, "fingerprint": …, "by": …, "since": …}, …],    tasks of which nobody knows yet whether
                                                 they are done, the execution that may have submitted them (default:
                                                 "from"), and from when on
        "asked": who asked for it, so that one wish is fulfilled once
    }

Each task knows its own fingerprint (:mod:`elt_redshift.asl.fingerprints`), and that is all it compares: what was
deployed meanwhile has another one and runs. A kept task submits nothing: the arguments of that call refuse to be
evaluated, and its ``status`` leads past everything to what follows the task. Nobody else pays for it. ::

    acquire lock ──open tasks──> acquire lock to resume ──────────┐
        │ held after the failure, and reserved for this execution  v
        v                                                find finished statements ──> tasks
    read lock, judge lock, ask for owner, find left statements …   ^
                                    └──none left──> take over lock ┘

When the statements of the earlier execution have all ended, by themselves or cancelled, those that have finished tell
which of the open tasks are done. The state machine asks that itself, since its role may see them. Where it is not told,
or so late that a statement is forgotten, it does not guess::

    find finished statements ──> judge finished statements ──> tasks
                    ^                        │ not told of one
                    │                        v
        reclaim lock to resume <── statement is unfound <── record unfound statement      the item is Failed, by that
          after a redrive               (the gate)                                        task
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from elt_redshift.asl.language import calls
from elt_redshift.asl.language.jsonata import (
    EXECUTION_ARN,
    EXECUTION_NAME,
    INPUT,
    REDRIVE_COUNT,
    RESUMED,
    Code,
    code_object,
    expression,
    fields,
    gate,
    joined,
    keep,
    rendered,
)
from elt_redshift.asl.language.states import Catch, Choice, Flow, Map, Rule, State, Succeed, Task
from elt_redshift.asl.patterns import listing
from elt_redshift.asl.patterns.holding import hold_or_release
from elt_redshift.asl.patterns.words import WHY, in_plain_words
from elt_redshift.asl.target import Target
from elt_redshift.job.model import EltJob
from elt_redshift.protocol import audit, dynamodb, messages, statements
from elt_redshift.protocol.limits import LONGEST_STATEMENT, MAX_MESSAGE

#: The variable that holds the fingerprints of kept tasks.
VARIABLE = "kept"

FIND_FINISHED = "find finished statements"

#: The variable that holds what somebody has said to take the statements of open tasks for, by their names. What was
#: said before an earlier redrive counts too: these statements were submitted by others, and cannot be any again.
ASSUMED = "assumed"

#: Whether there are tasks of which it is not known whether they are done.
OPEN = f"$exists({RESUMED}.open)"

#: Whether that is to be looked into before: there are some, or what is kept is no text, as a program would write it.
LATER = f"$exists({RESUMED}) and ($exists({RESUMED}.open) or $type({RESUMED}.kept) != 'string')"

_GIVEN = f"$exists({RESUMED}.kept) ? {RESUMED}.kept : ''"


def variables() -> dict[str, Any]:
    """What is assigned when the lock is taken."""
    return {VARIABLE: expression(_GIVEN), ASSUMED: {}}


def is_kept(fingerprint: str) -> str:
    """Whether the task with a fingerprint, both JSONata, need not run."""
    return f"$contains(${VARIABLE}, {fingerprint})"


@dataclass(frozen=True)
class ResumptionPattern:
    """Builds the states that find out which of the open tasks are done.

    :param next: the first state of the tasks.
    :param given: what that gets.
    """

    job: EltJob
    target: Target
    next: str
    given: Mapping[str, Any]

    def states(self) -> Iterator[State]:
        """The states, the first one first."""
        yield self._find()
        yield Choice(
            "judge finished statements",
            (Rule(expression(f"$not($exists({INPUT}.unfound.task))"), self.next, keep(*self.given)),),
            default="record unfound statement",
        )
        yield self._record()
        yield Choice("statement is unfound", (Rule(gate(self._cause()), "reclaim lock to resume", {}),))
        yield self._reclaim()

    def _find(self) -> Map:
        """Adds to the kept tasks those of the open ones that have a finished statement. Where that cannot be known of
        one, it is told instead of its fingerprint."""
        unfound = "$states.result[$type($) = 'object']"
        found = "$states.result[$type($) = 'string']"
        return Map(
            FIND_FINISHED,
            items=expression(f"{OPEN} ? {RESUMED}.open : []"),
            processor=Flow((self._look(), Succeed("statement is untold"))),
            next="judge finished statements",
            output={**self.given, **fields(unfound=f"$exists({unfound}) ? {unfound}[0] : {{}}")},
            assign={VARIABLE: expression(f"({_GIVEN}) & ' ' & $join([{found}], ' ')")},
        )

    def _look(self) -> Task:
        execution = f"($exists({INPUT}.by) ? {INPUT}.by : $split({RESUMED}.from, ':')[-1])"
        name = Code("$n")
        beginning = joined(*statements.beginning(self.job.job_id, Code(execution), Code(f"{INPUT}.task")))
        forgotten = joined(messages.UNSEEN, *messages.forgotten(name, Code(f"{INPUT}.task"), self.job.name))
        untold = f"'{messages.UNSEEN}' & {in_plain_words(WHY)}"
        return Task(
            "find finished statement",
            calls.LIST_STATEMENTS,
            listing.request(self.job, self.target, beginning, statements.FINISHED),
            next=None,
            output=expression(
                f"$exists($states.result.Statements[0].Id) ? {INPUT}.fingerprint : "
                f"$not({_OLD}) ? '' : {self._said} = '{audit.ASSUME_DONE}' ? {INPUT}.fingerprint : "
                f"{self._said} = '{audit.ASSUME_NOT_DONE}' ? '' : ({name} := {beginning}; {_unfound(name, forgotten)})"
            ),
            retry=calls.DATA_API_RETRY,
            catch=(
                Catch(
                    (calls.ANY_ERROR,),
                    "statement is untold",
                    expression(_unfound(f"'{statements.NO_STATEMENT}'", untold)),
                ),
            ),
            partition=self.target.partition,
        )

    @property
    def _said(self) -> str:
        """What somebody has said to take the task's statement for."""
        return f"$lookup(${ASSUMED}, {INPUT}.task)"

    def _record(self) -> Task:
        """As a task's failure: one that nobody can know anything of holds the job, whatever the policy is."""
        unfound = f"{INPUT}.unfound"
        values = {
            "after": rendered(hold_or_release(self.job, f"{unfound}.statement")),
            **fields(owner=EXECUTION_ARN, redrives=f"$string({INPUT}.redrives)", end="$now()"),
            **fields(**{name: f"{unfound}.{name}" for name in ("task", "statement", "message")}),
        }
        return Task(
            "record unfound statement",
            calls.UPDATE_ITEM,
            dynamodb.update(self.target.audit_table, audit.key(self.job.job_id), audit.RECORD, values),
            next="statement is unfound",
            output=expression(INPUT),
            retry=calls.DYNAMODB_RETRY,
            catch=(Catch((calls.CONDITION_FAILED,), "statement is unfound", expression(INPUT)),),
            partition=self.target.partition,
        )

    def _cause(self) -> Code:
        unfound = f"{INPUT}.unfound"
        return joined(*messages.task_failed(Code(f"{unfound}.task"), Code(f"{unfound}.message")))

    def _reclaim(self) -> Task:
        claim = fields(owner=EXECUTION_ARN, redrives=f"$string({REDRIVE_COUNT})")
        return Task(
            "reclaim lock to resume",
            calls.UPDATE_ITEM,
            dynamodb.update(self.target.audit_table, audit.key(self.job.job_id), audit.RECLAIM, claim, answered=True),
            next=FIND_FINISHED,
            output=fields(redrives=REDRIVE_COUNT),
            assign={ASSUMED: self._all_said()},
            retry=calls.DYNAMODB_RETRY,
            partition=self.target.partition,
        )

    def _all_said(self) -> str:
        """To what is known is added what somebody has said before this redrive."""
        now = joined(*audit.assumed_in(Code(EXECUTION_NAME), Code(f"$string({REDRIVE_COUNT})"), ""))
        said = "{ $substringAfter($k, $now): $lookup($all, $k).S}"
        more = f"$map($keys($all)[$contains($, $now)], function($k) {{ {said} }})"
        return expression(
            f"($all := $states.result.Attributes.{audit.ASSUMED}.M; $now := {now}; $merge([${ASSUMED}, {more}]))"
        )


#: An open task may have been submitted so long ago that the Data API has forgotten its statement. Both are ISO 8601 in
#: UTC with milliseconds, which sort as text.
_OLDEST = f"$fromMillis($millis() - {int(LONGEST_STATEMENT.total_seconds())} * 1000)"
_OLD = f"$exists({INPUT}.since) and {INPUT}.since < {_OLDEST}"


def _unfound(statement: str, message: str) -> str:
    """What is told of a task of which it cannot be known whether it is done."""
    return code_object(task=f"{INPUT}.task", statement=statement, message=f"$substring({message}, 0, {MAX_MESSAGE})")
