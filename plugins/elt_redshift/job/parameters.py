"""The values of a job's parameters: their types, the text by which each reaches the SQL, and what does not fit.

The Redshift Data API binds text, and so does everything here. A type says which texts are right: trigger forms and
checks heed it, SQL casts as before (``:year::int``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from elt_redshift.job.findings import Path as Key
from elt_redshift.job.parts import PARAMETER_TYPES, Parameter, ParameterType
from elt_redshift.job.written import bare, is_text, shown, unsendable

if TYPE_CHECKING:
    from elt_redshift.job.findings import Findings

#: What a value of a type is called, and what to give instead of one that is none.
WORDS: Mapping[ParameterType, tuple[str, str]] = {
    "text": ("text", "Quote it."),
    "integer": ("an integer", "Give digits, such as 1998."),
    "number": ("a number", "Give digits, such as 1998 or 12.5."),
    "boolean": ("a boolean", "Give true or false."),
    "date": ("a date", "Give year, month and day, such as 1998-12-31."),
    "timestamp": ("a timestamp", "Give it as ISO 8601 writes it, such as 1998-12-31T23:59:59Z."),
}
EMPTY = "empty, which the Redshift Data API refuses."
ROUNDED = ("a number that JSON may have rounded", "Give it as a string.")

#: What whole texts look like, for Python and for JSONata. As many digits as Redshift's longest DECIMAL has.
INTEGER = "[-+]?[0-9]{1,38}"
NUMBER = "[-+]?([0-9]{1,38}([.][0-9]{0,38})?|[.][0-9]{1,38})([eE][-+]?[0-9]{1,3})?"
DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_HOURS = "([01][0-9]|2[0-3]):[0-5][0-9]"
TIMESTAMP = f"{DATE}[T ]{_HOURS}(:[0-5][0-9]([.][0-9]{{1,6}})?)?(Z|[-+]{_HOURS})?"
_INTEGER, _NUMBER, _DATE, _TIMESTAMP = map(re.compile, (INTEGER, NUMBER, DATE, TIMESTAMP))

#: A number of this and more may have lost digits before anybody looks at it: JSON's readers take 15 for sure.
MOST = "1e15"


def as_text(kind: ParameterType, value: object) -> str | None:
    """The text by which ``value`` reaches the SQL; None if it is none of that type.

    A text is taken as it is. Native objects, as templates, Python and JSON give them, are taken where nothing is lost.
    """
    match kind:
        case "integer" | "number":
            return _numeric(kind, value)
        case "boolean":
            text = str(value).lower() if isinstance(value, str | bool) else ""
            return text if text in ("true", "false") else None
        case "date":
            return _date(value)
        case "timestamp":
            return _timestamp(value)
    return str(value) if is_text(value) else None


def _numeric(kind: ParameterType, value: object) -> str | None:
    if isinstance(value, str):
        return str(value) if (_INTEGER if kind == "integer" else _NUMBER).fullmatch(value) else None
    if not isinstance(value, int | float) or isinstance(value, bool) or is_rounded(value):
        return None
    if value == int(value):  # JSON's 2.0 is its 2
        return str(int(value))
    return _as_json(value) if kind == "number" else None


def is_rounded(value: object) -> bool:
    """Whether it is a number that may be another than was given, or none that JSON has."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return not abs(value) < float(MOST) or float(f"{value:.15g}") != value


def _as_json(value: float) -> str:
    """A fraction as JavaScript, and so JSONata, writes it: Python's exponents are others."""
    text = repr(value)
    if "e" not in text:
        return text
    return format(Decimal(text), "f") if abs(value) >= 1e-6 else text.replace("e-0", "e-")


def _date(value: object) -> str | None:
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else None
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, str) and _DATE.fullmatch(value) and _is(date, value) else None


def _timestamp(value: object) -> str | None:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, str) and _TIMESTAMP.fullmatch(value) and _is(datetime, value) else None


def _is(kind: type[date], text: str) -> bool:
    try:
        kind.fromisoformat(text)
    except ValueError:
        return False
    return True


def in_utc(timestamp: str) -> str:
    """A timestamp with its offset; one without is in UTC, as Redshift's sessions are by default."""
    found = datetime.fromisoformat(timestamp)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).isoformat()


def normal(parameter: Parameter) -> Parameter:
    """The parameter with native values as text; what does not fit is left for :func:`check` to tell."""
    kind = parameter.type
    if kind not in PARAMETER_TYPES:
        return parameter
    choices = parameter.choices
    if isinstance(choices, list | tuple):
        choices = tuple(_declared(kind, choice) for choice in choices)
    return replace(parameter, default=_declared(kind, parameter.default), choices=choices)


def _declared(kind: ParameterType, value: Any) -> Any:
    """A value in a job, as text where it is right. Nobody has rounded it: its digits are those that were written."""
    text = as_text(kind, repr(value) if type(value) in (int, float) and kind in ("integer", "number") else value)
    return value if text is None else text


