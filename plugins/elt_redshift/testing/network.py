"""How calls travel to the services and their answers back: quickly, slowly, or not at all.

Whether a call arrives does not depend on what becomes of its caller: one that is under way when an execution is stopped
takes effect all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Literal, cast, get_args

from elt_redshift.testing.clock import Clock, Promise
from elt_redshift.testing.errors import ServiceError, StateError

Handler = Callable[[Mapping[str, Any]], Any]

#: How a call fares badly, as in :class:`Faults`.
Misfortune = Literal["throttled", "refused", "unanswered", "delayed", "slow"]

#: The same, or the error that the call is refused with.
Fate = Literal["well"] | Misfortune | StateError


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
    "lambda": "Lambda",
    "states": "StepFunctions",
}
_THROTTLES = {
    "dynamodb": "ProvisionedThroughputExceededException",
    "aws-sdk:dynamodb": "ThrottlingException",
    "lambda": "TooManyRequestsException",
}


class Network:
    """:ivar faults: as of now.
    :ivar spread: so many seconds longer the longest call is under way that fares well; most are much quicker.
    :ivar outages: until when a service answers nothing but errors, by the service's name.
    """

    def __init__(self, clock: Clock, random: Random, faults: Faults) -> None:
        self._clock, self._random, self.faults = clock, random, faults
        self.spread = 0.0
        self.outages: dict[str, float] = {}

    def call(
        self,
        service: str,
        handler: Handler,
        request: Mapping[str, Any],
        fate: Fate | None = None,
        repeated: bool = True,
    ) -> Promise:
        """Send a request. The promise is of the answer, or of a :class:`StateError`.

        :param fate: how it fares; None: as it happens.
        :param repeated: the client sends it once more where no answer comes.
        """
        answer, prefix = Promise(), PREFIXES.get(service, service.rpartition(":")[2].capitalize())
        fate = fate or self._fate(service)
        quickness = self._random.random()
        there = 0.005 + 0.04 * quickness + self.spread * quickness**4
        if refusal := _refusal(service, prefix, fate):
            self._clock.after(there, answer.keep, None, refusal)
            return answer
        if fate in ("unanswered", "delayed"):
            given_up = there + self._late() if fate == "unanswered" else there
            error = StateError(f"{prefix}.SdkClientException", "Unable to execute HTTP request: Read timed out")
            self._clock.after(given_up, answer.keep, None, error)
            there += 0.0 if fate == "unanswered" else self._late() + (self._late() if repeated else 0.0)
            self._clock.after(there, self._arrive, prefix, handler, request, Promise())  # nobody hears the answer
            return answer
        self._clock.after(
            there + (self._late() if fate == "slow" else 0.0), self._arrive, prefix, handler, request, answer
        )
        return answer

    def _late(self) -> float:
        return self.faults.late * self._random.random()

    def _fate(self, service: str) -> Misfortune | None:
        if self.outages.get(service.removeprefix("aws-sdk:"), 0.0) > self._clock.now:
            return "throttled"
        at, faults = self._random.random(), self.faults
        for fate in get_args(Misfortune):
            share = getattr(faults, fate)
            if at < share:
                return cast(Misfortune, fate)
            at -= share
        return None

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


def _refusal(service: str, prefix: str, fate: Fate | None) -> StateError | None:
    """What a call is refused with that never reaches its service."""
    if isinstance(fate, StateError):
        return fate
    names = {"throttled": _THROTTLES.get(service, "ThrottlingException"), "refused": "InternalServerException"}
    return StateError(f"{prefix}.{names[fate]}", _cause(prefix, "Try later")) if fate in names else None


def _cause(prefix: str, message: str) -> str:
    return f"{message} (Service: {prefix}, Status Code: 400, Request ID: 0)"
