"""The interpreter's own calls, handed to what the same process serves without HTTP between: it is a quarter of a call.

Only calls that are a POST to ``/`` with a target go so (DynamoDB, the Data API, Step Functions, EventBridge), and only
where an application is served (:func:`serve`); all others go over HTTP. What stands before moto - faults, the clock -
sees both alike.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError

from elt_redshift.local.door import Application
from elt_redshift.local.fault_box import LostAnswerError
from elt_redshift.local.http import answer

_served: list[Application] = []


def serve(application: Application) -> None:
    """Let the interpreter call ``application`` from now on."""
    _served[:] = [application]


class Session:
    """Stands for botocore's session of HTTP, whose ``http`` takes what does not go directly."""

    def __init__(self, http: Any) -> None:
        self._http = http

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        """:raises ConnectionClosedError: the answer is lost, as the faults wanted it."""
        if not _served or "X-Amz-Target" not in request.headers:
            return self._http.send(request)
        try:
            status, headers, body = answer(_served[-1], _environ(request))
        except LostAnswerError as error:
            raise ConnectionClosedError(endpoint_url=request.url, request=request, error=error) from error
        answered: Any = dict(headers)
        return AWSResponse(request.url, int(status.partition(" ")[0]), answered, _Body(body))

    def close(self) -> None:
        """End the connections."""
        self._http.close()


class _Body(io.BytesIO):
    def stream(self) -> Iterator[bytes]:
        yield self.read()


def _environ(request: AWSPreparedRequest) -> dict[str, Any]:
    url = urlsplit(request.url)
    body: Any = request.body or b""
    body = body.encode() if isinstance(body, str) else body
    environ = {
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": url.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": "/",
        "QUERY_STRING": "",
        "REQUEST_URI": "/",
        "RAW_URI": "/",
        "REMOTE_ADDR": url.hostname,
        "SERVER_NAME": url.hostname,
        "SERVER_PORT": str(url.port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": url.netloc,
        "CONTENT_LENGTH": str(len(body)),
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = text
    return environ
