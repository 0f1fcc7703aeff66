"""Lambda's Runtime API, by which one process of a function is given its invocations.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_ROOT = "/2018-06-01/runtime"
_NEXT, _INIT_ERROR, _INVOCATION = f"{_ROOT}/invocation/next", f"{_ROOT}/init/error", f"{_ROOT}/invocation/"


@dataclass(frozen=True)
class Invocation:
    """What the function is called with.

    :param deadline: when it is out of time, in epoch milliseconds.
    """

    id: str
    arn: str
    body: bytes
    deadline: int

    def headers(self) -> Mapping[str, str]:
        return {
            "Lambda-Runtime-Aws-Request-Id": self.id,
            "Lambda-Runtime-Invoked-Function-Arn": self.arn,
            "Lambda-Runtime-Deadline-Ms": str(self.deadline),
            "Content-Type": "application/json",
        }


@dataclass(frozen=True)
class Outcome:
    """What came of an invocation: the answer, or the error as Lambda shapes it. Both are JSON.

    :param failed: it is an error.
    """

    payload: bytes
    failed: bool = False


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A process that has ended takes no answer."""


class RuntimeApi:
    """The API for one process.

    :ivar ready: the process has asked for an invocation, or told that it cannot begin.
    :ivar broken: it cannot begin.
    """

    def __init__(self) -> None:
        self.ready, self.broken = threading.Event(), False
        self._given: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
        self._told: queue.SimpleQueue[Outcome | None] = queue.SimpleQueue()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        serve = {"poll_interval": 0.1}
        threading.Thread(target=self._server.serve_forever, kwargs=serve, daemon=True, name="runtime api").start()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def give(self, invocation: Invocation) -> None:
        """Let the process have it."""
        self._given.put(invocation)

    def outcome(self, seconds: float) -> Outcome | None:
        """What the process has told; None: nothing in so many seconds, or ever again."""
        try:
            return self._told.get(timeout=max(0.0, seconds))
        except queue.Empty:
            return None

    def ended(self) -> None:
        """The process has ended: nobody need wait for it."""
        self.ready.set()
        self._told.put(None)

    def close(self) -> None:
        self._given.put(None)
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                api.ready.set()
                invocation = api._given.get() if self.path == _NEXT else None
                self._answer(200 if invocation else 404, invocation)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                failed = self.path.endswith("/error")
                api.broken = api.broken or self.path == _INIT_ERROR
                if api.broken or self.path.startswith(_INVOCATION):
                    api._told.put(Outcome(body, failed))
                    api.ready.set()
                self._answer(202)

            def _answer(self, status: int, invocation: Invocation | None = None) -> None:
                body = invocation.body if invocation else b"{}"
                self.send_response(status)
                for name, value in (invocation.headers() if invocation else {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Nobody reads it."""

        return Handler
