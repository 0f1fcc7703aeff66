"""From Redshift's SQL to PostgreSQL's, token by token."""

from elt_redshift.local.redshift.dialect.errors import UnsupportedSqlError
from elt_redshift.local.redshift.dialect.statements import Translation, translate

__all__ = ["Translation", "UnsupportedSqlError", "translate"]
