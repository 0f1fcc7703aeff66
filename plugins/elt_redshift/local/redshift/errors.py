"""What the Data API answers when it refuses a request, and how a failed statement reads."""

from __future__ import annotations

import psycopg

from elt_redshift.exceptions import EltError
from elt_redshift.local.redshift.absent import explanation
from elt_redshift.local.redshift.roles import FUNCTION_SCHEMA


class DataApiError(EltError):
    """A refused request.

    :param code: the error's name in AWS's model, such as ``ValidationException``.
    :param message: AWS's words, as far as they are known.
    :param status: HTTP status; 400 for everything the caller can mend, 500 otherwise.
    :param members: further members of the error's shape, such as ``ResourceId``.
    """

    def __init__(self, code: str, message: str, status: int = 400, members: dict[str, str] | None = None) -> None:
        self.code, self.message, self.status, self.members = code, message, status, members or {}
        super().__init__(f"{code}: {message}")


def invalid(message: str) -> DataApiError:
    """The answer to a request that breaks a rule."""
    return DataApiError("ValidationException", message)


def missing(message: str, resource: str) -> DataApiError:
    """The answer to a request for something that is not there."""
    return DataApiError("ResourceNotFoundException", message, members={"ResourceId": resource})


class StatementError(EltError):
    """A statement failed for a reason that PostgreSQL did not give; the message reads like Redshift's."""


_SERIALIZATION_FAILURE = "40001"
_INVALID_TERMINATION = "2D000"
#: Of a search path there is nothing but the schemas that are behind each one here.
_NOWHERE = f"permission denied for schema {FUNCTION_SCHEMA}"
_ATOMIC = (
    "COMMIT, ROLLBACK and TRUNCATE cannot be invoked from a procedure that is executing in an atomic context.\n"
    "HINT: Try calling the procedure as a top-level call i.e. not from within an explicit transaction block."
)


def _from_postgres(error: psycopg.Error) -> str:
    diagnosis = error.diag
    message = diagnosis.message_primary or str(error).strip() or type(error).__name__
    if error.sqlstate == _SERIALIZATION_FAILURE:
        return f"1023\nDETAIL: Serializable isolation violation on table: {message}"
    if error.sqlstate == _INVALID_TERMINATION:
        return _ATOMIC
    if message == _NOWHERE and f"{FUNCTION_SCHEMA}." not in (diagnosis.context or ""):
        return "no schema has been selected to create in"
    if (absent := explanation(message)) is not None:
        return absent
    if message.startswith("MERGE command cannot affect row a second time"):
        return "Found multiple matches to update the same tuple."
    # What stands in a block that the dialect put around it does not concern anybody.
    context = None if "PL/pgSQL function inline_code_block" in (diagnosis.context or "") else diagnosis.context
    extras = {"DETAIL": diagnosis.message_detail, "HINT": diagnosis.message_hint, "CONTEXT": context}
    return "\n".join([message, *(f"{label}: {value}" for label, value in extras.items() if value)])


def error_text(error: Exception) -> str:
    """The ``Error`` of a failed statement: ``ERROR: …`` with PostgreSQL's detail, hint and context on further lines;
    ``FATAL: …`` where there was no connection, as for an unknown database.

    A serialization failure reads as Redshift's error 1023,
    https://docs.aws.amazon.com/redshift/latest/dg/c_serial_isolation.html
    """
    unconnected = str(error).strip().rpartition("FATAL:  ")[2]
    if isinstance(error, psycopg.OperationalError) and error.sqlstate is None and unconnected:
        return f"FATAL: {unconnected}"
    return "ERROR: " + (_from_postgres(error) if isinstance(error, psycopg.Error) else str(error))
