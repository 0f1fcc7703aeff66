"""How long the history of a job takes to be read, against how many runs are kept.

    python benchmarks/history.py [--runs 500 50000] [--looks 9]

The runs are put into a table on the embedded AWS, some with a page of their tasks. What is counted are the queries of
``elt-redshift history`` (the newest, those of one outcome, those of one day) and of ``tasks``, and the items that they
read, by which DynamoDB takes time and money: they stay as they are, however many runs are kept. The seconds are those
of the embedded AWS.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3

from elt_redshift.aws.past_runs import PastRuns
from elt_redshift.aws.template import tables
from elt_redshift.local import process
from elt_redshift.protocol import audit, records
from elt_redshift.protocol.times import iso_time

JOB, BEGIN, GAP = "101", datetime(2025, 1, 1, tzinfo=UTC), timedelta(minutes=10)
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:job"
BATCH, PAGES = 25, 50


def _run(number: int) -> dict[str, Any]:
    started, name = iso_time(BEGIN + number * GAP), f"run-{number:06d}"
    outcome = "failed" if number % 50 == 7 else "succeeded"
    texts = {
        records.OF: JOB,
        records.AT: "".join(records.run_at(started, name)),
        records.EXECUTION: f"{EXECUTION}:{name}",
        records.OUTCOME: outcome,
        records.JOB_OUTCOME: "".join(records.of_outcome(JOB, outcome)),
        records.STARTED: started,
        records.ENDED: started,
        records.PARAMETERS: '{"year": "1998"}',
        records.STARTED_BY: "schedule",
    }
    return {**{key: {"S": value} for key, value in texts.items()}, audit.REDRIVES: {"N": "0"}}


def _page(number: int) -> dict[str, Any]:
    """Of a run of five tasks."""
    events: list[dict[str, Any]] = [{"t": "ExecutionStarted", "d": {"resume": {}}}]
    for task in "abcde":
        events.append({"t": "TaskStateEntered", "n": task, "d": {"attempt": 1, "redrives": 0}})
        done = {"finished": task, "statement": f"statement-{task}", "rows": 7}
        events.append({"t": "ChoiceStateExited", "n": f"{task}: status", "d": done})
    events.append({"t": "ExecutionSucceeded"})
    whole = [{"i": place, "w": 1_700_000_000_000 + place, **event} for place, event in enumerate(events, 1)]
    return {
        records.OF: {"S": "".join(records.of_run(JOB, f"run-{number:06d}"))},
        records.AT: {"S": "".join(records.page_at(records.PAGE_OF_EVENTS, "000001"))},
        records.PAGE: {"S": json.dumps(whole)},
        records.LAST: {"N": "0"},
    }


def _made(dynamodb: Any, runs: int) -> str:
    """A history table with so many runs."""
    name = f"history-{runs}"
    (resource,) = tables.history_table(kept=True).resources.values()
    kept = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    dynamodb.create_table(TableName=name, **{key: resource["Properties"][key] for key in kept})
    items = [*map(_run, range(runs)), *map(_page, range(0, runs, PAGES))]
    for first in range(0, len(items), BATCH):
        puts = [{"PutRequest": {"Item": item}} for item in items[first : first + BATCH]]
        dynamodb.batch_write_item(RequestItems={name: puts})
    return name


class _Counted:
    """A DynamoDB client whose queries are counted, and what they have read."""

    def __init__(self, client: Any) -> None:
        self._client, self.calls, self.items = client, 0, 0

    def get_paginator(self, name: str) -> Any:
        assert name == "query"  # nothing is scanned
        return self

    def paginate(self, **request: Any) -> Iterator[Any]:
        for page in self._client.get_paginator("query").paginate(**request):
            self.calls += 1
            self.items += page["ScannedCount"]
            yield page


def _looks(runs: int) -> dict[str, Callable[[PastRuns], Any]]:
    day = BEGIN + timedelta(days=1)
    return {
        "the newest 20": lambda past: list(past.runs(JOB, limit=20)),
        "20 that failed": lambda past: list(past.runs(JOB, "failed", limit=20)),
        "20 of one day": lambda past: list(past.runs(JOB, since=day, until=day + timedelta(days=1), limit=20)),
        "tasks of a run": lambda past: past.tasks(JOB, f"run-{runs // 2 // PAGES * PAGES:06d}"),
    }


def main() -> None:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--runs", type=int, nargs="+", default=[500, 50_000])
    made.add_argument("--looks", type=int, default=9)
    given = made.parse_args()
    with process.running() as aws:
        os.environ |= process.environment(aws)
        _measure(boto3.client("dynamodb"), given)


def _measure(dynamodb: Any, given: argparse.Namespace) -> None:
    first: dict[str, int] = {}
    sys.stdout.write(f"{'runs':>7}  {'look':<15} {'queries':>7} {'items':>6} {'ratio':>6} {'seconds':>8}\n")
    for runs in given.runs:
        table = _made(dynamodb, runs)
        for name, look in _looks(runs).items():
            seconds = []
            for _ in range(given.looks):
                counted = _Counted(dynamodb)
                begun = time.perf_counter()
                assert look(PastRuns(counted, table))
                seconds.append(time.perf_counter() - begun)
            took, ratio = statistics.median(seconds), counted.items / first.setdefault(name, counted.items)
            cells = (counted.calls, counted.items, ratio, took)
            sys.stdout.write("{:>7,}  {:<15} {:>7} {:>6} {:>6.2f} {:>8.3f}\n".format(runs, name, *cells))
            sys.stdout.flush()


if __name__ == "__main__":
    main()
