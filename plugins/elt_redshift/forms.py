"""What Airflow's trigger form asks for: a job's parameters as Params.

https://airflow.apache.org/docs/apache-airflow/stable/core-concepts/params.html
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from elt_redshift.airflow_compat import Param
from elt_redshift.job.parameters import as_text, in_utc
from elt_redshift.job.parts import Parameter

#: Of each type: the JSON schema that makes Airflow's form show its widget. (Airflow wants an offset in a date-time.)
_SCHEMAS: dict[str, dict[str, Any]] = {
    "text": {"type": "string", "minLength": 1},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "timestamp": {"type": "string", "format": "date-time"},
}


def param(parameter: Parameter) -> Param:
    """The Param of a job's parameter. Where it has no default, Airflow's form insists on a value."""
    parameter = _exact(parameter)
    schema = {**_SCHEMAS[parameter.type], "title": parameter.name.replace("_", " ").capitalize()}
    if description := _description(parameter):
        schema["description"] = description
    if parameter.choices:
        schema["enum"] = [_native(parameter, choice) for choice in parameter.choices]
    return Param(**schema) if parameter.default is None else Param(_native(parameter, parameter.default), **schema)


def _exact(parameter: Parameter) -> Parameter:
    """The parameter; of texts, where a browser's numbers are not those of the job, such as ``007`` or 1e15 and more."""
    said = [text for text in (parameter.default, *(parameter.choices or ())) if text is not None]
    if parameter.type not in ("integer", "number"):
        return parameter
    exact = all(as_text(parameter.type, _native(parameter, text)) == text for text in said)
    return parameter if exact else replace(parameter, type="text")


def _description(parameter: Parameter) -> str:
    """Airflow's widget of a timestamp stays empty where the default has an offset, which Airflow's check wants. (The
    default is taken all the same.)"""
    if parameter.type != "timestamp" or parameter.default is None:
        return parameter.description
    return f"{parameter.description} (default: {_native(parameter, parameter.default)})".strip()


def _native(parameter: Parameter, text: str) -> Any:
    """A value of the parameter as JSON has it."""
    match parameter.type:
        case "integer":
            return int(text)
        case "number":
            return int(text) if as_text("integer", text) else float(text)
        case "boolean":
            return text == "true"
        case "timestamp":
            return in_utc(text)
    return text


def template(name: str) -> str:
    """The template that gives the value of such a Param."""
    return f"{{{{ params.{name} }}}}"
