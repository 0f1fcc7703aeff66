"""Commands on runs, against the embedded AWS: what an operator does on a bad morning."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta
from pathlib import Path

import boto3
import pytest

from elt_redshift.aws.audit_in_dynamodb import DynamoDbAuditStore
from elt_redshift.aws.executions import Executions
from elt_redshift.aws.stacks import Stacks
from elt_redshift.local.process import LocalAws
from tests import bounds
from tests.local.cli.conftest import Cli, make_table
from tests.local.conftest import client_factory
from tests.local.runs.conftest import closed_barrier, run_sql
from tests.local.waiting import wait_for


def test_a_run_fails_is_redriven_and_succeeds(deployed: Path, cli: Cli) -> None:
    """run, status, history and redrive: what an operator does on a bad morning."""
    status, out, _ = cli("run", deployed, "-p", "year=1999", "--watch")
    assert status == 1
    assert "Task second failed at second.sql:3: ERROR: relation" in out
    assert "and run `elt-redshift redrive " in out
    assert "Failed" in cli("status", deployed)[1]
    (failed,) = json.loads(cli("history", deployed, "--outcome", "failed", "--json")[1])
    assert (failed["task"], failed["parameters"]) == ("second", {"year": "1999"})
    assert failed["started_by"].startswith("arn:aws:")
    make_table(deployed)
    status, out, _ = cli("redrive", deployed, "--watch")
    assert status == 0, out
    assert "Ready" in cli("status", deployed)[1]
    assert "1 redrive" in cli("history", deployed)[1]
    rows = list(csv.DictReader(io.StringIO(cli("tasks", deployed, failed["run"], "--csv")[1])))
    assert [(row["task"], row["status"], row["attempt"]) for row in rows] == [
        ("first", "succeeded", "1"),
        ("second", "succeeded", "2"),
    ]
    trend = json.loads(cli("trends", deployed, "--json")[1])
    assert [(one["task"], one["runs"]) for one in trend] == [("first", 1), ("second", 1)]
    status, out, err = cli("tasks", deployed, "nobody")
    assert (status, out) == (1, "")
    assert re.fullmatch(r"error: Job \w+ has no run nobody\. `elt-redshift history \w+` lists its runs\.\n", err)


def test_before_the_first_run_there_is_nothing(deployed: Path, cli: Cli) -> None:
    """For people it is said; for programs it is an empty list."""
    assert re.fullmatch(r"Job \w+ has not run yet\.\n", cli("history", deployed)[1])
    assert cli("history", deployed, "--since", "7d", "--json")[1] == "[]\n"
    assert cli("history", deployed, "--since", "1h", "--until", "2h", "--json")[1] == "[]\n"
    assert cli("history", deployed, "--csv")[1].startswith("run,outcome,started,ended,")
    assert "is kept that did its work" in cli("trends", deployed)[1]
    status, _, err = cli("tasks", deployed)
    assert (status, "has not run yet. Start it with" in err) == (1, True)


def test_a_mended_job_goes_on_where_it_stopped(deployed: Path, cli: Cli) -> None:
    """A redrive would run the old SQL: the command says so, and what is kept, and runs the new SQL."""
    assert cli("run", deployed, "-p", "year=1999", "--watch")[0] == 1
    (deployed / "second.sql").write_text("select 2")
    assert "The job's files are not what is deployed" in cli("redrive", deployed, "--watch")[1]
    _deploy_again(deployed, cli)
    status, out, _ = cli("redrive", deployed, "--watch")
    assert status == 0, out
    assert "which a redrive would not see" in out
    assert re.search(r"Kept from execution \S+: first\.", out)
    assert "Runs: second: its SQL has changed." in out or "Runs: second: it had not succeeded." in out
    assert "kept" in out
    status, _, err = cli("redrive", deployed)
    assert status == 1
    assert "There is nothing to redrive: the newest run of job" in err
    status, out, _ = cli("redrive", deployed, "--rerun", "second", "--watch")
    assert (status, "second is to run again" in out) == (0, True)
    status, out, _ = cli("redrive", deployed, "--from-start", "--watch")
    assert (status, "All tasks run from the start" in out) == (0, True)
    assert "There is no task 'secnd'" in cli("redrive", deployed, "--rerun", "secnd")[2]


def _deploy_again(deployed: Path, cli: Cli) -> None:
    status, out, err = cli("deploy", deployed, "--stack", deployed.name.replace("_", "-"))
    assert status == 0, out + err


def test_a_run_that_met_a_held_job_is_told_with_its_reason(deployed: Path, cli: Cli) -> None:
    """No table of tasks that have not begun, but why, and how to go on; a run may be named by its name, everywhere."""
    cli("run", deployed, "--name", "fails", "--watch")
    status, out, _ = cli("run", deployed, "--name", "held", "--watch")
    assert (status, "waiting" in out) == (1, False)
    for told in (out, cli("tasks", deployed)[1], cli("tasks", deployed, "held")[1]):
        flat = " ".join(told.split())
        assert "held: FAILED Execution held failed: Job " in flat
        assert "is held by a failed run: task second failed at " in flat
        assert "waiting" not in told
    assert "Task second failed: " in cli("tasks", deployed, "fails")[1]
    make_table(deployed)
    status, _, err = cli("redrive", deployed, "--execution", "fials")
    assert (status, err.count("\n")) == (1, 1)
    assert "has no run fials, or Step Functions has forgotten it. `elt-redshift history" in err
    assert cli("redrive", deployed, "--execution", "fails", "--watch")[0] == 0


def test_what_is_interrupted_is_told_to_go_on(deployed: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends what one sees, not the run or the deployment; how to see more is said."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    make_table(deployed)
    with monkeypatch.context() as patched:
        patched.setattr(Executions, "follow", interrupted)
        status, _, err = cli("run", deployed, "--name", "one", "--watch")
    assert (status, err.startswith("Run one goes on. `elt-redshift watch ")) == (130, True)
    with monkeypatch.context() as patched:
        patched.setattr(Stacks, "_follow", interrupted)
        (deployed / "second.sql").write_text("select 2;")
        status, _, err = cli("deploy", deployed, "--stack", deployed.name.replace("_", "-"))
    assert (status, "CloudFormation is not: stack" in err, "deploy it again" in err) == (130, True, True)


def test_a_run_is_stopped(job: Path, cli: Cli, local_aws: LocalAws) -> None:
    """With what it runs in the database; by whom and why is told, and the next run, or a redrive, begins."""
    with closed_barrier(client_factory(local_aws.endpoint)) as barrier:
        (job / "second.sql").write_text(f"{barrier.pass_};")
        stack = job.name.replace("_", "-")
        cli("deploy", job, "--stack", stack, "--cluster", "c", "--user", "u")
        assert "is under way. There is nothing to stop." in cli("stop", job, "--reason", "x")[2]
        assert "is under way. There is nothing to watch." in cli("watch", job)[2]
        cli("run", job, "--name", "one")
        wait_for(lambda: '"running"' in cli("tasks", job, "--json")[1], "a task runs", bounds.EXECUTION)
        cli("run", job, "--name", "two", "--watch")  # which finds the job at work
        status, out, err = cli("stop", job, "--reason", "wrong year")
        assert (status, err, "Stopped arn:" in out) == (0, "", True)
        onward = "--execution one`"
        assert onward in out
        assert "it may wait first, for calls that this one has under way." in out
        status, watched, _ = cli("watch", job, "one")
        assert (status, "stopped it: wrong year" in watched, onward in watched) == (1, True, True)
        said = json.loads(cli("status", job, "--json")[1])[0]
        assert (said["state"], "stopped it: wrong year" in said["failure"]) == ("Failed (next run takes over)", True)
        assert said["failure"].startswith("The run was stopped")
        assert "Run one of job" in (ended := cli("stop", job, "one", "--reason", "x")[2])
        assert "has ended already." in ended
        assert "has no run three" in cli("stop", job, "three", "--reason", "x")[2]
        waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%{}%'"
        assert run_sql(boto3.client("redshift-data"), waiting.format(barrier.table)) == [[0]]
    assert cli("redrive", job, "--watch")[0] == 0


def test_an_older_run_is_not_redriven_unasked(deployed: Path, cli: Cli) -> None:
    """Neither a run that met the job locked nor one behind which another has succeeded is let go on by itself."""
    assert cli("run", deployed, "--watch", "--name", "older")[0] == 1
    assert cli("unlock", deployed, "--reason", "test")[0] == 0
    make_table(deployed)
    assert cli("run", deployed, "--watch", "--name", "newer")[0] == 0
    status, _, err = cli("redrive", deployed)
    assert (status, "newer, succeeded" in err) == (1, True)


def test_a_held_job_is_unlocked(deployed: Path, cli: Cli) -> None:
    """After a failure the job is held: a start fails and says so, an unlock lets the next one run from the start, and
    says for how long that may have to wait first."""
    assert cli("run", deployed, "--watch")[0] == 1
    out = cli("unlock", deployed, "--reason", "the table was missing")[1]
    assert "is unlocked: the next run takes over and runs from the start. " in out
    wait = re.search(r"Within the next (\d+) s it may wait first, for calls that the one before has under way\.", out)
    assert wait
    assert 1 <= int(wait[1]) <= 120
    make_table(deployed)
    assert cli("run", deployed, "--watch")[0] == 0
    status, _, err = cli("unlock", deployed, "--reason", "again")
    assert status == 1
    assert "is not locked" in err


def test_a_dag_run_is_unlocked_once_its_lease_has_run_out(deployed: Path, cli: Cli) -> None:
    """While the lease lives, unlock refuses, and says when it ends and what to do."""
    job_id = (deployed / "job.yaml").read_text().split()[1].strip('"')
    stack = Stacks(boto3.client("cloudformation")).find(job_id, None)
    store = DynamoDbAuditStore(boto3.client("dynamodb"), stack.audit_table)
    store.acquire(job_id, "airflow:sales/run-1", timedelta(hours=1))
    item = store.read(job_id)
    assert item is not None
    status, _, err = cli("unlock", deployed, "--reason", "it is dead")
    assert status == 1
    assert "held by airflow:sales/run-1. Mark that DAG run as failed if" in err
    assert f"its lease runs out at {item.lease};" in err
    assert "Clear the failed tasks of that DAG run" in cli("redrive", deployed)[2]
    assert "sales/run-1" in cli("status", deployed)[1].replace("\n", "")
    store.renew(job_id, "airflow:sales/run-1", timedelta(hours=-1))
    assert "is unlocked" in cli("unlock", deployed, "--reason", "it is dead")[1]
    assert "next run" in cli("status", deployed)[1]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("-p", "yeer=1999"), "yeer"),
        (("-p", "year="), "year"),
    ],
)
def test_wrong_parameters_start_nothing(deployed: Path, cli: Cli, given: tuple[str, ...], words: str) -> None:
    """An unknown or empty parameter is refused before AWS is asked."""
    status, _, err = cli("run", deployed, *given)
    assert status == 1
    assert words in err
    assert cli("history", deployed, "--json")[1] == "[]\n"
