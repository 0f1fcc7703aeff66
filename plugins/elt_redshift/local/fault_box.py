"""The faults of a running embedded AWS, which its calls meet: the server's side of :mod:`.faults`."""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal
from urllib.parse import parse_qs

from elt_redshift.local.door import FAULTS_PATH, Application, StartResponse
from elt_redshift.local.dynamodb.conflicts import Hold
from elt_redshift.local.rates import TokenBucket

Kind = Literal["fail", "delay", "lose", "end", "forget", "crowd", "conflict"]

#: Stands for a call where submissions are meant whose ClientToken is known.
REPEATED = "repeated submission"

#: Stands before the name of an operation that other calls are to meet.
UNDER_WAY = "under way: "

_JSON = [("Content-Type", "application/json")]
_SERVICE = re.compile(r"Credential=[^/]+/\d+/[^/]+/(?P<service>[^/]+)/aws4_request")


@dataclass(frozen=True)
class Fault:
    """One fault, as it is sent to the server.

    :param call: what AWS's protocol calls the operation, such as ``RedshiftData.ExecuteStatement``; nothing where
        statements are ended, and no call's name where their ClientTokens are forgotten.
    :param containing: it hits only calls whose request has this text; or statements whose name has it.
    :param error: AWS's name of the error; or the status that a statement ends with.
    :param seconds: how long a call is held up before it takes effect; where others are to meet it, at most.
    :param conflicts: it is held up until so many calls have met it.
    :param per_second: it hits only what exceeds so many calls a second, of which ``burst`` may come at once; 0: any.
    """

    kind: Kind
    call: str = ""
    nth: int = 1
    times: int = 1
    containing: str = ""
    error: str = ""
    message: str = ""
    seconds: float = 0.0
    per_second: float = 0.0
    burst: float = 0.0
    conflicts: int = 0


class LostAnswerError(Exception):
    """The call took effect, and nobody is to hear of it."""


class FaultBox:
    """The faults of a running embedded AWS, on the server's side.

    :param clock: seconds that pass evenly, for rates.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._faults: list[tuple[Fault, list[str], TokenBucket | None]] = []

    def application(self, app: Application) -> Application:
        """``app``, whose calls meet the faults; and behind its own path, the faults to be set, read and removed."""

        def enter(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
            if environ["PATH_INFO"] == FAULTS_PATH:
                return self._managed(environ, start_response)
            if not self._faults:
                return app(environ, start_response)
            body = environ["wsgi.input"].read()
            environ["wsgi.input"].seek(0)
            faults = self._hitting(_call(environ, body), body.decode(errors="replace"))
            time.sleep(sum(fault.seconds for fault in faults))
            if failing := next((fault for fault in faults if fault.kind == "fail"), None):
                return _refusal(failing, environ, start_response)
            answer = list(app(environ, start_response))
            if any(fault.kind == "lose" for fault in faults):
                raise LostAnswerError
            return answer

        return enter

    def end_of(self, statement: str) -> tuple[str, str] | None:
        """How the statement of that name is to end without being run: its status and error; None: it is run."""
        ends = self._hitting("", statement)
        return (ends[0].error, ends[0].message) if ends else None

    def forgets(self, statement: str) -> bool:
        """Whether the ClientToken of a submission is forgotten, which was given with the statement of that name."""
        return bool(self._hitting(REPEATED, statement))

    def hold(self, operation: str, request: Mapping[str, Any]) -> Hold | None:
        """How long a write of DynamoDB is to be under way; None: it happens at once."""
        if not self._faults:
            return None
        held = self._hitting(f"{UNDER_WAY}{operation}", json.dumps(request))
        return Hold(held[0].conflicts, held[0].seconds) if held else None

    def active_limit(self) -> int | None:
        """How many statements a warehouse may have active; None: as many as AWS's allow."""
        with self._lock:
            return min((fault.times for fault, _, _ in self._faults if fault.kind == "crowd"), default=None)

    def _hitting(self, call: str, text: str) -> list[Fault]:
        """The faults that this call meets, which is noted. One that is refused for its rate takes nothing of it."""
        hit = []
        with self._lock:
            for fault, seen, bucket in self._faults:
                if fault.kind == "crowd":
                    continue
                if fault.call == call and fault.containing in text and not (bucket and bucket.take()):
                    seen.append(text)
                    if fault.nth <= len(seen) < fault.nth + fault.times:
                        hit.append(fault)
        return hit

    def _managed(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        with self._lock:
            if environ["REQUEST_METHOD"] == "POST":
                fault = Fault(**json.loads(environ["wsgi.input"].read()))
                bucket = TokenBucket(fault.per_second, fault.burst, self._clock) if fault.per_second else None
                self._faults.append((fault, [], bucket))
            elif environ["REQUEST_METHOD"] == "DELETE":
                self._faults.clear()
            told = [{**asdict(fault), "met": _met(fault, len(seen))} for fault, seen, _ in self._faults]
        start_response("200 OK", _JSON)
        return [json.dumps(told).encode()]


def _met(fault: Fault, seen: int) -> int:
    return max(0, min(seen - fault.nth + 1, fault.times))


def _call(environ: dict[str, Any], body: bytes) -> str:
    """``AWSStepFunctions.StartExecution``; of the services that are asked by forms, ``cloudformation.CreateStack``."""
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return str(target)
    signed = _SERVICE.search(environ.get("HTTP_AUTHORIZATION", ""))
    action = parse_qs(body.decode(errors="replace")).get("Action", [""])[0]
    return f"{signed['service']}.{action}" if signed and action else ""


def _refusal(fault: Fault, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    status = "500 Internal Server Error" if fault.error.startswith("Internal") else "400 Bad Request"
    request_id = ("x-amzn-RequestId", str(uuid.uuid4()))
    if "HTTP_X_AMZ_TARGET" in environ:
        start_response(status, [("Content-Type", "application/x-amz-json-1.1"), request_id])
        return [json.dumps({"__type": fault.error, "message": fault.message}).encode()]
    start_response(status, [("Content-Type", "text/xml"), request_id])
    error = f"<Error><Code>{fault.error}</Code><Message>{fault.message}</Message></Error>"
    return [f"<ErrorResponse>{error}</ErrorResponse>".encode()]
