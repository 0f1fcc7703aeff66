"""COPY inside a stored procedure.

A procedure runs in PostgreSQL, which knows no S3 and has no files. So the procedure asks this process with a notice,
which the connection hands on while the procedure still runs, and waits for an answer::

    redshift.copy_into()                      this process
      notice "elt.copy" {id, statement, …}  ->  reads the objects
      redshift.copy_answer(id), until       <-  writes <id>.answer: a line of JSON (the columns, or the error), and
      it is there; inserts the rows             one for each row

Any SQL can raise such a notice, so nothing in it is believed: the id must be one, and nothing else names the file.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any
from uuid import UUID

from psycopg.errors import Diagnostic

from elt_redshift.local.redshift.copy import columns_to_load, objects, rows_to_load
from elt_redshift.local.redshift.copy_options import parse_copy
from elt_redshift.local.redshift.errors import StatementError
from elt_redshift.local.redshift.s3 import Bucket

_log = logging.getLogger(__name__)
NOTICE = "elt.copy"


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
        try:
            request = json.loads(notice.message_detail or "")
            name = f"{UUID(request['id'])}.answer"
        except (ValueError, TypeError, KeyError, AttributeError):
            _log.warning("a notice asks for rows without an id of ours: %s", notice.message_detail)
            return
        try:
            lines: list[Any] = self._rows(request)
        except StatementError as error:
            lines = [{"error": str(error)}]
        except Exception as error:
            # psycopg would only log it, and the procedure would wait in vain.
            _log.exception("COPY in a procedure failed")
            lines = [{"error": f"the embedded Redshift failed: {type(error).__name__}: {error}"}]
        self._publish(name, lines)

    def _rows(self, request: dict[str, Any]) -> list[Any]:
        command = parse_copy(request["statement"])
        columns = columns_to_load(command, request["columns"])
        bodies = objects(command, self._source)
        load = {"columns": [column.name for column in columns]}
        return [load, *rows_to_load(command, columns, bodies)]

    def _publish(self, name: str, lines: list[Any]) -> None:
        """Write the answer in one step, because the procedure reads it as soon as it sees it."""
        draft = self._folder / f"{name}.draft"
        with draft.open("w", encoding="utf-8") as file:
            file.write("\n".join(map(json.dumps, lines)))
        draft.chmod(0o644)
        draft.rename(self._folder / name)
