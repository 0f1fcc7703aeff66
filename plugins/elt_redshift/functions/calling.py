"""A call to AWS as a state machine would make it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from elt_redshift.protocol.limits import MAX_MESSAGE
from elt_redshift.protocol.times import iso_time

Answer = dict[str, Any]

_CAPITAL = re.compile("(?<!^)([A-Z])")


def call(client: Any, prefix: str, operation: str, request: Mapping[str, Any]) -> Answer:
    """The answer as Step Functions gives it to a state.

    :param client: boto3's.
    :param prefix: what Step Functions calls the service in the names of its errors.
    :param operation: as the API names it, such as ``DescribeStatement``.
    :raises Exception: the service's error, of the class that :func:`named` makes.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    method = getattr(client, _CAPITAL.sub(r"_\1", operation).lower())
    try:
        answer = method(**request)
    except ClientError as error:
        raise _of_service(prefix, error.response) from None
    except BotoCoreError as error:
        raise named(f"{prefix}.SdkClientException", str(error)) from None
    return {name: _json(value) for name, value in answer.items() if name != "ResponseMetadata"}


def named(name: str, message: str) -> Exception:
    """An error that a state machine knows by ``name``: Lambda tells it the name of the error's class.

    https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
    """
    kind: type[Exception] = type(name, (Exception,), {})
    return kind(message[:MAX_MESSAGE])


def _of_service(prefix: str, response: Mapping[str, Any]) -> Exception:
    code, status = str(response["Error"]["Code"]), response["ResponseMetadata"].get("HTTPStatusCode")
    name = code if code.endswith("Exception") else f"{code}Exception"
    message = f"{response['Error'].get('Message', name)} (Service: {prefix}, Status Code: {status})"
    return named(f"{prefix}.{name}", message)


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso_time(value)
    if isinstance(value, dict):
        return {name: _json(one) for name, one in value.items()}
    return [_json(one) for one in value] if isinstance(value, list) else value
