"""How calls travel to the services and their answers back: quickly, slowly, or not at all.

Whether a call arrives does not depend on what becomes of its caller: one that is under way when an execution is stopped
takes effect all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from elt_redshift.testing.clock import Clock, Promise
from elt_redshift.testing.errors import ServiceError, StateError

Handler = Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True)
class Faults:
    """How often calls fare badly, each as a share of all calls.

    :param throttled: refused because of the rate.
    :param refused: answered with an error of the service; nothing has happened.
    :param unanswered: it took effect, and the answer was lost.
    :param delayed: it takes effect up to ``late`` seconds after its caller has been told of an error.
    :param slow: it arrives up to ``late`` seconds late, and is answered.
    :param late: the longest that a call may be under way, in seconds.
    """

    throttled: float = 0.0
    refused: float = 0.0
    unanswered: float = 0.0
    delayed: float = 0.0
    slow: float = 0.0
    late: float = 60.0

    @property
    def any(self) -> bool:
        """Whether a call may fail at all."""
        return any((self.throttled, self.refused, self.unanswered, self.delayed, self.slow))


#: The errors of each service as integrations name them.
PREFIXES = {
    "dynamodb": "DynamoDB",
    "aws-sdk:dynamodb": "DynamoDb",
    "aws-sdk:redshiftdata": "RedshiftData",
    "aws-sdk:sfn": "Sfn",
}
_THROTTLES = {"dynamodb": "ProvisionedThroughputExceededException", "aws-sdk:dynamodb": "ThrottlingException"}


class Network:
    """:ivar faults: as of now.
    :ivar outages: until when a service answers nothing but errors, by the service's name.
    """

    def __init__(self, clock: Clock, random: Random, faults: Faults) -> None:
        self._clock, self._random, self.faults = clock, random, faults
        self.outages: dict[str, float] = {}

    def call(self, service: str, handler: Handler, request: Mapping[str, Any]) -> Promise:
        """Send a request. The promise is of the answer, or of a :class:`StateError`."""
        answer, prefix = Promise(), PREFIXES.get(service, service.rpartition(":")[2].capitalize())
        fate, random, late = self._fate(service), self._random, self.faults.late
        there = 0.005 + 0.04 * random.random()
        if fate in ("throttled", "refused"):
            name = _THROTTLES.get(service, "ThrottlingException") if fate == "throttled" else "InternalServerException"
            self._clock.after(there, answer.keep, None, StateError(f"{prefix}.{name}", _cause(prefix, "Try later")))
            return answer
        if fate in ("unanswered", "delayed"):
            given_up = StateError(f"{prefix}.SdkClientException", "Unable to execute HTTP request: Read timed out")
            after = there + late * random.random()
            self._clock.after(after if fate == "unanswered" else there, answer.keep, None, given_up)
            there = after + late * random.random() if fate == "delayed" else there
        elif fate == "slow":
            there += late * random.random()
        self._clock.after(there, self._arrive, prefix, handler, request, answer)
        return answer

    def _fate(self, service: str) -> str:
        if self.outages.get(service.removeprefix("aws-sdk:"), 0.0) > self._clock.now:
            return "throttled"
        at, faults = self._random.random(), self.faults
        for fate in ("throttled", "refused", "unanswered", "delayed", "slow"):
            share = getattr(faults, fate)
            if at < share:
                return fate
            at -= share
        return ""

    def _arrive(self, prefix: str, handler: Handler, request: Mapping[str, Any], answer: Promise) -> None:
        try:
            result = handler(request)
        except ServiceError as error:
            failure = StateError(f"{prefix}.{error.name}", _cause(prefix, error.message))
            self._clock.after(self._back(), answer.keep, None, failure)
            return
        if isinstance(result, Promise):
            result.then(lambda kept: self._clock.after(self._back(), answer.keep, kept.value, kept.error))
        else:
            self._clock.after(self._back(), answer.keep, result)

    def _back(self) -> float:
        return 0.005 + 0.02 * self._random.random()


def _cause(prefix: str, message: str) -> str:
    return f"{message} (Service: {prefix}, Status Code: 400, Request ID: 0)"
