"""Requests held against AWS's model of the Data API, as botocore ships it, and rules that the model does not state."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape

from elt_redshift.job.sql import SqlSyntaxError, Token, tokenize
from elt_redshift.local.redshift.dialect.tokens import quote
from elt_redshift.local.redshift.errors import DataApiError, invalid

#: https://docs.aws.amazon.com/redshift/latest/mgmt/data-api.html ("the maximum size of a query statement")
MAX_SQL_BYTES = 100 * 1024


@cache
def _service() -> ServiceModel:
    return ServiceModel(Loader().load_service_model("redshift-data", "service-2"), "redshift-data")


def operations() -> dict[str, OperationModel]:
    """AWS's operations by name."""
    return {name: _service().operation_model(name) for name in _service().operation_names}


def _limits(shape: Shape, value: Any) -> Iterator[str]:
    """The constraints of ``shape`` that ``value`` breaks, in AWS's words."""
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    measured, unit = (value, "value") if isinstance(value, int) else (len(value), "length")
    if low is not None and measured < low:
        yield f"Member must have {unit} greater than or equal to {low}"
    if high is not None and measured > high:
        yield f"Member must have {unit} less than or equal to {high}"
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(pattern, value):
        yield f"Member must satisfy regular expression pattern: {pattern}"
    choices = shape.metadata.get("enum")
    if choices and value not in choices:
        yield f"Member must satisfy enum value set: [{', '.join(choices)}]"


_PYTHON = {
    "string": str,
    "integer": int,
    "long": int,
    "boolean": bool,
    "list": list,
    "structure": dict,
}


def _problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    expected = _PYTHON.get(shape.type_name)
    if expected and not isinstance(value, expected):
        yield f"Value at '{path}' failed to satisfy constraint: Member must be of type {shape.type_name}"
        return
    if shape.type_name == "structure":
        for name in shape.required_members:
            if value.get(name) is None:
                yield f"Value null at '{_member(path, name)}' failed to satisfy constraint: Member must not be null"
        for name, member in shape.members.items():
            if value.get(name) is not None:
                yield from _problems(member, value[name], _member(path, name))
        return
    if not isinstance(value, bool):
        for constraint in _limits(shape, value):
            yield f"Value '{value}' at '{path}' failed to satisfy constraint: {constraint}"
    if shape.type_name == "list":
        for place, item in enumerate(value, 1):
            yield from _problems(shape.member, item, f"{path}.{place}.member")


def _member(path: str, name: str) -> str:
    name = name[0].lower() + name[1:]
    return f"{path}.{name}" if path else name


def validate(operation: str, request: dict[str, Any]) -> None:
    """Check ``request`` against the input shape of ``operation``.

    :raises DataApiError: ``ValidationException`` with every constraint that is broken.
    """
    problems = list(_problems(operations()[operation].input_shape, request, ""))
    if problems:
        plural = "s" if len(problems) > 1 else ""
        raise invalid(f"{len(problems)} validation error{plural} detected: {'; '.join(problems)}")


def validate_target(request: dict[str, Any]) -> None:
    """Where to run: one of cluster and workgroup, and a database; or a session, which knows both.

    :raises DataApiError: ``ValidationException``.
    """
    cluster, workgroup = request.get("ClusterIdentifier"), request.get("WorkgroupName")
    if cluster and workgroup:
        raise invalid("Only one of ClusterIdentifier and WorkgroupName can be specified.")
    if request.get("SessionId"):
        return
    if not cluster and not workgroup:
        raise invalid("Either ClusterIdentifier or WorkgroupName needs to be specified.")
    if not request.get("Database"):
        raise invalid("Database must be specified.")


def _tokens(sql: str) -> list[Token] | None:
    """The tokens of ``sql``; ``None`` when it is broken, which Redshift will say itself."""
    try:
        return list(tokenize(sql))
    except SqlSyntaxError:
        return None


def bind(sqls: list[str], parameters: list[dict[str, str]]) -> list[str]:
    """Put the values of named parameters into the statements, as string literals without a type.

    Redshift gives such a literal the type that its surroundings ask for, so ``year = :year`` works on an INT column. A
    colon in a string, a comment, a ``::cast`` or a ``$$`` body is no parameter.

    :raises DataApiError: ``ValidationException``: a name is given twice, given but in no statement, or not given.
    """
    values = {parameter["name"]: parameter["value"] for parameter in parameters}
    if len(values) < len(parameters):
        raise invalid("Parameters list contains duplicate parameters.")
    used: set[str] = set()
    bound = [_bind_one(sql, values, used) for sql in sqls]
    unused = [name for name in values if name not in used]
    if unused:
        raise invalid(f"Parameters list contains unused parameters. Unused parameters: [{', '.join(unused)}]")
    return bound


def _bind_one(sql: str, values: dict[str, str], used: set[str]) -> str:
    written = []
    for token in _tokens(sql) or [Token("space", sql, 0)]:
        if token.kind != "parameter":
            written.append(token.text)
            continue
        name = token.text[1:]
        if name not in values:
            raise invalid(f"Cannot find parameter: {name}")
        used.add(name)
        written.append(quote(values[name]))
    return "".join(written)


def validate_size(sqls: list[str]) -> None:
    """:raises DataApiError: ``ValidationException``: a statement is longer than 100 KB."""
    for sql in sqls:
        if not sql.strip():
            raise invalid("Query string cannot be empty.")
        if len(sql.encode()) > MAX_SQL_BYTES:
            raise invalid(f"Query string exceeds the maximum size of {MAX_SQL_BYTES} bytes.")


__all__ = ["DataApiError", "bind", "operations", "validate", "validate_size", "validate_target"]
