"""Errors of the embedded CloudFormation, in AWS's words and with AWS's codes."""

from __future__ import annotations

from elt_redshift.exceptions import EltError


class CloudFormationError(EltError):
    """An API call is refused.

    :param message: as AWS words it.
    :param code: AWS's error code.
    """

    def __init__(self, message: str, code: str = "ValidationError") -> None:
        self.message = message
        self.code = code
        super().__init__(message)


class ResourceError(EltError):
    """A resource could not be created, updated or deleted: the stack goes on without the caller and rolls back.

    :param logical_id: the resource's name in the template.
    :param reason: what stands in the stack event.
    """

    def __init__(self, logical_id: str, reason: str) -> None:
        self.logical_id = logical_id
        self.reason = reason
        super().__init__(f"{logical_id}: {reason}")
