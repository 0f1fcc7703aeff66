"""The HTTP side of the embedded AWS: moto's WSGI application on a threaded server that keeps connections alive.

Werkzeug's own handler closes every connection and then waits 10 ms for left-over input. This one reads the whole
request first and answers with a Content-Length, so a connection serves request after request: as boto3 expects of AWS.
"""

from __future__ import annotations

import functools
import io
import json
import logging
import re
import socket
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from email.parser import Parser
from http import HTTPStatus, client
from typing import Any, cast

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import DechunkedInput, ThreadedWSGIServer

from elt_redshift.local import clock
from elt_redshift.local.door import STATUS_PATH, Application, StartResponse, guarded
from elt_redshift.local.fault_box import FaultBox, LostAnswerError
from elt_redshift.local.iam.record import RECORD

HOST = "127.0.0.1"
"""Loopback only: the embedded AWS accepts any credentials and runs any SQL."""
IDLE_SECONDS = 120.0
"""An idle connection is closed after this long, as AWS does (boto3 then opens another)."""

BACKLOG = 1024
"""Connections that may wait while a burst of clients arrives."""

#: A header on a line of its own: RFC 9110's token, and no line that goes on.
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n]*)\r?\n")

log = logging.getLogger("elt_redshift.local")


def answer(app: Application, environ: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
    """Run the application: status, headers and body. A crash is a 500 that names it, and its traceback is in the log.

    :raises LostAnswerError: the call took effect, and its answer is lost, as the faults wanted it.
    """
    started: list[tuple[str, list[tuple[str, str]]]] = []
    written: list[bytes] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], exc_info: object = None
    ) -> Callable[[bytes], object]:
        started.append((status, headers))
        return written.append

    try:
        chunks = app(environ, start_response)
        try:
            written.extend(chunks)
        finally:
            getattr(chunks, "close", lambda: None)()
    except LostAnswerError:
        raise
    except Exception as error:
        log.exception("%s %s failed", environ["REQUEST_METHOD"], environ["PATH_INFO"])
        message = {"__type": "InternalFailure", "message": f"{type(error).__name__}: {error}"}
        return "500 Internal Server Error", [("Content-Type", "application/json")], json.dumps(message).encode()
    status, headers = started[-1]
    return status, headers, b"".join(written)


class KeepAliveHandler(MotoRequestHandler):
    """Serve WSGI requests one after the other on the same connection."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    wbufsize = 64 * 1024
    disable_nagle_algorithm = True
    """Otherwise a response waits for the client's delayed acknowledgement: 40 ms each."""

    def run_wsgi(self) -> None:
        """Read the request, run the application, write the response in one piece."""
        if self.headers.get("Expect", "").strip().lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        environ = self.make_environ()
        environ["wsgi.input"] = io.BytesIO(self._body())
        try:
            self._write(*answer(cast(Application, self.server.app), environ))
        except LostAnswerError:
            self.close_connection = True

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return io.BufferedReader(cast(Any, DechunkedInput(cast(Any, self.rfile)))).read()
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _write(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in headers:
            if name.lower() not in {"content-length", "connection", "transfer-encoding"} or self._describes_entity(
                name
            ):
                self.send_header(name, value)
        if self.command != "HEAD" and int(code) not in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}:
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        else:
            self.end_headers()
        self.wfile.flush()

    def _describes_entity(self, name: str) -> bool:
        """The answer to HEAD carries the length of what GET would answer."""
        return self.command == "HEAD" and name.lower() == "content-length"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Requests are not logged: the log is for what went wrong."""

    def log_error(self, format: str, *args: Any) -> None:
        """A client that goes away or stays silent is no error."""


def apply() -> None:
    """Read the headers of requests, and of the answers to the interpreter's own, without the parser of mail, which
    takes most of the time of reading a request. Once per process."""
    read: Any = client._read_headers  # type: ignore[attr-defined]

    def parse_headers(stream: Any, _class: type[client.HTTPMessage] = client.HTTPMessage) -> client.HTTPMessage:
        lines = [line.decode("iso-8859-1") for line in read(stream)]
        found = [_HEADER.fullmatch(line) for line in lines[:-1]]
        if not all(found):
            return Parser(_class=_class).parsestr("".join(lines))
        message = _class()
        for header in filter(None, found):
            message.set_raw(header[1], header[2])
        message.set_payload("")
        return message

    client.parse_headers = parse_headers  # type: ignore[assignment]


def answer_fast() -> None:
    """Spare each request what moto does for it: it looks at all members of the service's class, and draws an id letter
    by letter. Once per process."""
    from moto.core import responses as moto_responses

    responses: Any = moto_responses

    def request_id(headers: dict[str, Any] | None = None) -> str:
        drawn = uuid.uuid4().hex.upper()
        if headers is not None:
            headers["x-amzn-requestid"] = drawn
        return drawn

    responses.method_names_from_class = functools.cache(responses.method_names_from_class)
    responses.gen_amzn_requestid_long = request_id


def application(
    status: Callable[[], dict[str, Any]],
    token: str,
    faults: FaultBox,
    pass_time: Callable[[timedelta], datetime],
) -> Application:
    """Moto behind one door, with the server's own status page at :data:`STATUS_PATH`.

    :param token: what management calls must carry, see :mod:`elt_redshift.local.door`.
    :param faults: what goes wrong on demand.
    :param pass_time: sets the clock of schedules forward.
    """
    moto: Any = DomainDispatcherApplication(create_backend_app)
    moto.get_backend_for_host = functools.cache(moto.get_backend_for_host)  # it lists moto's folder each time

    def dispatch(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != STATUS_PATH:
            return cast(Iterable[bytes], moto(environ, start_response))
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(status()).encode()]

    return guarded(RECORD.application(clock.application(faults.application(dispatch), pass_time)), token)


def bind(port: int) -> socket.socket:
    """Take a port of the loopback interface (0: any free one); connections queue until :func:`server` serves them.

    :raises OSError: the port is taken.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def server(listener: socket.socket, app: Application) -> ThreadedWSGIServer:
    """A server on a bound socket, one thread per connection: a statement that waits 30 s holds up nobody else."""
    port = listener.getsockname()[1]
    return ThreadedWSGIServer(HOST, port, cast(Any, app), handler=KeepAliveHandler, fd=listener.fileno())
