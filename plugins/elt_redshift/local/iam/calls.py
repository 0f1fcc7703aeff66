"""Who makes a call over HTTP, and which one.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from typing import Any

#: Of a signature: the access key, and the service by the name that signatures have.
_SIGNED = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/\d+/[^/]+/([^/]+)/aws4_request")
#: boto3's names of services, where they are others.
_NAMES = {"states": "stepfunctions"}


@dataclass(frozen=True)
class Call:
    """A call.

    :param service: as boto3 names it.
    :param operation: as AWS does.
    """

    access_key: str
    service: str
    operation: str
    request: dict[str, Any]


def call_of(environ: dict[str, Any]) -> Call | None:
    """The call that a request makes, whose body is there to be read again.

    :returns: None for services that are called by paths or forms, as S3 and SNS are, and for what is not signed.
    """
    signed, target = _SIGNED.match(environ.get("HTTP_AUTHORIZATION", "")), environ.get("HTTP_X_AMZ_TARGET")
    if not signed or not target:
        return None
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    service = _NAMES.get(signed[2], signed[2])
    return Call(signed[1], service, target.rpartition(".")[2], json.loads(body or b"{}"))
