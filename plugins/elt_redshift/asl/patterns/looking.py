"""Looking for a statement by its name, and what follows a call that was refused.

A task's state ``find`` lists the attempt's statement. It is there: the task follows it, however it came to be lost
sight of. It is not there: it was never submitted, if it would still be remembered; otherwise its outcome is unknowable,
and the run is held until ``elt-redshift redrive --assume`` says what to take it for.
https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ListStatements.html

A refused call leaves ``refused``, the error's name and text. What passes by itself
(:mod:`elt_redshift.protocol.errors`) is asked again, about an hour and a half long, and some eight
hours where Step Functions itself makes the call a dozen times before that; the rest is recorded as the task's
failure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from elt_redshift.asl.language import calls
from elt_redshift.asl.language.jsonata import INPUT, REDRIVEN, Code, code, code_object, expression, joined
from elt_redshift.asl.language.states import Catch, Task
from elt_redshift.asl.patterns import listing, passing
from elt_redshift.asl.patterns.repeating import shows
from elt_redshift.asl.patterns.source import Source
from elt_redshift.asl.patterns.words import WHY, in_plain_words
from elt_redshift.asl.target import Target
from elt_redshift.job.model import EltJob
from elt_redshift.protocol import errors, statements
from elt_redshift.protocol.audit import ASSUME_DONE, ASSUME_NOT_DONE
from elt_redshift.protocol.limits import LONGEST_STATEMENT, MAX_MESSAGE
from elt_redshift.protocol.messages import REFUSED, UNSEEN, forgotten

#: A call whose error passes is made again after so many pauses at most; each at most so many seconds long.
MAX_PAUSES = 120
LONGEST_PAUSE = 60

_PAUSES = f"$sum([0, {INPUT}.pauses])"

#: A call about the statement was refused …
IS_REFUSED = f"{INPUT}.Status = '{passing.REFUSED}'"

#: … with an error that passes by itself.
ASK_AGAIN = f"{IS_REFUSED} and {_PAUSES} < {MAX_PAUSES} and {shows(f'{INPUT}.refused', *errors.PASSING)}"

#: Seconds until it is made again.
PAUSE = f"$ceil($min([{LONGEST_PAUSE}, $power(2, {_PAUSES} + 1)]) * (1 + $random()) / 2)"

#: What is known behind the pause: of a refused call, as much as before; otherwise another attempt is to be made.
RETRIED = (
    f"($i := {INPUT}; $r := $i.Status = '{passing.REFUSED}'; $n := $r ? 0 : 1; "
    "{'attempt': $i.attempt + $n, 'failures': $i.failures + $n, 'redrives': $i.redrives, "
    f"'since': $r ? $i.since : $millis(), 'Status': $r ? '{passing.UNKNOWN}' : '{passing.NEW}', "
    "'pauses': $r ? $sum([1, $i.pauses]) : 0})"
)


def refused(more: str = "{}", unless: str | None = None) -> str:
    """The output of a catcher: the state's input, ``more`` (JSONata), and name and text of the error.

    :param unless: when the error is none.
    """
    why = f"{{'refused': {WHY}}}"
    return expression(f"$merge([{INPUT}, {more}, {why if unless is None else f'{unless} ? {{}} : {why}'}])")


def refusal() -> str:
    """What ``record`` needs to know of a refused call: it tells the service's words."""
    words = in_plain_words("$i.refused", before=f"($unseen ? '' : '{REFUSED}')")
    told = code_object(
        attempt="$i.attempt",
        redrives="$i.redrives",
        since="$i.since",
        statement=f"$exists($i.Id) ? $i.Id : '{statements.NO_STATEMENT}'",
        cause=f"$substring(($unseen ? '{UNSEEN}' : '') & {words}, 0, {MAX_MESSAGE})",
    )
    return expression(f"($i := {INPUT}; $unseen := $exists($i.Id) or $exists($i.unlisted); {told})")


@dataclass(frozen=True)
class LookingPattern:
    """How the statement of a task's attempt is looked for.

    :param name: what its name begins with.
    :param which: JSONata that picks it from what was listed; ``$n`` is that name.
    """

    job: EltJob
    source: Source
    target: Target
    name: Code
    which: str = ""

    def state(self, counters: Mapping[str, int]) -> Task:
        """The state ``find``.

        :param counters: what begins at 0 where the statement is there.
        """
        return Task(
            self.source.name("find"),
            calls.LIST_STATEMENTS,
            listing.request(self.job, self.target, self.name, statements.ANY),
            next=self.source.name("status"),
            output=expression(
                f"($i := {INPUT}; $n := {self.name}; $s := $states.result.Statements{self.which}[0]; "
                f"$merge([$i, $exists($s) ? {self._there(counters)} : {self._missing()}]))"
            ),
            catch=(Catch((calls.ANY_ERROR,), self.source.name("status"), self._unlisted()),),
            partition=self.target.partition,
        )

    def _unlisted(self) -> str:
        """An error that passes is asked again by way of the status, since a submission that was refused may follow one
        that was not: nobody knows before the look. Otherwise why the submission was refused is told rather."""
        passes = f"{shows('$why', *errors.PASSING)} ? {{'refused': $why, 'unlisted': true}} : {{}}"
        merged = f"$merge([{{'refused': $why}}, {INPUT}, {passes}, {{'Status': '{passing.REFUSED}'}}])"
        return expression(f"($why := {WHY}; {merged})")

    def _there(self, counters: Mapping[str, int]) -> str:
        timeout = self.source.timeout
        deadline = {} if timeout is None else {"deadline": f"$toMillis($s.CreatedAt) + {code(timeout)} * 1000"}
        return code_object(
            Id="$s.Id",
            Status="$s.Status",
            **{name: str(value) for name, value in counters.items()},
            **deadline,
            **({"submitted": "$s.CreatedAt"} if self.source.reports else {}),
        )

    def _missing(self) -> str:
        """A refused submission has left nothing: another one is a new one. Of one that may have been forgotten nobody
        knows anything, unless somebody has said what to take it for."""
        oldest = int(LONGEST_STATEMENT.total_seconds()) * 1000
        never = f"{{'Status': '{passing.REFUSED}', 'since': {passing.NOT_SUBMITTED}}}"
        lost = f"$millis() - $i.since > {oldest} and $not($i.assumed = '{ASSUME_NOT_DONE}')"
        done = f"$i.assumed = '{ASSUME_DONE}' ? {{'Status': '{passing.KEPT}'}}"
        not_there = f"{{'Status': '{passing.NEW}', 'since': $millis()}}"
        otherwise = f"{lost} ? ({done} : {self._forgotten()}) : {not_there}"
        return f"$exists($i.refused) and $not({REDRIVEN}) ? {never} : {otherwise}"

    def _forgotten(self) -> str:
        """The task fails, and holds the job; so does another redrive, unless somebody says what to take it for."""
        words = joined("Forgotten ", *forgotten(Code("$n"), self.source.task, self.job.name))
        status = f"'Status': '{passing.REFUSED}', 'since': {passing.FORGOTTEN}"
        return f"{{{status}, 'Id': $n, 'refused': {words}}}"
