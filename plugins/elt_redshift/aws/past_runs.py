"""The history of a job's runs, read from its table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from elt_redshift.aws.errors import aws_errors
from elt_redshift.protocol import records
from elt_redshift.protocol.executions import SUCCEEDED
from elt_redshift.protocol.records import Outcome
from elt_redshift.protocol.statements import SLASH
from elt_redshift.protocol.times import iso_time
from elt_redshift.runs import pages
from elt_redshift.runs.history import TaskRun, TaskRuns
from elt_redshift.runs.past import PastRun

#: Sort before and behind the times of all runs.
_FIRST, _LAST = "0", "9999"


@dataclass(frozen=True)
class KeptTasks:
    """What is kept of a run's tasks.

    :param status: of its execution at its end, as Step Functions says it.
    :param whole: whether all that the tasks have told is kept: not of a run of the map layout that ended when its stack
        had another one, whose machine behind the ends of runs knows nothing of reports.
    """

    status: str
    tasks: tuple[TaskRun, ...]
    whole: bool = True


class PastRuns:
    """The history table.

    :param client: a boto3 DynamoDB client.
    :param table: the table's name.
    """

    def __init__(self, client: Any, table: str) -> None:
        self._client, self.table = client, table

    def runs(
        self,
        job_id: str,
        outcome: Outcome | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 1000,
    ) -> Iterator[PastRun]:
        """The runs of a job, the newest first, at most ``limit``.

        :param outcome: only those that ended so.
        :param since: only those that were started then or later.
        :param until: only those that were started before then.
        :raises AwsError: AWS refused the call.
        """
        if since and until and since > until:  # DynamoDB refuses a range that ends before it begins
            return
        index = {} if outcome is None else {"IndexName": records.BY_OUTCOME}
        key = records.OF if outcome is None else records.JOB_OUTCOME
        value = job_id if outcome is None else "".join(records.of_outcome(job_id, outcome))
        found = self._client.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="#key = :key AND #at BETWEEN :since AND :until",
            ExpressionAttributeNames={"#key": key, "#at": records.AT},
            ExpressionAttributeValues={
                ":key": {"S": value},
                ":since": {"S": iso_time(since) if since else _FIRST},
                ":until": {"S": iso_time(until) if until else _LAST},
            },
            ScanIndexForward=False,
            PaginationConfig={"MaxItems": limit, "PageSize": min(limit, 1000)},
            **index,
        )
        with aws_errors(f"history table {self.table}"):
            for page in found:
                yield from map(PastRun.parse, page["Items"])

    def tasks(self, job_id: str, name: str, redrives: int = 0, known: Iterable[str] = ()) -> KeptTasks | None:
        """The tasks of a run that it began, as they were at its end; None: not all of it is kept.

        :param name: of its execution.
        :param redrives: it has been redriven so often, at least.
        :param known: names of tasks, of whose states shorter names may be kept; a mapping to their upstreams lets those
            of the map layout show as begun that were under way when the run ended without success.
        :raises AwsError: AWS refused the call.
        """
        events, items, whole = dict[str, list[dict[str, Any]]](), list[dict[str, Any]](), records.NOT_LAST
        reported = False
        for item in self._pages(job_id, name):
            kind, _, number = item[records.AT]["S"].partition(SLASH)
            reported = reported or kind == records.PAGE_OF_REPORTS
            found = json.loads(item[records.PAGE]["S"])
            told = events.setdefault(number.rpartition(SLASH)[0], []) if kind == records.PAGE_OF_EVENTS else items
            told.extend(found)
            whole = max(whole, int(item[records.LAST]["N"]))
        own = events.pop("", [])
        status, runs = pages.ended(own), TaskRuns()
        if status is None or whole < redrives:
            return None
        runs.know([*known] if status == SUCCEEDED else known)
        pages.read(runs, own, items, status, events)
        return KeptTasks(status, runs.all(), whole=reported or runs.map_run is None)

    def _pages(self, job_id: str, name: str) -> Iterator[dict[str, Any]]:
        found = self._client.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="#key = :key",
            ExpressionAttributeNames={"#key": records.OF},
            ExpressionAttributeValues={":key": {"S": "".join(records.of_run(job_id, name))}},
        )
        with aws_errors(f"history table {self.table}"):
            for page in found:
                yield from page["Items"]
