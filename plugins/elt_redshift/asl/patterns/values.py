"""The values of a job's parameters, checked and bound by the state machine itself.

An execution may be started by anybody: by hand, by a schedule, by an event. What it is given is judged in the arguments
of the call that takes the lock, so before the lock is taken and in no state of its own; a refusal is the execution's
cause, in words. The rules are those of :mod:`elt_redshift.job.parameters`, and both are held to one file of test
vectors. JSONata's numbers are JavaScript's, so a number of 1e15 and more, or of more digits than 15, is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from elt_redshift.asl.language.jsonata import Code, expression, literal
from elt_redshift.job.model import EltJob, Parameter
from elt_redshift.job.parameters import (
    DATE,
    EMPTY,
    INTEGER,
    MOST,
    NUMBER,
    ROUNDED,
    TIMESTAMP,
    WORDS,
)
from elt_redshift.job.parts import ParameterType

_INPUT = "$states.context.Execution.Input"
_GIVEN = f"{_INPUT}.parameters"

#: No engine takes a line end for the end of the text, which ``$`` may mean.
_IS = "$is := function($v, $r) {$type($v) = 'string' and $contains($v, $r) and $not($contains($v, '\\n'))}; "
#: JSONata reads no number that begins with 0.
_DAY = (
    "$day := function($v) {($y := $number('1' & $substring($v, 0, 4)) - 10000; "
    "$m := $number('1' & $substring($v, 5, 2)) - 100; $d := $number('1' & $substring($v, 8, 2)) - 100; "
    "$y > 0 and $m > 0 and $m < 13 and $d > 0 and $d <= ($m = 2 ? ($y % 4 = 0 and ($y % 100 != 0 or $y % 400 = 0) "
    "? 29 : 28) : $m in [4, 6, 9, 11] ? 30 : 31))}; "
)
_NUMERIC = f"$type($v) = 'number' and $abs($v) < {MOST}"

#: Whether what a resumption is told is none that a program has written, as far as the states of a run rely on it.
_STRANGE = (
    "$r := $all.resume; $o := $r.open; $strange := $exists($r) and ($type($r) != 'object' or $exists($o) and "
    "($type($o) != 'array' or $type($r.from) != 'string' or $count($o.task) != $count($o) or "
    "$count($o.fingerprint) != $count($o)) or "
    "$count([$r.kept, $o.task, $o.fingerprint, $o.by, $o.since][$type($) != 'string']) > 0); "
)
STRANGE_RESUME = "The input's 'resume' is not elt-redshift's: start without it, or use `elt-redshift redrive`."

#: Of each type: whether ``$v`` is of it.
_FITS: Mapping[ParameterType, str] = {
    "text": "$type($v) = 'string'",
    "integer": f"({_NUMERIC} and $floor($v) = $v) or $is($v, /^{INTEGER}$/)",
    "number": f"({_NUMERIC} and $number($string($v)) = $v) or $is($v, /^{NUMBER}$/)",
    "boolean": "$type($v) = 'boolean' or ($type($v) = 'string' and $lowercase($v) in ['true', 'false'])",
    "date": f"$is($v, /^{DATE}$/) and $day($v)",
    "timestamp": f"$is($v, /^{TIMESTAMP}$/) and $day($v)",
}


def checked(job: EltJob, then: Code, resume: bool = False) -> Code:
    """``then``, once the input and the values in it are right; else an error that says all that is wrong.

    :param resume: also what is told of a run whose work is gone on with.
    """
    looked, strange = (_STRANGE, f"$strange ? [{literal(STRANGE_RESUME)}] : ") if resume else ("", "")
    names = [parameter.name for parameter in job.parameters]
    known = literal(f"'. The job has {', '.join(names) or 'none'}.")
    mistakes = ", ".join(_mistake(parameter) for parameter in job.parameters)
    return Code(
        f"($all := {_INPUT}; $given := $type($all) = 'object' ? $all.parameters; {_helpers(job)}{looked}"
        f"$wrong := $type($all) != 'object' ? ['The input is no object.'] : "
        f"$exists($given) and $type($given) != 'object' ? "
        f'[\'The parameters are no object: write {{"parameters": {{"name": "value"}}}}.\'] : '
        f"{strange}$append($map($keys($given)[$not($ in {_list(names)})], "
        f'function($n) {{"The job has no parameter \'" & $n & {known}}}), [{mistakes}]); '
        f"$count($wrong) = 0 ? ({then}) : $error({literal(f'Job {job.name} cannot start. ')} & $join([$wrong], ' ')))"
    )


def bound(job: EltJob) -> dict[str, str]:
    """The variable ``$parameters``: each declared parameter's text, of what was given or of its default.

    One expression, and not an object of them: to CloudFormation, an object with the one key ``Ref`` is none.
    """
    if not job.parameters:
        return {}
    fields = ", ".join(f"{literal(one.name)}: {_text(one)}" for one in job.parameters)
    return {"parameters": expression(f"{{{fields}}}")}


def _helpers(job: EltJob) -> str:
    """The functions that the types of the job need."""
    kinds = {parameter.type for parameter in job.parameters}
    helpers = _IS if kinds - {"text", "boolean"} else ""
    helpers += _DAY if kinds & {"date", "timestamp"} else ""
    shown = "$shown := function($v) {$substring($string($v), 0, 60)}; "
    return helpers + shown if kinds else ""


def _mistake(parameter: Parameter) -> str:
    """What is wrong with the value of a parameter; nothing if it is right."""
    name, kind = parameter.name, parameter.type
    cases = [
        ("$type($v) = 'null'", _whole(name, "is null, and NULL is no value of a job's parameter.")),
        ("$v = ''", _whole(name, f"is {EMPTY}")),
        (f"$type($v) = 'number' and $abs($v) >= {MOST}", _about(name, f"{ROUNDED[0]}. {ROUNDED[1]}")),
        (f"$not({_FITS[kind]})", _about(name, f"not {WORDS[kind][0]}. {WORDS[kind][1]}")),
        ("$type($v) = 'string' and $contains($v, '\\u0000')", _whole(name, "holds a null character.")),
    ]
    if parameter.choices:
        listed = f"not one of its choices: {', '.join(parameter.choices)}."
        cases.append((f"$not({_as_text(parameter)} in {_list(parameter.choices)})", _about(name, listed)))
    judged = " : ".join(f"{case} ? {said}" for case, said in cases)
    missing = literal(f"The parameter '{name}' has no default and no value. Give it: {name}=value.")
    absent = f" : {missing}" if parameter.default is None else ""
    return f"($v := $lookup($given, {literal(name)}); $exists($v) ? ({judged}){absent})"


def _whole(name: str, what: str) -> str:
    return literal(f"The value of '{name}' {what}")


def _about(name: str, what: str) -> str:
    is_ = literal(f"The value of '{name}' is ")
    return f"{is_} & $shown($v) & {literal(f', {what}')}"


def _text(parameter: Parameter) -> str:
    given = f"{_GIVEN}.{parameter.name}"
    text = _as_text(parameter).replace("$v", given)
    return text if parameter.default is None else f"$exists({given}) ? {text} : {literal(parameter.default)}"


def _as_text(parameter: Parameter) -> str:
    """The text by which ``$v`` reaches the SQL."""
    return {"text": "$v", "boolean": "$lowercase($string($v))"}.get(parameter.type, "$string($v)")


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(literal, texts))}]"