def rendered(declared: Sequence[Parameter], given: Mapping[str, object]) -> dict[str, object]:
    """What templates gave: those that render native objects make numbers of texts. Other objects stay, and are
    refused."""
    texts = {parameter.name for parameter in declared if parameter.type == "text"}
    return {
        name: str(value) if name in texts and isinstance(value, int | float | date) else value
        for name, value in given.items()
    }


def values(declared: Sequence[Parameter], given: Mapping[str, object]) -> dict[str, object]:
    """The values of one start, those given and the defaults of the rest, as text where they fit."""
    types = {parameter.name: parameter.type for parameter in declared}
    found = {parameter.name: parameter.default for parameter in declared} | dict(given)
    return {name: _fitting(types.get(name, "text"), value) for name, value in found.items()}


def _fitting(kind: ParameterType, value: object) -> object:
    text = as_text(kind, value)
    return value if text is None else text


def check(parameter: Parameter, findings: Findings) -> None:
    """Note every mistake in what a job says about a parameter's values."""
    key, name = ("parameters", str(parameter.name)), parameter.name
    if not isinstance(parameter.description, str):
        problem = f"The description of '{name}' is {shown(parameter.description)}, not text."
        findings.add((*key, "description"), problem, "Give it a text.")
    if parameter.type not in PARAMETER_TYPES:
        remedy = f"Choose one of {', '.join(PARAMETER_TYPES)}."
        findings.add((*key, "type"), f"The type of '{name}' is {shown(parameter.type)}.", remedy)
        return
    fits = _check_choices(parameter, findings)
    if parameter.default is not None:
        judged = parameter if fits else replace(parameter, choices=None)
        check_value((*key, "default"), f"The default of '{name}'", parameter.default, judged, findings)


def _check_choices(parameter: Parameter, findings: Findings) -> bool:
    """Whether the choices, if there are any, are all right."""
    choices, key = parameter.choices, ("parameters", str(parameter.name), "choices")
    if choices is None:
        return True
    if not isinstance(choices, tuple) or not choices:
        problem = f"The choices of '{parameter.name}' are {shown(choices)}, not a list of values."
        findings.add(key, problem, "Write them as [africa, asia], or leave them out.")
        return False
    any_ = replace(parameter, choices=None)
    right = [check_value(key, f"A choice of '{parameter.name}'", choice, any_, findings) for choice in choices]
    if all(right) and len(set(choices)) < len(choices):
        findings.add(key, f"The choices of '{parameter.name}' hold one value twice.", "Give each once.")
    return all(right)


def check_value(key: Key, what: str, value: object, parameter: Parameter, findings: Findings) -> bool:
    """Note that a value does not fit its parameter; whether it does."""
    if value == "":
        findings.add(key, f"{what} is {EMPTY}", "Give it a text.")
    elif parameter.type == "text" and not is_text(value):
        findings.add(key, f"{what} is {shown(value)}, not text.", f'Quote it: "{bare(value)}".')
    elif isinstance(value, str) and (found := unsendable(value)):
        findings.add(key, f"{what} holds {found}.", "Take it out.")
    elif as_text(parameter.type, value) is None:
        called, remedy = WORDS[parameter.type]
        called, remedy = ROUNDED if is_rounded(value) else (f"not {called}", remedy)
        findings.add(key, f"{what} is {shown(value)}, {called}.", remedy)
    elif parameter.choices is not None and value not in parameter.choices:
        remedy = findings.did_you_mean(str(value), parameter.choices)
        findings.add(key, f"{what} is {shown(value)}, not one of its choices.", remedy)
    else:
        return True
    return False


def check_values(
    declared: Sequence[Parameter], given: Mapping[str, object], findings: Findings, place: Key = ("parameters",)
) -> None:
    """Note every mistake in the parameter values of one start; ``None`` stands for a value that is missing, or that
    was given as nothing although there is a default.

    :param place: where the values stand.
    """
    known = {parameter.name: parameter for parameter in declared}
    for name, value in given.items():
        key = (*place, bare(name))
        if name not in known:
            findings.add(key, f"The job has no parameter '{bare(name)}'.", findings.did_you_mean(bare(name), known))
        elif value is None and (default := known[name].default) is not None:
            problem = f"The value of '{name}' is null, and NULL is no value of a job's parameter."
            findings.add(key, problem, f"Leave it out, which stands for {shown(default)}, or give it a text.")
        elif value is None:
            findings.add(key, f"The parameter '{name}' has no default and no value.", f"Give it: {name}=value.")
        elif _judges(known[name]):
            check_value(key, f"The value of '{name}'", value, known[name], findings)


def _judges(parameter: Parameter) -> bool:
    """Whether values can be held to it: what it says itself may be wrong, which :func:`check` tells."""
    return parameter.type in PARAMETER_TYPES and isinstance(parameter.choices, tuple | None)
