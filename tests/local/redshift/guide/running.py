"""Runs a chapter on an embedded Redshift, and says where it answers otherwise than the guide."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from elt_redshift.local.redshift.data_api import DataApi

from . import Block

_TARGET = {"ClusterIdentifier": "warehouse", "Database": "dev", "DbUser": "awsuser"}


def _cell(field: dict[str, Any]) -> str:
    if "isNull" in field:
        return "null"
    kind, value = next(iter(field.items()))
    if kind == "booleanValue":
        return str(value).lower()
    if kind == "blobValue":
        return "0x" + base64.b64decode(value).hex()
    text = str(value).replace("\n", "\\n")
    return f"'{text}'" if text != text.strip() or text in ("", "null") else text


class Session:
    """Statements one after another in a session of the Data API, in a schema of its own."""

    def __init__(self, data_api: DataApi, session: str) -> None:
        self._data_api, self._session = data_api, session

    def describe(self, sql: str, keep: int = 600) -> dict[str, Any]:
        """Run ``sql`` and say how it ended."""
        request = {"Sql": sql, "SessionId": self._session, "SessionKeepAliveSeconds": keep, "WaitTimeSeconds": 30}
        submitted = self._data_api.call("ExecuteStatement", request)
        return self._data_api.call("DescribeStatement", {"Id": submitted["Id"], "WaitTimeSeconds": 30})

    def lines(self, block: Block) -> list[str]:
        """What ``block`` comes to, in the lines of a chapter, with as much of it as the block speaks of."""
        outcome = self.describe(block.sql)
        if outcome["Status"] != "FINISHED":
            return [f"error: {outcome.get('Error')}"]
        if not outcome["HasResultSet"]:
            return [f"changed: {outcome['ResultRows']}"] if block.expected else []
        result = self._data_api.call("GetStatementResult", {"Id": outcome["Id"]})
        names = " | ".join(column["label"] for column in result["ColumnMetadata"])
        types = " | ".join(column["typeName"] for column in result["ColumnMetadata"])
        heads = [f"columns: {names}", f"types: {types}"]
        shown = [head for head in heads if any(line.startswith(head.split()[0]) for line in block.expected)]
        rows = [" | ".join(map(_cell, row)) for row in result["Records"]]
        return shown + (rows or ["(no rows)"]) if block.expected else []


def _agrees(block: Block, lines: list[str]) -> bool:
    error = block.expected[0].removeprefix("error: ") if block.expected[:1] else ""
    if block.expected and block.expected[0].startswith("error: "):
        return lines[0].startswith("error: ") and re.sub(r"\s+", " ", error) in re.sub(r"\s+", " ", lines[0])
    return lines == list(block.expected)


@contextmanager
def session(data_api: DataApi) -> Iterator[Session]:
    """A session whose search path begins with a new schema, which goes with it."""
    schema = f"s{uuid.uuid4().hex[:12]}"
    start = {"Sql": f"create schema {schema}; set search_path to {schema}", "SessionKeepAliveSeconds": 600}
    opened = data_api.call("ExecuteStatement", {**_TARGET, **start, "WaitTimeSeconds": 30})
    running = Session(data_api, opened["SessionId"])
    yield running
    running.describe("rollback")
    running.describe(f"drop schema {schema} cascade", keep=0)


def mismatches(
    data_api: DataApi, blocks: Iterable[Block], put: Callable[[str, str], None]
) -> Iterator[tuple[Block, list[str]]]:
    """The blocks of a chapter that come to something else, each with what they came to.

    :param put: stores a text under a key of the bucket ``guide``.
    """
    with session(data_api) as running:
        for block in blocks:
            if block.stored:
                put(*block.stored)
            lines = running.lines(block)
            if not _agrees(block, lines):
                yield block, lines
