"""The command line against the embedded AWS, as a user types it."""

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
from elt_redshift.job.model import EltJob
from elt_redshift.local.faults import Faults
from elt_redshift.local.process import LocalAws
from tests import bounds
from tests.local.cli.conftest import Cli
from tests.local.conftest import client_factory
from tests.local.runs.conftest import closed_barrier, run_sql
from tests.local.waiting import wait_for

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
def job(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A job of two tasks, of which the second needs a table that is not there."""
    name = f"job_{abs(hash(request.node.name)) % 10**9}"
    (tmp_path / "job.yaml").write_text(JOB.format(id=name, name=name))
    (tmp_path / "second.sql").write_text(f"-- a comment\n\ninsert into {name} values (1);\nselect 1;\n")
    return tmp_path


@pytest.fixture
def deployed(job: Path, cli: Cli) -> Path:
    status, out, _ = cli("deploy", job, "--stack", job.name.replace("_", "-"), "--cluster", "c", "--user", "u")
    assert status == 0, out
    return job


def test_who_may_not_write_to_the_audit_table_may_deploy(job: Path, cli: Cli, local_aws: LocalAws) -> None:
    """The job's item is for people; the first run makes it too."""
    with Faults(local_aws) as faults:
        faults.fail("dynamodb", "UpdateItem", "AccessDeniedException", "You may not.")
        status, out, err = cli("deploy", job, "--stack", job.name.replace("_", "-"), "--cluster", "c", "--user", "u")
    assert (status, "is deployed" in out) == (0, True)
    assert "The job's item comes with its first run: " in err
    assert "You may not." in err


def _table(cli: Cli, deployed: Path, sql: str) -> None:
    name = (deployed / "job.yaml").read_text().split()[1].strip('"')
    data = boto3.client("redshift-data")
    warehouse = {"ClusterIdentifier": "c", "Database": "dev", "DbUser": "u"}
    answer = data.execute_statement(**warehouse, Sql=sql.format(name), WaitTimeSeconds=30)
    assert answer["Status"] == "FINISHED"


def test_check_says_that_a_job_is_valid(job: Path, cli: Cli) -> None:
    """A valid job gives exit status 0 and one line."""
    status, out, err = cli("check", job)
    assert (status, err) == (0, "")
    assert "is valid: 2 tasks." in out


def test_a_first_job_runs(tmp_path: Path, cli: Cli) -> None:
    """What `init` writes by its defaults passes the check, is deployed, and succeeds."""
    folder = tmp_path / "a first job"
    assert cli("init", folder, "--name", "a_first_job")[0] == 0
    assert cli("check", folder) == (0, "Job a_first_job (a_first_job) is valid: 1 task.\n", "")
    assert cli("deploy", folder, "--stack", "a-first-job", "--cluster", "c", "--user", "u")[0] == 0
    assert cli("run", folder, "--watch")[0] == 0


def test_plan_tells_cost_limits_and_time(job: Path, cli: Cli, tmp_path: Path) -> None:
    """For people as tables, for machines as JSON, and as a picture."""
    status, out, err = cli("plan", job)
    assert (status, err) == (0, "")
    assert "Critical path: first -> second" in out
    status, out, _ = cli("plan", job, "--json", "--svg", tmp_path / "plan.svg", "--groups", tmp_path / "groups.svg")
    assert (status, json.loads(out)["makespan_seconds"]) == (0, 120)
    assert all((tmp_path / name).read_text().startswith("<svg") for name in ("plan.svg", "groups.svg"))
    status, _, err = cli("plan", job, "--svg", tmp_path / "nowhere" / "plan.svg")
    assert (status, "cannot be written" in err) == (1, True)


def test_plan_reckons_with_a_recorded_execution(deployed: Path, cli: Cli) -> None:
    """The durations that its tasks took, instead of the expected ones."""
    _, out, _ = cli("run", deployed, "--name", "recorded", "--watch")
    status, out, _ = cli("plan", deployed, "--json", "--execution", "recorded")
    assert status == 0
    seconds = json.loads(out)["task_seconds"]
    assert (seconds["first"] < 60, set(seconds)) == (True, {"first", "second"})


def test_plan_reckons_with_the_newest_success(deployed: Path, cli: Cli) -> None:
    """A failed execution does not count, nor one that found the job locked."""
    assert cli("run", deployed, "--watch")[0] == 1
    assert cli("run", deployed, "--watch")[0] == 1
    status, _, err = cli("plan", deployed, "--from-history")
    assert (status, "of the 100 newest executions" in err) == (1, True)
    assert "is unlocked" in cli("unlock", deployed, "--reason", "the table was missing")[1]
    _table(cli, deployed, "create table {} (x int)")
    assert cli("run", deployed, "--watch")[0] == 0
    status, out, err = cli("plan", deployed, "--json", "--from-history", "--record")
    assert status == 0
    assert max(json.loads(out)["task_seconds"].values()) < 60
    assert "durations.json holds how long 2 tasks took." in err
    recorded = EltJob.load(deployed)
    assert max(task.expected_seconds for task in recorded.tasks) < 60
    status, _, err = cli("plan", deployed, "--record")
    assert (status, "There is nothing to record" in err) == (1, True)


def test_check_lists_every_mistake(job: Path, cli: Cli) -> None:
    """All mistakes come out, one a line, on stderr."""
    (job / "second.sql").write_text("select :nowhere")
    (job / "job.yaml").write_text((job / "job.yaml").read_text().replace("upstream: [first]", "upstraem: [first]"))
    status, out, err = cli("check", job)
    assert (status, out) == (1, "")
    assert len(err.splitlines()) == 2
    assert "upstraem" in err
    assert "nowhere" in err


def test_a_graph_that_cannot_be_nested_is_valid(job: Path, cli: Cli) -> None:
    """Any acyclic graph compiles; one with joins brings a table for them."""
    tasks = "  a: {statement: select 1}\n  b: {statement: select 1}\n  c: {statement: select 1, upstream: [a, b]}\n"
    (job / "job.yaml").write_text(f'job_id: "1"\nname: n\ntasks:\n{tasks}  d: {{statement: select 1, upstream: [b]}}\n')
    assert cli("check", job)[0] == 0
    assert "JoinTable" in json.loads(cli("template", job)[1])["Resources"]


def test_compile_and_template_print_json(job: Path, cli: Cli) -> None:
    """Both outputs can be piped into other tools."""
    assert json.loads(cli("compile", job)[1])["StartAt"] == "acquire lock"
    assert "RedshiftClusterIdentifier" in json.loads(cli("template", job)[1])["Parameters"]


def test_deploy_shows_and_makes_the_changes(job: Path, cli: Cli) -> None:
    """A dry run changes nothing; a deploy creates; the next finds nothing to do; a changed job is updated."""
    deploy = ("deploy", job, "--stack", f"stack-{job.name.replace('_', '-')}")
    given = ("--cluster", "c", "--user", "u")
    status, out, _ = cli(*deploy, *given, "--dry-run")
    assert status == 0
    assert "Add      AWS::StepFunctions::StateMachine" in out
    assert cli("run", job)[0] == 1
    assert "is deployed" in cli(*deploy, *given)[1]
    assert "is up to date" in cli(*deploy)[1]
    (job / "second.sql").write_text("select 2")
    _, out, _ = cli(*deploy)
    assert "Modify   AWS::StepFunctions::StateMachine" in out
    assert cli("run", job, "--watch")[0] == 0


def test_deploy_needs_a_warehouse(job: Path, cli: Cli) -> None:
    """Without cluster or workgroup CloudFormation refuses, in one line."""
    status, _, err = cli("deploy", job, "--stack", "nowhere")
    assert status == 1
    assert "Give --cluster or --workgroup." in err
    assert len(err.splitlines()) == 1


def test_a_large_template_goes_through_s3(job: Path, cli: Cli) -> None:
    """A job of 30 tasks is too large to be sent inline; nothing has to be done about it."""
    tasks = "".join(f"  t{number}: {{statement: select 1}}\n" for number in range(30))
    (job / "job.yaml").write_text(f'job_id: "large"\nname: large\ntasks:\n{tasks}')
    status, out, _ = cli("deploy", job, "--stack", "large", "--workgroup", "warehouse")
    assert status == 0, out
    assert cli("run", job, "--watch")[0] == 0


def test_a_job_of_the_map_layout_is_deployed_changed_and_watched(job: Path, cli: Cli) -> None:
    """deploy uploads the tasks, run --watch shows them; another deployment of changed SQL changes the machine; for
    pipelines of one's own, template says what goes with it and compile prints it."""
    text = 'job_id: "mapped"\nname: mapped\nlayout: map\ntasks:\n  a: {statement: "select 1"}\n'
    (job / "job.yaml").write_text(f"{text}  b: {{statement: select 2, upstream: [a]}}\n")
    deploy = ("deploy", job, "--stack", "mapped", "--workgroup", "warehouse")
    assert cli(*deploy)[0] == 0
    status, out, _ = cli("run", job, "--watch")
    assert (status, out.count("succeeded")) == (0, 2)
    assert "is up to date" in cli(*deploy)[1]
    (job / "job.yaml").write_text(text)
    assert "Modify   AWS::StepFunctions::StateMachine" in cli(*deploy)[1]
    assert cli("run", job, "--watch")[1].count("succeeded") == 1
    assert "--job-file`, and name bucket and key in the parameters JobFileBucket" in cli("template", job)[2]
    assert [item["name"] for item in json.loads(cli("compile", job, "--job-file")[1])] == ["a"]


def test_only_the_map_layout_has_a_job_file(job: Path, cli: Cli) -> None:
    """The tasks of other jobs stand in the definition."""
    status, _, err = cli("compile", job, "--job-file")
    assert status == 1
    assert "has no job file" in err


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
    _table(cli, deployed, "create table {} (x int)")
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
    _table(cli, deployed, "create table {} (x int)")
    status, _, err = cli("redrive", deployed, "--execution", "fials")
    assert (status, err.count("\n")) == (1, 1)
    assert "has no run fials, or Step Functions has forgotten it. `elt-redshift history" in err
    assert cli("redrive", deployed, "--execution", "fails", "--watch")[0] == 0


def test_what_is_interrupted_is_told_to_go_on(deployed: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends what one sees, not the run or the deployment; how to see more is said."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    _table(cli, deployed, "create table {} (x int)")
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
    _table(cli, deployed, "create table {} (x int)")
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
    _table(cli, deployed, "create table {} (x int)")
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


def test_a_job_that_is_not_deployed_says_so(job: Path, cli: Cli) -> None:
    """One line with the remedy."""
    status, _, err = cli("run", job)
    assert status == 1
    assert "Deploy it with `elt-redshift deploy" in err


def test_no_aws_is_one_line(job: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unreachable AWS is told in one line, without a traceback."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    status, _, err = cli("status")
    assert status == 1
    assert len(err.splitlines()) == 1
