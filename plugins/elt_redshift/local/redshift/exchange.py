"""What PostgreSQL asks this process, while it runs a statement.

A procedure runs in PostgreSQL, which knows no S3, no history of statements and no dialect of Redshift's. So a function
there asks with a notice, which the connection hands on while the statement still runs, and waits for an answer::

    redshift.ask()                             this process
      notice "elt.ask" {id, kind, …}        ->  finds out
      redshift.answer(id), until            <-  writes <id>.answer: lines of JSON, the first of them may be an error
      it is there

Any SQL can raise such a notice, so nothing in it is believed: the id must be one, and nothing else names the file.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from psycopg.errors import Diagnostic

from elt_redshift.exceptions import EltError

_log = logging.getLogger(__name__)
NOTICE = "elt.ask"

#: Takes a request's members and gives the lines of the answer; an :class:`EltError` becomes the statement's error.
Answer = Callable[[dict[str, Any]], list[Any]]


class Exchange:
    """Answers questions; a notice handler of psycopg's.

    :param folder: which PostgreSQL can read.
    :param answers: who answers, by the question's kind.
    """

    def __init__(self, folder: Path, answers: Mapping[str, Answer]) -> None:
        self._folder = folder
        self._answers = answers

    def __call__(self, notice: Diagnostic) -> None:
        if notice.message_primary != NOTICE:
            return
        try:
            request = json.loads(notice.message_detail or "")
            name, answer = f"{UUID(request['id'])}.answer", self._answers[request["kind"]]
        except (ValueError, TypeError, KeyError, AttributeError):
            _log.warning("a notice asks for something without an id and a kind of ours: %s", notice.message_detail)
            return
        try:
            lines = answer(request)
        except EltError as error:
            lines = [{"error": str(error)}]
        except Exception as error:
            # psycopg would only log it, and the statement would wait in vain.
            _log.exception("the answer to a question of kind %s failed", request["kind"])
            lines = [{"error": f"the embedded Redshift failed: {type(error).__name__}: {error}"}]
        self._publish(name, lines)

    def _publish(self, name: str, lines: list[Any]) -> None:
        """Write the answer in one step, because it is read as soon as it is seen."""
        draft = self._folder / f"{name}.draft"
        with draft.open("w", encoding="utf-8") as file:
            file.write("\n".join(map(json.dumps, lines)))
        draft.chmod(0o644)
        draft.rename(self._folder / name)
