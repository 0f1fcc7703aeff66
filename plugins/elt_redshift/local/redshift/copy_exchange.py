"""COPY inside a stored procedure.

A procedure runs in PostgreSQL, which knows no S3. So the procedure asks this process with a notice, which the
connection hands on while the procedure still runs, and waits for a file::

    redshift.copy_into()                      this process
      notice "elt.copy" {id, statement, …}  ->  reads the objects, writes <id>.rows
      waits for <id>.done                   <-  writes <id>.done (the columns, or the error)
      COPY table FROM '<id>.rows'
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from psycopg.errors import Diagnostic

from elt_redshift.local.redshift.copy import columns_to_load, objects, rows_to_load
from elt_redshift.local.redshift.copy_options import parse_copy
from elt_redshift.local.redshift.errors import StatementError
from elt_redshift.local.redshift.s3 import Bucket

_log = logging.getLogger(__name__)
NOTICE = "elt.copy"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _line(row: Sequence[str | None]) -> str:
    """A row in PostgreSQL's text format of COPY."""
    return "\t".join("\\N" if value is None else value.translate(_ESCAPES) for value in row) + "\n"


class CopyExchange:
    """Answers the COPYs of procedures; a notice handler of psycopg's.

    :param folder: which PostgreSQL can read.
    :param source: where the objects are.
    """

    def __init__(self, folder: Path, source: Bucket) -> None:
        self._folder = folder
        self._source = source

    def __call__(self, notice: Diagnostic) -> None:
        if notice.message_primary != NOTICE:
            return
        request = json.loads(notice.message_detail or "{}")
        try:
            answer: dict[str, Any] = self._write_rows(request)
        except StatementError as error:
            answer = {"error": str(error)}
        except Exception as error:
            # psycopg would only log it, and the procedure would wait in vain.
            _log.exception("COPY in a procedure failed")
            answer = {"error": f"the embedded Redshift failed: {type(error).__name__}: {error}"}
        self._publish(request["id"], answer)

    def _write_rows(self, request: dict[str, Any]) -> dict[str, Any]:
        command = parse_copy(request["statement"])
        columns = columns_to_load(command, request["columns"])
        bodies = objects(command, self._source)
        path = self._folder / f"{request['id']}.rows"
        with path.open("w", encoding="utf-8", newline="") as rows:
            rows.writelines(_line(row) for row in rows_to_load(command, columns, bodies))
        path.chmod(0o644)
        return {"columns": [column.name for column in columns]}

    def _publish(self, request_id: str, answer: dict[str, Any]) -> None:
        """Write the answer in one step, because the procedure reads it as soon as it sees it."""
        draft = self._folder / f"{request_id}.draft"
        draft.write_text(json.dumps(answer), encoding="utf-8")
        draft.chmod(0o644)
        draft.rename(self._folder / f"{request_id}.done")
