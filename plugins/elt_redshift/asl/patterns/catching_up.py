"""The states that catch up with runs whose ends nobody has followed: an event was lost, or the machine broke down.

::

    judge missed ──this end was missed itself──> judge next
         │                                          ^ │ some are missing
         v                                          │ v
      list runs ──> find runs ──────────────────────┘ follow missed run ──> settled

Each end looks at the newest runs. The machine is started anew for the first that is missing, with what its event would
have told, and with those that are to follow it; so one comes behind the other, and whoever was started so looks for no
more. What fails here fails nothing else: the next run looks again, and so does whoever asks for the history
(:mod:`elt_redshift.aws.archive`).
https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from elt_redshift.asl.language import calls
from elt_redshift.asl.language.jsonata import code, code_object, described_date, expression
from elt_redshift.asl.language.states import Call, Catch, Choice, Rule, State, Task
from elt_redshift.asl.patterns.recording import DAY
from elt_redshift.asl.target import Target
from elt_redshift.job.model import EltJob
from elt_redshift.protocol import executions, records
from elt_redshift.protocol.statements import SLASH

#: So many runs are looked at.
RUNS = 10

#: Milliseconds after a run's end in which its own event may still be under way, or followed.
UNDER_WAY = 10 * 60 * 1000

#: What the machine was started with.
_EVENT = "$states.context.Execution.Input"

_LIST, _FIND, _NEXT, _FOLLOW = "list runs", "find runs", "judge next", "follow missed run"


@dataclass(frozen=True)
class CatchUpPattern:
    """Builds these states.

    :param done: the state behind them.
    """

    job: EltJob
    target: Target
    done: str

    def states(self) -> Iterator[State]:
        """The states, the first one first."""
        known = Rule(expression(f"$exists({_EVENT}.missed)"), _NEXT, expression(f"{{'missed': {_EVENT}.missed}}"))
        yield Choice("judge missed", (known,), default=_LIST)
        machine = f"$join($split({_EVENT}.executionArn, ':')[[0..6]], ':')"
        request = code_object(
            StateMachineArn=f"$replace({machine}, ':execution:', ':stateMachine:')", MaxResults=str(RUNS)
        )
        yield self._task(_LIST, calls.LIST_EXECUTIONS, request, self._ended(), _FIND)
        yield self._task(_FIND, calls.QUERY_HISTORY, self._query(), _missing(), _NEXT)
        some = Rule(expression("$count($states.input.missed) > 0"), _FOLLOW)
        yield Choice(_NEXT, (some,), default=self.done)
        event = "$merge([$states.input.missed[0], {'missed': [$states.input.missed[[1..9]]]}])"
        start = code_object(StateMachineArn="$states.context.StateMachine.Id", Input=f"$string({event})")
        yield self._task(_FOLLOW, calls.START_FOLLOWING, start, "{}", self.done)

    def _task(self, name: str, call: Call, arguments: str, output: str, following: str) -> Task:
        return Task(
            name,
            call,
            expression(arguments),
            next=following,
            output=expression(output),
            catch=(Catch((calls.ANY_ERROR,), self.done, {}),),
            partition=self.target.partition,
        )

    def _ended(self) -> str:
        """Those that ended some time ago, but are to be kept still; as their events would tell of them."""
        started = described_date("StartDate", otherwise="0")
        run = code_object(
            executionArn="ExecutionArn",
            name="Name",
            redriveCount="$exists(RedriveCount) ? RedriveCount : 0",
            startDate=started,
            stopDate=described_date("StopDate", otherwise="0"),
            status="Status",
        )
        keeps = self.job.history_days * DAY * 1000
        past = f"status in {sorted(executions.ENDED)} and $t - stopDate > {UNDER_WAY} and $t - stopDate < {keeps}"
        return f"($t := $millis(); {{'ended': [$states.result.Executions.{run}[{past}]]}})"

    def _query(self) -> str:
        """All runs that began with the oldest of these, or after it; a second earlier, for times that were rounded."""
        since = "$count($states.input.ended) > 0 ? $min($states.input.ended.startDate) - 1000 : $millis()"
        values = code_object(
            **{":job": f"{{'S': {code(self.job.job_id)}}}", ":since": f"{{'S': $fromMillis({since})}}"}
        )
        return code_object(
            TableName=f"'{self.target.history_table}'",
            KeyConditionExpression="'#of = :job and #at >= :since'",
            FilterExpression="'attribute_exists(#told)'",
            ProjectionExpression="'#at, #told'",
            ExpressionAttributeNames=json.dumps({"#of": records.OF, "#at": records.AT, "#told": records.TOLD}),
            ExpressionAttributeValues=values,
        )


def _missing() -> str:
    """Those of which there is no item that tells of their last end."""
    kept = code_object(name=f"$substringAfter({records.AT}.S, '{SLASH}')", redrives=f"$number({records.TOLD}.N)")
    there = "$count($kept[name = $run.name and redrives >= $run.redriveCount]) > 0"
    missing = f"$filter($states.input.ended, function($run) {{$not({there})}})"
    return f"($kept := $states.result.Items.{kept}; {{'missed': [{missing}]}})"
