"""Faults on demand: calls of the embedded AWS that fail, are throttled, are late, or whose answers are lost.

A test of a user's own job says what shall go wrong, and the job meets it as it would on AWS: the calls of the state
machine, of Airflow and of boto3 all come in by the same door. ::

    faults = Faults(aws)
    faults.throttle("redshift-data", "DescribeStatement", times=3)
    faults.lose_answer("redshift-data", "ExecuteStatement", containing="/load_fact/")
    faults.end_statement("/load_fact/", "FAILED", "ERROR: 1023 …")
    faults.forget_token("/load_fact/")
    faults.limit_rate("redshift-data", "ExecuteStatement", per_second=2)
    faults.let_conflict("TransactWriteItems", times=2)

Each fault hits the ``nth`` matching call from now on, and as many behind it as ``times`` says; then it is over. Limits
stay.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Literal

from elt_redshift.local.door import FAULTS_PATH
from elt_redshift.local.dynamodb.conflicts import WRITES
from elt_redshift.local.errors import LocalAwsError
from elt_redshift.local.fault_box import REPEATED, UNDER_WAY, Fault
from elt_redshift.local.management import ask
from elt_redshift.local.rates import DATA_API
from elt_redshift.local.state import LocalAws

#: What a service says when it is asked too often, where that is not ``ThrottlingException``.
_THROTTLED = {"dynamodb": "ProvisionedThroughputExceededException"}

_RATE_EXCEEDED = "Rate exceeded"


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

    def let_conflict(
        self,
        operation: str,
        conflicts: int = 1,
        seconds: float = 60.0,
        nth: int = 1,
        times: int = 1,
        containing: str = "",
    ) -> None:
        """Let writes of DynamoDB be under way until others meet them, which AWS refuses: transactions are canceled; of
        what a transaction is under way for, other writes conflict with it.

        :param operation: ``TransactWriteItems``, ``PutItem``, ``UpdateItem`` or ``DeleteItem``.
        :param conflicts: how many calls are refused before it takes effect.
        :param seconds: how long it waits for them at most.
        :raises LocalAwsError: it is none of these.
        """
        if operation not in WRITES:
            raise LocalAwsError(f"Nothing conflicts with {operation}. Give one of {', '.join(WRITES)}.")
        call = f"{UNDER_WAY}{operation}"
        self._set(Fault("conflict", call, nth, times, containing, seconds=seconds, conflicts=conflicts))

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
        self._set(Fault("forget", REPEATED, nth, times, containing))

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
