"""From Redshift's SQL to PostgreSQL's, token by token."""

from elt_redshift.local.redshift.dialect.errors import UnsupportedSqlError
from elt_redshift.local.redshift.dialect.statements import Translation, inside_procedure, translate

__all__ = ["Translation", "UnsupportedSqlError", "inside_procedure", "translate"]
