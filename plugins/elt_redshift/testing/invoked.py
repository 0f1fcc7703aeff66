"""A model of the Lambda functions of a job: what :mod:`elt_redshift.functions` does, on virtual time.

An invocation is a call to Lambda, and may be lost, late or come twice; the calls that it makes are calls as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from typing import Any

from elt_redshift.functions import sql, state
from elt_redshift.protocol.limits import LONG_POLL
from elt_redshift.protocol.statements import OPEN, SUBMITTED
from elt_redshift.testing.clock import Clock, Promise
from elt_redshift.testing.errors import StateError
from elt_redshift.testing.network import Handler, Network

Handlers = Callable[[str, str], Handler]


class Functions:
    """:param handlers: gives what answers the calls of a service, by the service and the action."""

    def __init__(self, clock: Clock, network: Network, handlers: Handlers) -> None:
        self._clock, self._network, self._handlers = clock, network, handlers

    def invoke(self, request: Mapping[str, Any]) -> Promise:
        """https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html"""
        return self._clock.process(lambda _: self._invoked(request["Payload"])).ended

    def _invoked(self, event: Mapping[str, Any]) -> Generator[Any, Any, Any]:
        try:
            return {"Payload": (yield from self._answer(event))}
        except StateError as error:
            cause = {"errorMessage": error.cause, "errorType": error.name, "stackTrace": []}
            raise StateError(error.name, json.dumps(cause)) from None

    def _answer(self, event: Mapping[str, Any]) -> Generator[Any, Any, Any]:
        operation, request = event["operation"], event["request"]
        if operation not in sql.SUBMISSIONS:
            return (yield self._call(operation, request))
        if self._clock.now - event["sent"] / 1000 >= sql.LATE:
            raise StateError(f"{sql.PREFIX}.ServiceUnavailableException", "The submission was under way for too long.")
        submitted = yield self._call(operation, request)
        since = self._clock.now
        status = submitted.get("Status", SUBMITTED)
        while status in OPEN and (left := since + event["wait"] - self._clock.now) > 0:
            look = {"Id": submitted["Id"], "WaitTimeSeconds": min(LONG_POLL, left)}
            try:
                status = (yield self._call("DescribeStatement", look))["Status"]
            except StateError:
                yield sql.PAUSE
        return {**submitted, "Status": status, "SubmittedAt": int(since * 1000)}

    def _call(self, operation: str, request: Mapping[str, Any]) -> Promise:
        service = "dynamodb" if operation in state.OPERATIONS else "aws-sdk:redshiftdata"
        action = f"{operation[0].lower()}{operation[1:]}"
        handler = self._handlers(service.removeprefix("aws-sdk:"), action)
        return self._network.call(service, handler, request, repeated=False)
