"""Bringing up the embedded Redshift, and taking it down."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from elt_redshift.local.redshift.data_api import DataApi, Emit
from elt_redshift.local.redshift.loading.s3 import Bucket
from elt_redshift.local.redshift.postgres import Postgres
from elt_redshift.local.watchdog import Watchdog


@dataclass(frozen=True)
class EmbeddedRedshift:
    """A running Data API and the PostgreSQL behind it."""

    data_api: DataApi
    postgres: Postgres

    def stop(self) -> None:
        """Cancel what runs, stop PostgreSQL as :meth:`Postgres.stop` does."""
        self.data_api.close()
        self.postgres.stop()


def start(
    data_dir: Path,
    endpoint_url: str | None = None,
    emit: Emit | None = None,
    home: Path | None = None,
    watchdog: Watchdog | None = None,
) -> EmbeddedRedshift:
    """Start PostgreSQL in ``data_dir`` and a Data API over it.

    :param data_dir: new or empty; deleted when the server stops, or when this process ends in whatever way.
    :param endpoint_url: of the S3 that COPY and UNLOAD use; ``None``: boto3's default, so ``AWS_ENDPOINT_URL``.
    :param emit: called with an event's detail when a statement with ``WithEvent`` has ended.
    :param home: as :class:`~elt_redshift.local.redshift.postgres.Postgres` takes it, and ``watchdog`` too.
    :raises PostgresError: PostgreSQL does not start.
    """
    postgres = Postgres(data_dir, home=home, watchdog=watchdog)
    postgres.start()
    return EmbeddedRedshift(DataApi(postgres, Bucket(endpoint_url), emit), postgres)
