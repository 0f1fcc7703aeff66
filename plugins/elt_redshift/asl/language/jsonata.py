"""Writing JSONata, the query language of the generated definitions.

https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html

What users wrote must come through as it is. Step Functions evaluates a text that stands between ``{%`` and ``%}``;
CloudFormation fills in ``${Name}`` and ``{{resolve:…}}`` in whatever it deploys
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html). So in literals these marks are
broken up by escapes, and a text that holds any becomes a literal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any

#: The running execution's ARN, name and number of redrives, and what the state was given.
EXECUTION = "$states.context.Execution"
EXECUTION_ARN = f"{EXECUTION}.Id"
EXECUTION_NAME = f"{EXECUTION}.Name"
REDRIVE_COUNT = f"{EXECUTION}.RedriveCount"
REDRIVE_TIME = f"{EXECUTION}.RedriveTime"
INPUT = "$states.input"

#: What an execution was told that goes on with an earlier one's work; see :mod:`elt_redshift.asl.patterns.resumption`.
RESUMED = "$states.context.Execution.Input.resume"

#: The execution has been redriven since it took the lock, as far as the state's input knows.
REDRIVEN = f"{REDRIVE_COUNT} > {INPUT}.redrives"


def expression(code: str) -> str:
    """Mark ``code`` as JSONata, as a definition's strings need it."""
    return "{% " + code + " %}"


#: The second characters of the marks. A literal's escapes are JSON's.
_PLAIN = re.compile(r"[^'\\\\\n\r\t{}]*")
_MARKS = re.compile(r"(?<=[${])\{|(?<=\{)%|(?<=%)\}")


def literal(text: str, kept: Collection[str] = ()) -> str:
    """``text`` as a JSONata string. Characters beyond ASCII stand as they are: not every evaluator puts two halves of
    one together.

    :param kept: marks that deployment shall fill in, such as ``${Name}``.
    """
    said = _MARKS.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))
    for mark in kept:
        said = said.replace(_MARKS.sub(lambda found: f"\\u{ord(found[0]):04x}", mark), mark)
    return said


def as_it_is(text: str, kept: Collection[str] = ()) -> str:
    """``text`` as a definition's string that comes through as it is; :func:`read` reads it.

    :param kept: see :func:`literal`.
    """
    rest = text
    for mark in kept:
        rest = rest.replace(mark, "")
    return expression(literal(text, kept)) if _MARKS.search(rest) else text


def read(said: str) -> str:
    """The text of which :func:`as_it_is` made ``said``."""
    if not (said.startswith("{% ") and said.endswith(" %}")):
        return said
    try:
        return str(json.loads(said[3:-3]))
    except ValueError:
        return said


def fields(**codes: str) -> dict[str, str]:
    """An object whose values are computed: ``fields(a="1 + 1")`` gives ``{"a": "{% 1 + 1 %}"}``."""
    return {name: expression(code) for name, code in codes.items()}


def keep(*names: str) -> dict[str, str]:
    """The named fields of the state's input, unchanged."""
    return {name: expression(f"{INPUT}.{name}") for name in names}


def gate(cause: str, when: str | None = None) -> str:
    """The condition of a gate: true after a redrive, otherwise the execution fails with ``cause`` as its cause.

    A redrive evaluates a Choice anew, while a Fail state would only fail again
    (https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html). ``cause`` is JSONata; the state's
    input must hold ``redrives``, the number of redrives when the failure happened. Where ``when`` is given and not
    true, the condition is false and the next rule decides.
    """
    passed = f"{REDRIVEN} ? true : $error({cause})"
    return expression(passed if when is None else f"{when} ? ({passed}) : false")


def code_object(**codes: str) -> str:
    """An object inside JSONata, whose values are JSONata; a value that is not there leaves its member out."""
    members = ", ".join(f"'{name}': {value}" for name, value in codes.items())
    return f"{{{members}}}"


def described_date(date: str, otherwise: str) -> str:
    """A date as DescribeExecution gives it, in epoch milliseconds, or ``otherwise`` where it has another form than the
    documentation says. All are JSONata."""
    return f"{is_date(date)} ? $toMillis({date}) : {otherwise}"


def is_date(value: str) -> str:
    """Whether a value is a date that ``$toMillis`` can read; both are JSONata."""
    return f"$type({value}) = 'string' and $contains({value}, /^[0-9-]+T[0-9:.]+Z$/)"


def code_of(value: Any) -> str:
    """A JSON value of a definition, whose computed texts are marked as JSONata, inside JSONata."""
    match value:
        case str() if value.startswith("{% "):
            return value[3:-3]
        case str():
            return f"'{value}'" if _PLAIN.fullmatch(value) else literal(value)
        case dict():
            return "{" + ", ".join(f"'{name}': {code_of(one)}" for name, one in value.items()) + "}"
        case list():
            return f"[{', '.join(map(code_of, value))}]"
    return json.dumps(value)


def members(code: str, *names: str) -> dict[str, Any]:
    """Those of the named members of the first object in ``code``, of :func:`code_of`, that are JSON literals."""
    found = {}
    for name in names:
        _, there, behind = code.partition(f"'{name}':")
        if there:
            found[name] = json.JSONDecoder().raw_decode(behind.lstrip())[0]
    return found


class Code(str):
    """JSONata that computes a value; a plain string or number, where either may stand, is the value itself."""

    __slots__ = ()


Value = Code | str | int


def locked(value: Value) -> Code:
    """``value``, but an error once the execution has been redriven: what needs the lock takes it again first.

    A state that a redrive enters again evaluates its Arguments anew; it must catch the error.
    """
    return Code(f"{REDRIVEN} ? $error('The lock comes first.') : {code(value)}")


def code(value: Value) -> str:
    """``value`` inside JSONata: a computed one as it is, a plain one as a literal."""
    if isinstance(value, Code):
        return value
    return literal(value) if isinstance(value, str) else json.dumps(value)


def rendered(value: Value) -> str | int:
    """``value`` as a definition holds it: a computed one marked as JSONata, a plain one as it is."""
    return expression(value) if isinstance(value, Code) else value


def joined(*parts: Value) -> Code:
    """The parts' texts one behind the other; plain ones that meet become one literal."""
    merged: list[Value] = []
    for part in parts:
        plain = part if isinstance(part, Code) else str(part)
        if merged and not isinstance(plain, Code) and not isinstance(merged[-1], Code):
            merged[-1] = f"{merged[-1]}{plain}"
        else:
            merged.append(plain)
    return Code(" & ".join(code(part) for part in merged))


def padded(digits: str, length: int) -> Code:
    """Digits, JSONata, with zeros before them."""
    return Code(f"$substring('{'0' * length}' & {digits}, -{length})")
