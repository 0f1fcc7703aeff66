"""AWS's errors in a user's words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from elt_redshift.exceptions import EltError
from elt_redshift.protocol import errors


class AwsError(EltError):
    """AWS refused a call, or could not be called.

    :param about: the object that the call was about.
    :param code: AWS's error code.
    :param message: AWS's own words.
    :param answered: whether AWS gave the code. Otherwise it is the name of an error of the SDK, for programs only.
    """

    def __init__(self, about: str, code: str, message: str, answered: bool = True) -> None:
        self.about, self.code, self.message, self.answered = about, code, message, answered
        said, remedy = f"{message} ({code})" if answered else message, _remedy(about, code)
        super().__init__(f"{about}: {said.rstrip('.')}. {remedy}" if remedy else f"{about}: {said}")

    @property
    def passes(self) -> bool:
        """Whether the same call may well succeed later; see :mod:`elt_redshift.protocol.errors`."""
        return errors.passes(self.code, self.message)


#: What to do about errors of the SDK, whose words name none.
_REMEDIES = {
    "EndpointConnectionError": "Is it up, and is the region right? `elt-redshift local up` starts the embedded AWS.",
    "NoCredentialsError": "Log in, or name a profile in AWS_PROFILE; "
    'for the embedded AWS, eval "$(elt-redshift local env)".',
    "NoRegionError": "Give --region, or set AWS_DEFAULT_REGION.",
}


#: Of what a stack has made, and somebody has deleted outside of it, or a later deployment has taken out of it. SNS says
#: ``NotFound``.
GONE = ("ResourceNotFoundException", "StateMachineDoesNotExist", "NotFound")

#: The caller lacks a right; services have two names for it.
DENIED = ("AccessDenied", "AccessDeniedException")

_ALL_ANEW = "delete the rest with `elt-redshift destroy`, then deploy the job as the first time."
#: What helps where no deployment does.
MADE_ANEW = f"A deployment does not make it anew: {_ALL_ANEW}"


def _remedy(about: str, code: str) -> str:
    if code == "StateMachineDoesNotExist":
        return f"Somebody has deleted it outside of its stack, and a deployment does not make it anew: {_ALL_ANEW}"
    if code == "ResourceNotFoundException" and about.startswith("history table"):
        return f"Restore it under its name from a backup; or {_ALL_ANEW}"
    audit = re.fullmatch(r"audit (?:table|item .* in table) (\S+)", about)
    if code == "ResourceNotFoundException" and audit:
        return f"Make it with `elt-redshift audit create {audit[1]}`, or name another."
    return _REMEDIES.get(code, "")


def error_code(error: Any) -> str:
    """The code of a botocore ``ClientError``."""
    return str(error.response["Error"]["Code"])


@contextmanager
def aws_errors(about: str) -> Iterator[None]:
    """Turn botocore's errors into :class:`AwsError`, naming ``about``."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise AwsError(about, error_code(error), error.response["Error"].get("Message", "no message")) from error
    except BotoCoreError as error:
        raise AwsError(about, type(error).__name__, str(error), answered=False) from error
