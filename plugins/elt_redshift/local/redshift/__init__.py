"""The Redshift half of the embedded AWS: a Redshift Data API that really executes SQL, on an embedded PostgreSQL.

:func:`start` brings up both; see docs/embedded-redshift.md for what is emulated and how it differs from Redshift.
"""

from elt_redshift.local.redshift.data_api import DataApi
from elt_redshift.local.redshift.errors import DataApiError
from elt_redshift.local.redshift.postgres import Postgres
from elt_redshift.local.redshift.running import EmbeddedRedshift, start

__all__ = ["DataApi", "DataApiError", "EmbeddedRedshift", "Postgres", "start"]
