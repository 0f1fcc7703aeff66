"""SQL that Redshift would run and the embedded one does not."""

from __future__ import annotations

from elt_redshift.exceptions import EltError


class UnsupportedSqlError(EltError):
    """A statement needs something that only a real Redshift has. The message says what."""


class InvalidSqlError(UnsupportedSqlError):
    """A statement is one that a real Redshift refuses too. The message is Redshift's."""
