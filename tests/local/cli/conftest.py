"""The command line against the embedded AWS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import boto3
import pytest

import elt_redshift.aws.healing  # noqa: F401 - has its grace from before the fixture below, whichever test comes first
from elt_redshift.cli.main import main
from elt_redshift.local import process
from elt_redshift.local.process import LocalAws
from elt_redshift.protocol import owners

Cli = Callable[..., tuple[int, str, str]]

JOB = """\
job_id: "{id}"
name: {name}
parameters:
  year: {{default: "1998"}}
tasks:
  first: {{statement: "select :year"}}
  second: {{sql: second.sql, upstream: [first]}}
"""


@pytest.fixture
def cli(local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs a command; gives its exit status, stdout and stderr."""
    for name, value in process.environment(local_aws).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(owners, "GRACE", 0)  # the embedded AWS has no calls under way once an execution has ended

    def run(*arguments: object) -> tuple[int, str, str]:
        status = main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


@pytest.fixture
def job(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A job of two tasks, of which the second needs a table that is not there."""
    name = f"job_{abs(hash(request.node.name)) % 10**9}"
    (tmp_path / "job.yaml").write_text(JOB.format(id=name, name=name))
    (tmp_path / "second.sql").write_text(f"-- a comment\n\ninsert into {name} values (1);\nselect 1;\n")
    return tmp_path


@pytest.fixture
def deployed(job: Path, cli: Cli) -> Path:
    """The same, deployed."""
    status, out, _ = cli("deploy", job, "--stack", job.name.replace("_", "-"), "--cluster", "c", "--user", "u")
    assert status == 0, out
    return job


def make_table(deployed: Path) -> None:
    """Make the table that the job's second task needs."""
    name = (deployed / "job.yaml").read_text().split()[1].strip('"')
    data = boto3.client("redshift-data")
    warehouse = {"ClusterIdentifier": "c", "Database": "dev", "DbUser": "u"}
    answer = data.execute_statement(**warehouse, Sql=f"create table {name} (x int)", WaitTimeSeconds=30)
    assert answer["Status"] == "FINISHED"
