"""How a run ended, as the state machine behind its end finds it out: by the event, by DescribeExecution, and by the
audit item.

What the states pass on: ``executionArn``, ``name``, ``status``, ``redriveCount`` (of the event, or -1), ``redrives``
(as described), ``startDate``, ``stopDate`` (epoch milliseconds), ``looks``, ``message`` (why it ended, or did
nothing), ``parameters`` (JSON), ``by``, ``resumed``; and, once the item was read, ``outcome``, ``task``, ``statement``,
``after``.
"""

from __future__ import annotations

from elt_redshift.asl.language.jsonata import INPUT, code_object, described_date, expression, fields
from elt_redshift.asl.language.jsonata import literal as text
from elt_redshift.asl.patterns.words import CHILD_FAILED, end_in_plain_words
from elt_redshift.protocol import audit, executions, messages, records
from elt_redshift.protocol.limits import MAX_MESSAGE
from elt_redshift.protocol.statements import NO_STATEMENT

#: How often the run that has ended was redriven.
REDRIVES = f"$max([{INPUT}.redriveCount, {INPUT}.redrives])"

_FOUND = "$states.result"
_TELLS_TASK = "$contains($r.message, /^{}[A-Za-z][A-Za-z0-9_]*{}/)".format(*messages.TASK_FAILED)


def described() -> dict[str, str]:
    """What DescribeExecution's answer tells."""
    told, start = f"{INPUT}.redriveCount", f"{INPUT}.startDate"
    return fields(
        redriveCount=f"$type({told}) = 'number' ? {told} : -1",
        looks=f"$exists({INPUT}.looks) ? {INPUT}.looks + 1 : 1",
        name=f"{_FOUND}.Name",
        status=f"{_FOUND}.Status",
        redrives=f"$exists({_FOUND}.RedriveCount) ? {_FOUND}.RedriveCount : 0",
        startDate=f"$type({start}) = 'number' ? {start} : {_millis('StartDate')}",
        stopDate=_millis("StopDate"),
        message=f"$substring({_message()}, 0, {MAX_MESSAGE})",
        **{
            name: f"($v := {given(f'{_FOUND}.Input', path)}; $exists($v) ? $string($v) : '')"
            for name, path in (("parameters", "parameters"), ("by", executions.STARTED_BY), ("resumed", "resume.from"))
        },
    )


def given(text: str, path: str) -> str:
    """What an execution's input holds at ``path``; nothing where it is not there. Whatever is JSON may be an input."""
    return f"($g := $type({text}) = 'string' ? $parse({text}) : {{}}; $type($g) = 'object' ? $g.{path})"


def facts() -> str:
    """What is known once the audit item was read, which tells of the run's failure as long as it is the run's."""
    # The item may still tell of the failure before the last redrive. A Map Run tells only that some child has failed.
    fits = f"({_TELLS_TASK} or $r.message in [$i.{audit.MESSAGE}.S, {text(CHILD_FAILED)}])"
    mine = f"($i.{audit.OWNER}.S = $r.executionArn and $i.{audit.JOB_STATE}.S = '{audit.FAILED}' and {fits})"

    def told(attribute: str, otherwise: str = "''") -> str:
        path = f"$i.{attribute}.S"
        return f"$mine and $exists({path}) ? {path} : {otherwise}"

    task, statement = f"$i.{audit.FAILED_TASK}.S", f"$i.{audit.FAILED_STATEMENT}.S"
    found = {
        "outcome": _outcome(),
        "task": f"$mine and {task} != '{audit.NO_TASK}' ? {task} : {_task_in_message()}",
        "statement": f"$mine and {statement} != '{NO_STATEMENT}' ? {statement} : ''",
        "message": told(audit.MESSAGE, "$r.message"),
        "after": told(audit.AFTER_FAILURE),
    }
    return expression(f"($r := {INPUT}; $i := {_FOUND}.Item; $mine := {mine}; $merge([$r, {code_object(**found)}]))")


def _outcome() -> str:
    stuck = f"$contains($r.message, /{messages.STUCK}/)"
    return (
        f"$r.status = '{executions.ABORTED}' ? '{records.STOPPED}' : "
        f"$r.status = '{executions.TIMED_OUT}' ? '{records.LATE}' : "
        f"{stuck} ? '{records.HELD}' : $r.status = '{executions.FAILED}' ? '{records.BROKEN}' : "
        f"$r.message = '' ? '{records.DONE}' : '{records.SKIPPED}'"
    )


def _task_in_message() -> str:
    """The task whose failure the execution's cause is, where the item is another run's by now."""
    before, behind = messages.TASK_FAILED
    return f"{_TELLS_TASK} ? $substringBefore($substringAfter($r.message, '{before}'), '{behind}') : ''"


def _millis(date: str) -> str:
    """A date of DescribeExecution's. One in another form than that of the documentation counts as now."""
    return described_date(f"{_FOUND}.{date}", otherwise="$millis()")


def _message() -> str:
    """Why the run ended, or did nothing, in words that a person may read: no inner workings of Step Functions. Empty of
    one that has done its work."""
    stopped = text("The execution was stopped, and no reason was given.")
    late = text("The execution ran into its time limit.")
    return (
        f"($e := {_text('Error')}; $c := {_text('Cause')}; $s := {_FOUND}.Status; "
        f"$s = '{executions.SUCCEEDED}' ? {_skipped()} : $s = '{executions.TIMED_OUT}' ? {late} : "
        f"$s = '{executions.ABORTED}' ? ($c = '' ? {stopped} : $c) : {end_in_plain_words('$e', '$c')})"
    )


def _text(member: str) -> str:
    return f"$type({_FOUND}.{member}) = 'string' ? {_FOUND}.{member} : ''"


def _skipped() -> str:
    said = f"$parse({_FOUND}.Output).skipped"
    return f"($type({_FOUND}.Output) = 'string' and $type({said}) = 'string' ? {said} : '')"
