"""Values as AWS service integrations take and give them: names in PascalCase, JSON types only.

Step Functions names the members of requests and results of every integration in PascalCase, however the service's own
API writes them, and turns what JSON does not have into JSON: timestamps into ISO 8601 strings, blobs into text.
(https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html)
"""

from __future__ import annotations

import base64
import datetime
import functools
import json
import re
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z0-9]+")


class UnknownMemberError(ValueError):
    """A parameter that the service's API does not have, or that is not written in PascalCase."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"The field '{name}' is not supported by Step Functions")


@functools.lru_cache(maxsize=4096)
def pascal_case(name: str) -> str:
    """The name as Step Functions writes it.

    >>> pascal_case("longValue"), pascal_case("SSESpecification"), pascal_case("DynamoDB"), pascal_case("Redshift Data")
    ('LongValue', 'SseSpecification', 'DynamoDb', 'RedshiftData')
    """
    return "".join(word[:1].upper() + word[1:].lower() for word in _WORD.findall(name))


def iso_time(moment: datetime.datetime) -> str:
    """A moment in UTC with milliseconds, as the context object and integration results hold it.

    >>> iso_time(datetime.datetime(2024, 1, 1, 0, 0, 0, 123456, datetime.timezone.utc))
    '2024-01-01T00:00:00.123Z'
    """
    utc = moment.astimezone(datetime.UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def to_request(value: Any, shape: Shape) -> Any:
    """A state's Arguments as botocore wants them for ``shape``.

    :raises UnknownMemberError: a key that the API does not have.
    """
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return dict(_request_member(key, item, shape) for key, item in value.items())
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [to_request(item, shape.member) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: to_request(item, shape.value) for key, item in value.items()}
    if shape.type_name in ("string", "blob") and not isinstance(value, str | bytes):
        return json.dumps(value, separators=(",", ":"))
    return value


def _request_member(key: str, value: Any, shape: StructureShape) -> tuple[str, Any]:
    for name, member in shape.members.items():
        if key in (pascal_case(name), name[:1].upper() + name[1:]):
            return name, to_request(value, member)
    raise UnknownMemberError(key)


def to_result(value: Any, shape: Shape | None) -> Any:
    """A response of botocore as the state's result. ``shape`` None: the names stay, only the types change."""
    if isinstance(value, dict):
        return dict(_result_member(key, item, shape) for key, item in value.items())
    if isinstance(value, list | tuple):
        return [to_result(item, getattr(shape, "member", None)) for item in value]
    return _json_scalar(value)


def _result_member(key: str, value: Any, shape: Shape | None) -> tuple[str, Any]:
    if isinstance(shape, StructureShape):
        return pascal_case(key), to_result(value, shape.members.get(key))
    return key, to_result(value, getattr(shape, "value", None))


def _json_scalar(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return iso_time(value)
    if hasattr(value, "read"):
        value = value.read()
    if isinstance(value, bytes | bytearray):
        return _text(bytes(value))
    return value


def _text(blob: bytes) -> str:
    try:
        return blob.decode()
    except UnicodeDecodeError:
        return base64.b64encode(blob).decode()
