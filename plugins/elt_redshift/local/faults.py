"""Faults on demand: calls of the embedded AWS that fail, are throttled, are late, or whose answers are lost.

A test of a user's own job says what shall go wrong, and the job meets it as it would on AWS: the calls of the state
machine, of Airflow and of boto3 all come in by the same door. ::

    faults = Faults(aws)
    faults.throttle("redshift-data", "DescribeStatement", times=3)
    faults.lose_answer("redshift-data", "ExecuteStatement", containing="/load_fact/")
    faults.end_statement("/load_fact/", "FAILED", "ERROR: 1023 …")
    faults.forget_token("/load_fact/")
    faults.limit_rate("redshift-data", "ExecuteStatement", per_second=2)

Each fault hits the ``nth`` matching call from now on, and as many behind it as ``times`` says; then it is over. Limits
stay.
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal
from urllib.parse import parse_qs

from elt_redshift.local.door import FAULTS_PATH, Application, StartResponse
from elt_redshift.local.errors import LocalAwsError
from elt_redshift.local.management import ask
from elt_redshift.local.rates import DATA_API, TokenBucket
from elt_redshift.local.state import LocalAws

Kind = Literal["fail", "delay", "lose", "end", "forget", "crowd"]

#: Stands for a call where submissions are meant whose ClientToken is known.
_REPEATED = "repeated submission"

#: What a service says when it is asked too often, where that is not ``ThrottlingException``.
_THROTTLED = {"dynamodb": "ProvisionedThroughputExceededException"}

_RATE_EXCEEDED = "Rate exceeded"

_JSON = [("Content-Type", "application/json")]
_SERVICE = re.compile(r"Credential=[^/]+/\d+/[^/]+/(?P<service>[^/]+)/aws4_request")


@dataclass(frozen=True)
class Fault:
    """One fault, as it is sent to the server.

    :param call: what AWS's protocol calls the operation, such as ``RedshiftData.ExecuteStatement``; nothing where
        statements are ended, and no call's name where their ClientTokens are forgotten.
    :param containing: it hits only calls whose request has this text; or statements whose name has it.
    :param error: AWS's name of the error; or the status that a statement ends with.
    :param seconds: how long a call is held up before it takes effect.
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
        return bool(self._hitting(_REPEATED, statement))

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


class Faults:
    """Sets the faults of an embedded AWS. As a context manager it removes them all at its end.

    :param aws: a running one, as :func:`elt_redshift.local.process.running` and ``find`` give it.
    """

    def __init__(self, aws: LocalAws) -> None:
        self._aws = aws

    def __enter__(self) -> Faults:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def fail(
        self,
        service: str,
        operation: str,
        error: str,
        message: str = "A fault that was asked for.",
        nth: int = 1,
        times: int = 1,
        containing: str = "",
    ) -> None:
        """Refuse calls; nothing of what they ask is done.

        :param service: boto3's name of it, such as ``redshift-data``.
        :param operation: AWS's name, such as ``ExecuteStatement``.
        :param error: AWS's name, such as ``ResourceNotFoundException``; one that begins with ``Internal`` is a 500.
        :raises LocalAwsError: the service has no such operation.
        """
        self._set(Fault("fail", _call_of(service, operation), nth, times, containing, error, message))

    def throttle(self, service: str, operation: str, nth: int = 1, times: int = 1, containing: str = "") -> None:
        """Refuse calls because there were too many, in the service's own words."""
        self.fail(service, operation, _throttled(service), _RATE_EXCEEDED, nth, times, containing)

    def limit_rate(self, service: str, operation: str, per_second: float, burst: float | None = None) -> None:
        """Refuse calls that come faster, in the service's own words, from now on: AWS's token bucket.

        :param burst: how many calls may come at once when none came before; default: those of a second.
        """
        call, most = _call_of(service, operation), max(1.0, per_second if burst is None else burst)
        limit = Fault("fail", call, 1, sys.maxsize, "", _throttled(service), _RATE_EXCEEDED, 0.0, per_second, most)
        self._set(limit)

    def limit_data_api(self) -> None:
        """Refuse what AWS refuses of an account's calls of the Redshift Data API in a region, from now on."""
        for operation, per_second in DATA_API.items():
            self.limit_rate("redshift-data", operation, per_second)

    def limit_active_statements(self, most: int) -> None:
        """Let each warehouse have so many active statements, from now on; AWS's have 500."""
        self._set(Fault("crowd", times=most))

    def delay(
        self, service: str, operation: str, seconds: float, nth: int = 1, times: int = 1, containing: str = ""
    ) -> None:
        """Hold calls up before they take effect: they do so also when their caller does not wait any more."""
        self._set(Fault("delay", _call_of(service, operation), nth, times, containing, seconds=seconds))

    def lose_answer(self, service: str, operation: str, nth: int = 1, times: int = 1, containing: str = "") -> None:
        """Let calls take effect, and end their connections without an answer."""
        self._set(Fault("lose", _call_of(service, operation), nth, times, containing))

    def end_statement(
        self,
        containing: str,
        status: Literal["FAILED", "ABORTED", "FINISHED"],
        error: str = "",
        nth: int = 1,
        times: int = 1,
    ) -> None:
        """Let statements end so without being run.

        :param containing: a part of the statement's name, such as ``/load_fact/``.
        :param error: Redshift's message, of one that fails.
        """
        self._set(Fault("end", "", nth, times, containing, status, error))

    def forget_token(self, containing: str, nth: int = 1, times: int = 1) -> None:
        """Let submissions that repeat an earlier one, by its ClientToken, be new ones: AWS does not say for how long it
        knows a token, and the embedded AWS knows it for 8 hours.

        :param containing: a part of the statement's name, such as ``/load_fact/``.
        """
        self._set(Fault("forget", _REPEATED, nth, times, containing))

    def met(self) -> list[int]:
        """How many calls each fault has hit so far, in the order in which they were set."""
        return [fault["met"] for fault in ask(self._aws, FAULTS_PATH)]

    def clear(self) -> None:
        """Remove all faults."""
        ask(self._aws, FAULTS_PATH, "DELETE")

    def _set(self, fault: Fault) -> None:
        ask(self._aws, FAULTS_PATH, "POST", asdict(fault))


def _throttled(service: str) -> str:
    return _THROTTLED.get(service, "ThrottlingException")


def _call_of(service: str, operation: str) -> str:
    """What the protocol calls an operation.

    :raises LocalAwsError: the service has no such operation, or is asked by paths.
    """
    import botocore.session
    from botocore.exceptions import UnknownServiceError

    try:
        model = botocore.session.get_session().get_service_model(service)
    except UnknownServiceError:
        raise LocalAwsError(f"boto3 knows no service {service}. Give its name as for boto3.client.") from None
    if operation not in model.operation_names:
        raise LocalAwsError(f"{service} has no operation {operation}. Give AWS's name of it, such as ExecuteStatement.")
    if model.metadata["protocol"].startswith("rest"):
        raise LocalAwsError(f"{service} is asked by paths, which faults do not know.")
    return f"{model.metadata.get('targetPrefix', model.signing_name)}.{operation}"
