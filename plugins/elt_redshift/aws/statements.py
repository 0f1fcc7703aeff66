"""SQL over the Redshift Data API: submit, find again, look at, cancel.

https://docs.aws.amazon.com/redshift-data/latest/APIReference/Welcome.html
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, TypeVar

from elt_redshift.aws import old_botocore
from elt_redshift.aws.errors import AwsError, aws_errors
from elt_redshift.aws.statement_status import StatementStatus
from elt_redshift.aws.waiting import Clock, Sleep, looks
from elt_redshift.job import sql as scripts
from elt_redshift.protocol.limits import LONG_POLL
from elt_redshift.protocol.statements import ANY, FINISHED, OPEN

log = logging.getLogger(__name__)

_Answer = TypeVar("_Answer")

#: A call whose error passes is made again for so many seconds, with pauses of at most so many.
PATIENCE = 600.0
LONGEST_PAUSE = 30.0

#: What GetStatementResult tells beside the rows.
RESULT = ("ColumnMetadata", "TotalNumRows")
#: What stands for the result of a statement that gives none.
NO_RESULT: Mapping[str, Any] = {"Records": [], "ColumnMetadata": [], "TotalNumRows": 0}


@dataclass(frozen=True)
class Submission:
    """One request to run SQL.

    :param sqls: the statements' texts; more than one make a batch.
    :param warehouse: the members of the request that say where: ``Database`` and ``ClusterIdentifier`` or
        ``WorkgroupName``, and ``DbUser`` or ``SecretArn``; or ``SessionId``.
    :param name: the statement's name, at most 500 characters; it can be found by it.
    :param token: at most 64 characters; a repeated request with the same token runs nothing.
    :param parameters: values of the ``:name`` parameters; ``None`` is NULL. The Data API binds neither NULL nor empty
        text, so these two are written into the SQL, in the parameter's place; all other values are bound.
    :param transaction: run a batch as one transaction, or let each statement commit by itself.
    :param with_event: let the Data API send an EventBridge event when the statement has ended.
    :param keep_alive: open a session, or keep the one that ``warehouse`` names, for so many seconds afterwards.
    """

    sqls: Sequence[str]
    warehouse: Mapping[str, str]
    name: str
    token: str
    parameters: Mapping[str, str | None]
    transaction: bool = True
    with_event: bool = False
    keep_alive: int | None = None

    def request(self) -> dict[str, Any]:
        """The members that ``ExecuteStatement`` or ``BatchExecuteStatement`` takes.

        https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_SqlParameter.html
        """
        literals = {name: "NULL" if value is None else "''" for name, value in self.parameters.items() if not value}
        sqls = [scripts.put(sql, literals) for sql in self.sqls]
        bound = [{"name": name, "value": value} for name, value in self.parameters.items() if value]
        return {
            **({"Sql": sqls[0]} if len(sqls) == 1 else {"Sqls": sqls}),
            **self.warehouse,
            "StatementName": self.name,
            "ClientToken": self.token,
            **({"Parameters": bound} if bound else {}),
            **({} if self.transaction or len(sqls) == 1 else {"ExecutionMode": "AUTO_COMMIT"}),
            **({"WithEvent": True} if self.with_event else {}),
            **({} if self.keep_alive is None else {"SessionKeepAliveSeconds": self.keep_alive}),
        }


class Statements:
    """The statements of an account and region.

    :param client: a boto3 client of ``redshift-data``.
    :param sleep: how to wait, in seconds.
    :param clock: seconds that only grow.
    """

    def __init__(self, client: Any, sleep: Sleep = time.sleep, clock: Clock = time.monotonic) -> None:
        self._client, self._sleep, self._clock = client, sleep, clock

    def submit(self, submission: Submission) -> str:
        """Run SQL; gives the statement's id. A repeated submission with the same token gives the same id, so that a
        call is made again whose error passes, or whose answer was lost.

        :raises AwsError: the Data API refuses it.
        """
        request = submission.request()
        old_botocore.teach_batches(self._client)
        old_botocore.refuse_sessions(self._client, request)
        call = self._client.execute_statement if "Sql" in request else self._client.batch_execute_statement
        return self._patiently(f"statement {submission.name}", lambda: str(call(**request)["Id"]))

    def _patiently(self, about: str, call: Callable[[], _Answer]) -> _Answer:
        """Make a call that may be repeated, again and again while its error passes by itself.

        :raises AwsError: it does not pass, or not within :data:`PATIENCE`.
        """
        pause, end = 1.0, self._clock() + PATIENCE
        while True:
            try:
                with aws_errors(about):
                    return call()
            except AwsError as error:
                if not error.passes or self._clock() >= end:
                    raise
                log.info("It is asked again in %.0f s: %s", pause, error)
            self._sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 2)

    def describe(self, statement_id: str, wait_seconds: int = 0) -> StatementStatus:
        """Look at a statement; with ``wait_seconds``, where this botocore knows long polling, when it has ended or
        that time has passed."""
        wait = {"WaitTimeSeconds": wait_seconds} if wait_seconds and self.long_polling else {}
        with aws_errors(f"statement {statement_id}"):
            return StatementStatus.parse(self._client.describe_statement(Id=statement_id, **wait))

    def follow(
        self, statement_id: str, interval: float, timeout: timedelta, alive: Callable[[], None] = lambda: None
    ) -> StatementStatus | None:
        """Wait until a statement has ended; None when it still runs after ``timeout``.

        A look whose error passes is made again.

        :param interval: seconds between two looks where there is no long polling.
        :param alive: called before each look.
        :raises AwsError: AWS refused a look.
        """
        pause = 0 if self.long_polling else interval
        for left in looks(timeout.total_seconds(), pause, self._clock, self._sleep):
            alive()
            wait = max(1, min(LONG_POLL, int(left)))
            try:
                status = self.describe(statement_id, wait)
            except AwsError as error:
                if not error.passes:
                    raise
                self._sleep(interval)
                continue
            if status.ended:
                return status
        return None

    def find(self, name: str) -> str | None:
        """The id of the newest statement of exactly this name, of the last 24 hours; None when there is none.

        :raises AwsError: AWS refused to tell.
        """
        listed = self._patiently(f"statements named {name}", lambda: self._list(name, ANY))
        return next((str(found["Id"]) for found in listed if found.get("StatementName") == name), None)

    def cancel_all(self, prefix: str) -> int:
        """Cancel every open statement whose name begins so; gives how many still were open. They end soon after."""
        open_ids = self.still_open(prefix)
        for statement_id in open_ids:
            self.cancel(statement_id)
        return len(open_ids)

    def still_open(self, prefix: str) -> list[str]:
        """The ids of the open statements whose name begins so, as far as a session of the caller's own role submitted
        them.

        https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ListStatements.html
        """
        with aws_errors(f"statements named {prefix}…"):
            return [found["Id"] for status in OPEN for found in self._list(prefix, status)]

    def cancel(self, statement_id: str) -> bool:
        """Cancel a statement; False when it cannot be, mostly because it has ended."""
        try:
            with aws_errors(f"statement {statement_id}"):
                return bool(self._client.cancel_statement(Id=statement_id).get("Status"))
        except AwsError as error:
            if error.code in ("ValidationException", "ResourceNotFoundException"):
                return False
            raise

    def give_up(self, statement_id: str) -> StatementStatus | None:
        """Cancel a statement whose time is up; how it ended if it has finished all the same, or else None."""
        self.cancel(statement_id)
        status = self.describe(statement_id)
        return status if status.status == FINISHED else None

    def records(self, statement_id: str) -> list[list[Any]]:
        """The rows of a statement's result."""
        return [[_value(cell) for cell in row] for row in self.result(statement_id)["Records"]]

    def result(self, statement_id: str) -> dict[str, Any]:
        """A statement's result in the shape of GetStatementResult, all pages in one.

        https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_GetStatementResult.html
        """
        records: list[Any] = []
        more: dict[str, str] = {}
        with aws_errors(f"result of statement {statement_id}"):
            while True:
                page = self._client.get_statement_result(Id=statement_id, **more)
                records += page["Records"]
                if "NextToken" not in page:
                    return {"Records": records, **{name: page[name] for name in RESULT if name in page}}
                more = {"NextToken": page["NextToken"]}

    @property
    def region(self) -> str:
        """Where they run."""
        return str(self._client.meta.region_name)

    @cached_property
    def long_polling(self) -> bool:
        """Whether this botocore knows the Data API's long polling."""
        return old_botocore.knows_long_polling(self._client)

    def _list(self, prefix: str, status: str) -> list[dict[str, Any]]:
        # RoleLevel: whoever of this role submitted them.
        answers = self._client.get_paginator("list_statements").paginate(
            StatementName=prefix, Status=status, RoleLevel=True
        )
        return [found for answer in answers for found in answer["Statements"]]


def _value(cell: Mapping[str, Any]) -> Any:
    kind, value = next(iter(cell.items()))
    return None if kind == "isNull" else value
