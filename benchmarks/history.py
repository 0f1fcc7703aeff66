"""How long the history of a job takes to be read, against how many runs are kept.

    python benchmarks/history.py [--runs 500 50000] [--looks 5]

A job is deployed on the embedded AWS, and runs are put into its history table, some with a page of their tasks. What is
counted are the queries of ``elt-redshift history`` (the newest, those of one outcome, those of one day) and of
``tasks``, and the items that they read, by which DynamoDB takes time and money: they stay as they are, however many
runs are kept. Then the commands are run: told are the seconds of CPU that one takes from its start to its end, the same
in ratio to ``python -c 'import boto3'``, and the seconds until it has ended. (Python compiles a module once, if it may
write what it has compiled: PYTHONDONTWRITEBYTECODE makes every command slow.)
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from elt_redshift.aws.account import Account
from elt_redshift.aws.deployed import Deployed
from elt_redshift.aws.past_runs import PastRuns
from elt_redshift.local import process
from elt_redshift.protocol import audit, records
from elt_redshift.protocol.times import iso_time

JOB, BEGIN, GAP = "101", datetime(2025, 1, 1, tzinfo=UTC), timedelta(minutes=10)
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:job"
BATCH, PAGES, NEWEST = 25, 50, 100
TASKS = "abcde"


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
    for task in TASKS:
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


def _job(folder: Path, runs: int) -> Path:
    """A job whose history is to hold so many runs."""
    made = folder / f"job_{runs}"
    made.mkdir()
    tasks = "".join(f"  {task}: {{statement: select 1}}\n" for task in TASKS)
    made.joinpath("job.yaml").write_text(f'job_id: "{JOB}"\nname: {made.name}\ntasks:\n{tasks}')
    return made


def _deployed(job: Path) -> Deployed:
    stack = job.name.replace("_", "-")
    _command("deploy", f"{job}", "--stack", stack, "--cluster", "c", "--user", "u")
    return Account.here().stacks.find(job.name, stack)


def _fill(dynamodb: Any, table: str, runs: int) -> None:
    """Have so many runs kept, with the tasks of the newest and of some of the others."""
    told = {*range(0, runs, PAGES), *range(runs - NEWEST, runs)}
    items = [*map(_run, range(runs)), *map(_page, told)]
    for first in range(0, len(items), BATCH):
        puts = [{"PutRequest": {"Item": item}} for item in items[first : first + BATCH]]
        dynamodb.batch_write_item(RequestItems={table: puts})


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


class _Took(NamedTuple):
    cpu: float
    seconds: float


def _command(*words: str) -> _Took:
    return _took([sys.executable, "-m", "elt_redshift", *words])


def _took(command: list[str]) -> _Took:
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603
    after, seconds = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - begun
    return _Took(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, seconds)


def _commands(job: Path, runs: int) -> dict[str, list[str]]:
    since, until = BEGIN + timedelta(days=1), BEGIN + timedelta(days=2)
    name = f"run-{runs // 2 // PAGES * PAGES:06d}"
    return {
        "history": ["history", f"{job}"],
        "history --outcome failed": ["history", f"{job}", "--outcome", "failed"],
        "history --since --until": ["history", f"{job}", "--since", f"{since:%F}", "--until", f"{until:%F}"],
        "history --json": ["history", f"{job}", "--json"],
        "history --csv": ["history", f"{job}", "--csv"],
        "tasks RUN": ["tasks", f"{job}", name],
        "tasks RUN --json": ["tasks", f"{job}", name, "--json"],
        "trends": ["trends", f"{job}"],
        "plan --from-history": ["plan", f"{job}", "--from-history"],
        "status": ["status", f"{job}"],
        "check": ["check", f"{job}"],
        "--help": ["--help"],
    }


def main() -> None:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--runs", type=int, nargs="+", default=[500, 50_000])
    made.add_argument("--looks", type=int, default=5)
    given = made.parse_args()
    with process.running() as aws, tempfile.TemporaryDirectory() as folder:
        os.environ |= process.environment(aws)
        dynamodb = Account.here().client("dynamodb")
        jobs = {runs: _job(Path(folder), runs) for runs in given.runs}
        tables = {runs: _deployed(job).history_table for runs, job in jobs.items()}
        for runs, table in tables.items():
            _fill(dynamodb, table, runs)
        _count(dynamodb, tables)
        for runs, job in jobs.items():
            _time(job, runs, given.looks)


def _count(dynamodb: Any, tables: dict[int, str]) -> None:
    first: dict[str, int] = {}
    sys.stdout.write(f"{'runs':>7}  {'look':<15} {'queries':>7} {'items':>6} {'ratio':>6}\n")
    for runs, table in tables.items():
        for name, look in _looks(runs).items():
            counted = _Counted(dynamodb)
            assert look(PastRuns(counted, table))
            ratio = counted.items / first.setdefault(name, counted.items)
            cells = (counted.calls, counted.items, ratio)
            sys.stdout.write("{:>7,}  {:<15} {:>7} {:>6} {:>6.2f}\n".format(runs, name, *cells))


def _time(job: Path, runs: int, looks: int) -> None:
    sys.stdout.write(f"\n{'runs':>7}  {'command':<24} {'CPU':>6} {'/boto3':>6} {'seconds':>8}\n")
    boto3 = _least([sys.executable, "-c", "import boto3"], looks).cpu
    for name, words in _commands(job, runs).items():
        least = _least([sys.executable, "-m", "elt_redshift", *words], looks)
        cells = (least.cpu, least.cpu / boto3, least.seconds)
        sys.stdout.write("{:>7,}  {:<24} {:>6.2f} {:>6.2f} {:>8.2f}\n".format(runs, name, *cells))
        sys.stdout.flush()


def _least(command: list[str], looks: int) -> _Took:
    """What it takes when it is disturbed least."""
    took = [_took(command) for _ in range(looks)]
    return _Took(min(one.cpu for one in took), min(one.seconds for one in took))


if __name__ == "__main__":
    main()
