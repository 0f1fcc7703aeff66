"""AWS's errors in a user's words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from elt_redshift.exceptions import EltError
from elt_redshift.protocol import errors


class AwsError(EltError):
    """AWS refused a call.

    :param about: the object that the call was about.
    :param code: AWS's error code.
    :param message: AWS's own words.
    """

    def __init__(self, about: str, code: str, message: str) -> None:
        self.about, self.code, self.message = about, code, message
        super().__init__(f"{about}: {message} ({code})")

    @property
    def passes(self) -> bool:
        """Whether the same call may well succeed later; see :mod:`elt_redshift.protocol.errors`."""
        return errors.passes(self.code, self.message)


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
        raise AwsError(about, type(error).__name__, str(error)) from error
