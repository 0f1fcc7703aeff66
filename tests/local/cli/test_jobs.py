"""Commands on jobs, against the embedded AWS, as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from elt_redshift.job.model import EltJob
from elt_redshift.local.faults import Faults
from elt_redshift.local.process import LocalAws
from tests.local.cli.conftest import Cli, make_table


def test_who_may_not_write_to_the_audit_table_may_deploy(job: Path, cli: Cli, local_aws: LocalAws) -> None:
    """The job's item is for people; the first run makes it too."""
    with Faults(local_aws) as faults:
        faults.fail("dynamodb", "UpdateItem", "AccessDeniedException", "You may not.")
        status, out, err = cli("deploy", job, "--stack", job.name.replace("_", "-"), "--cluster", "c", "--user", "u")
    assert (status, "is deployed" in out) == (0, True)
    assert "The job's item comes with its first run: " in err
    assert "You may not." in err


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
    make_table(deployed)
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
