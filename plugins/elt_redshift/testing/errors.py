"""How a state fails in the simulation."""

from __future__ import annotations

from elt_redshift.testing.clock import ExpectedError


class StateError(ExpectedError):
    """An error by its name, as Retry and Catch match it, and its cause."""

    def __init__(self, name: str, cause: str = "") -> None:
        self.name, self.cause = name, cause
        super().__init__(f"{name}: {cause}")


class ServiceError(Exception):
    """A service's answer to a call that it does not take: the exception's name, without the service."""

    def __init__(self, name: str, message: str = "") -> None:
        self.name, self.message = name, message
        super().__init__(f"{name}: {message}")
