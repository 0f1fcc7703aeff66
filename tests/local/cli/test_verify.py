"""What only AWS can show, as far as the embedded AWS shows it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import boto3
import pytest

from elt_redshift.aws import removal
from elt_redshift.aws.account import Account
from elt_redshift.aws.verification import dynamodb, rows
from elt_redshift.aws.verification.bench import PREFIX, Bench
from elt_redshift.aws.verification.rows import BY_HAND, ROWS
from elt_redshift.local.faults import Faults
from elt_redshift.local.process import LocalAws
from tests.local.cli.conftest import Cli
from tests.recorded import Calls, recorded
from tests.vectors.answers import FILES, unlike

WAREHOUSE = ("--cluster", "c", "--user", "u")
PAGE = Path(__file__).resolve().parents[3] / "docs" / "verify-on-aws.md"


@pytest.fixture
def job(tmp_path: Path) -> Path:
    (tmp_path / "job.yaml").write_text('job_id: "1"\nname: verified\ntasks: {one: {statement: "select 1"}}\n')
    return tmp_path


def _left() -> list[str]:
    """What there is of what checks make."""
    client: Any = boto3.client
    stacks = [one["StackName"] for one in client("cloudformation").describe_stacks()["Stacks"]]
    buckets = [one["Name"] for one in client("s3").list_buckets()["Buckets"]]
    tables = [
        name for page in client("dynamodb").get_paginator("list_tables").paginate() for name in page["TableNames"]
    ]
    return [one for one in (*stacks, *buckets, *tables) if one.startswith(PREFIX)]


def test_every_row_that_a_program_checks_is_confirmed_here(cli: Cli, job: Path) -> None:
    """With what was seen; each calls what it says that it calls; nothing that was made is left; and whatever was
    recorded elsewhere, the embedded AWS answers so."""
    calls, record = Calls(), job / "recorded.json"
    with recorded(calls):
        status, out, err = cli("verify", job, "--aws", *WAREHOUSE, "--yes", "--json", "--record", record)
    found = json.loads(out)
    assert [one for one in found if one["outcome"] != "confirmed"] == []
    assert (status, [one["row"] for one in found]) == (0, [row.number for row in ROWS])
    assert all(one["seen"] and one["claim"] for one in found)
    assert {call for row in ROWS for call in row.calls} <= {one.action for one in calls.asked}
    assert _left() == []
    assert "Making bucket and stack elt-verify-" in err
    here = json.loads(record.read_text())
    assert here["rows"] == found
    for file in FILES:
        assert unlike(json.loads(file.read_text()), here) == [], file.name


def test_rows_without_a_stack_call_only_what_they_say(cli: Cli) -> None:
    """So that who may do that can run them."""
    where = {"RedshiftClusterIdentifier": "c", "DatabaseUserName": "u", "DatabaseName": "dev"}
    bench = Bench(Account.here(), where)
    for row in (row for row in ROWS if not row.stack):
        calls = Calls()
        with recorded(calls):
            (result,) = rows.results(bench, [row])
        asked = {one.action for one in calls.asked} - {"redshift:GetClusterCredentials"}
        assert (result.outcome, asked) == ("confirmed", set(row.calls)), row.number


def test_the_page_tells_which_rows_a_program_checks() -> None:
    """Their numbers are bold there; those for people only are named. Each number stands for one
    row, in order."""
    page = PAGE.read_text()
    assert [int(one) for one in re.findall(r"^\| \*\*(\d+)\*\* \|", page, re.MULTILINE)] == [row.number for row in ROWS]
    numbers = [int(one) for one in re.findall(r"^\| \**(\d+)\** \|", page, re.MULTILINE)]
    assert numbers == [*range(1, len(numbers) + 1)]
    (people,) = re.findall(r"^Rows ([\d, and]+) only people can check", page, re.MULTILINE)
    assert [int(one) for one in re.findall(r"\d+", people)] == [*BY_HAND]
    assert {*map(str, BY_HAND)} <= set(re.findall(r"^\| (\d+) \|", page, re.MULTILINE))


@pytest.mark.exhaustive
def test_what_was_made_goes_after_a_failure_too(cli: Cli, job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong in a check; where AWS does it in another way, that is told, and the exit status says so."""
    one = ("verify", job, "--aws", *WAREHOUSE, "--yes", "--row", "46")
    with monkeypatch.context() as other:
        other.setattr(dynamodb, "REFUSED", "AnotherException")
        status, out, _ = cli(*one, "--json")
    (found,) = json.loads(out)
    assert (status, found["outcome"], found["seen"]) == (1, "differs", "ConditionalCheckFailedException")
    with monkeypatch.context() as broken:
        broken.setattr(dynamodb, "_refused", lambda bench, *_, **__: 1 / len(bench.table[:0]))
        with pytest.raises(ZeroDivisionError):
            cli(*one)
    assert _left() == []


def test_what_cannot_be_deleted_is_told(cli: Cli, job: Path, local_aws: LocalAws) -> None:
    """By its name, and what was found is shown all the same."""
    with Faults(local_aws) as faults:
        faults.fail("cloudformation", "DeleteStack", "AccessDenied", "You may not.")
        status, out, err = cli("verify", job, "--aws", *WAREHOUSE, "--yes", "--row", "46", "--json")
    name = _left()[0]
    assert (status, json.loads(out)[0]["outcome"]) == (1, "confirmed")
    assert f"error: Not everything that was made could be deleted: stack {name} (stack {name}: You may not." in err
    account = Account.here()
    plan = removal.plan(account, account.stacks.find(name.replace("-", "_"), name))
    removal.remove(account, plan, job_id=name, everything=True)
    assert _left() == []


def test_a_stack_that_cannot_be_made_is_tried_once(cli: Cli, job: Path, local_aws: LocalAws) -> None:
    """The other rows that need it say so."""
    with Faults(local_aws) as faults:
        faults.fail("cloudformation", "CreateChangeSet", "AccessDenied", "You may not.")
        status, out, err = cli("verify", job, "--aws", *WAREHOUSE, "--yes", "--row", "46", "--row", "58", "--json")
    first, second = json.loads(out)
    assert (status, err.count("Making bucket")) == (0, 1)
    assert (first["outcome"], second["outcome"]) == ("not shown", "not shown")
    assert "You may not." in first["seen"]
    assert "could not be made, see above" in second["seen"]
    assert _left() == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--row", "5", *WAREHOUSE], "--row: no program checks 5. Those of docs/verify-on-aws.md with a bold number"),
        (["--user", "u"], "give --cluster or --workgroup"),
        ([], "Job verified is not deployed"),
        (WAREHOUSE, "Nothing was made. To go on without being asked, give --yes."),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_made(cli: Cli, job: Path, arguments: list[str], said: str) -> None:
    """Nobody is there to be asked, either."""
    status, out, err = cli("verify", job, "--aws", *arguments)
    assert (status, out) == (1, "")
    assert said in err
