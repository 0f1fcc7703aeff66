"""A job as a DAG, with Airflow's real classes."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from elt_redshift.airflow_compat import DAG, STARTS_FROM_TRIGGER, AirflowFailException, Param
from elt_redshift.dag import elt_dag, elt_task_group
from elt_redshift.exceptions import JobError
from elt_redshift.hooks.connection import Connection
from elt_redshift.job.model import EltJob, Parameter, Schedule, SqlStatement
from elt_redshift.job.packaged import StoredText
from elt_redshift.job.parameters import rendered
from elt_redshift.operators import sql_input
from elt_redshift.triggers.outcome import RUN, Outcome
from tests.unit.airflow_names import serialized_and_back

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def job() -> EltJob:
    job = EltJob(job_id="7", name="sales", parameters={"year": "1998", "region": None})
    a, b = job.task("a", statement="select :year"), job.task("b", statement="select :region")
    c, d = job.task("c", statement="select 1"), job.task("d", statement="select 1")
    [a, b] >> c
    b >> d
    return job


def _rendered(dag: Any, **context: Any) -> dict[str, str]:
    start = dag.get_task("start_execution").prepare_for_execution()
    start.render_template_fields({"params": {}, **context})
    return dict(start.parameters)


def test_tasks_and_edges_are_the_jobs(job: EltJob) -> None:
    """Behind start_execution, the DAG has the job's tasks under their names, wired as in the job."""
    dag = elt_dag(job)
    edges = {task.task_id: task.upstream_task_ids for task in dag.tasks}
    assert dag.dag_id == "sales"
    assert edges == {
        "start_execution": set(),
        "a": {"start_execution"},
        "b": {"start_execution"},
        "c": {"a", "b"},
        "d": {"b"},
    }


def test_mirrors_keep_the_jobs_edges_and_workers_its_lanes(job: EltJob) -> None:
    """With max_active_statements the state machine has more edges, the mirrors have not; Airflow's own workers are kept
    to it by the same edges as the state machine."""
    job.max_active_statements = 1
    mirrors = {task.task_id: task.upstream_task_ids for task in elt_dag(job).tasks}
    assert (mirrors["b"], mirrors["d"]) == ({"start_execution"}, {"b"})
    dag = elt_dag(job, engine="airflow", audit_table="audit", warehouse={"database": "dev", "workgroup_name": "etl"})
    tasks = ("a", "b", "c", "d")
    assert {name: dag.get_task(name).upstream_task_ids & set(tasks) for name in tasks} == {
        "a": set(),
        "b": {"a"},
        "c": {"a", "b"},
        "d": {"b", "c"},
    }


@pytest.fixture
def grouped() -> EltJob:
    """Two groups in a row, and a task without one."""
    job = EltJob(job_id="7", name="sales")
    job.task("a", statement="select 1", group="stage")
    job.task("b", statement="select 1", group="stage")
    job.task("c", statement="select 1", group="marts.core", upstream=["a"])
    job.task("d", statement="select 1")
    return job


def _edges(dag: Any) -> dict[str, set[str]]:
    return {task.task_id: task.upstream_task_ids for task in dag.tasks}


def test_groups_begin_behind_the_start_and_end_in_one_task(grouped: EltJob) -> None:
    """Edges between groups are shown and hold nothing up; what waits for all groups is one task, which is what a DAG
    run's state goes by."""
    dag = elt_dag(grouped, mirrors="groups")
    start, groups = {"start_execution"}, {"stage", "marts.core", "sales"}
    assert _edges(dag) == {
        "start_execution": set(),
        "stage": start,
        "marts.core": {*start, "stage"},
        "sales": start,
        "end_execution": groups,
    }
    assert {dag.get_task(name).trigger_rule for name in groups} == {"one_success"}
    assert dag.get_task("end_execution").trigger_rule == "all_success"
    assert [task.task_id for task in dag.leaves] == ["end_execution"]
    assert {name: dag.get_task(name).members for name in groups} == {
        "stage": {"a", "b"},
        "marts.core": {"c"},
        "sales": {"d"},
    }


def test_groups_of_a_circle_have_no_edges(grouped: EltJob) -> None:
    """They stand side by side, behind the start."""
    grouped.task("e", statement="select 1", group="stage", upstream=["c"])
    edges = _edges(elt_dag(grouped, mirrors="groups"))
    assert edges["stage"] == edges["marts.core"] == {"start_execution"}


def test_one_mirror_shows_the_whole_job(grouped: EltJob) -> None:
    """It is called as the job is."""
    dag = elt_dag(grouped, mirrors="one")
    assert _edges(dag) == {"start_execution": set(), "sales": {"start_execution"}}
    assert dag.get_task("sales").members == set("abcd")


@pytest.mark.parametrize(("tasks", "shown"), [(200, 201), (201, 3)])
def test_large_jobs_are_shown_by_groups(tasks: int, shown: int) -> None:
    """Up to 200 tasks have a mirror each, unless the DAG says otherwise."""
    job = EltJob(job_id="7", name="sales")
    for number in range(tasks):
        job.task(f"t{number}", statement="select 1", group=None if number else "first")
    assert len(elt_dag(job).tasks) - (tasks > 200) == shown
    assert len(elt_dag(job, mirrors="tasks").tasks) == tasks + 1


def test_groups_in_a_group_have_its_prefix(grouped: EltJob) -> None:
    """Tasks behind a job's group wait for all of its groups."""
    with DAG("mine", schedule=None) as dag:
        first = elt_task_group(grouped, mirrors="groups")
        first >> elt_task_group(grouped, group_id="again", mirrors="one")
    assert dag.get_task("sales.marts.core").upstream_task_ids == {"sales.start_execution", "sales.stage"}
    assert dag.get_task("again.start_execution").upstream_task_ids == {"sales.end_execution"}
    mirror = dag.get_task("sales.stage")
    assert (mirror.start_task_id, mirror.task_name) == ("sales.start_execution", "stage")


def test_groups_survive_serialization(grouped: EltJob) -> None:
    """The scheduler sees the same tasks, edges and rules, ends the last one by itself, and has each group's tasks in
    its documentation and for its trigger."""
    dag = elt_dag(grouped, mirrors="groups")
    again = serialized_and_back(dag)
    assert {task.task_id: set(task.upstream_task_ids) for task in again.tasks} == _edges(dag)
    stage, end = again.get_task("stage"), again.get_task("end_execution")
    assert (stage.trigger_rule, stage.doc_md) == ("one_success", "2 tasks:\n\n- a\n- b")
    assert end.inherits_from_empty_operator
    if STARTS_FROM_TRIGGER:
        (given,) = (value for value in stage.start_trigger_args.trigger_kwargs.values() if isinstance(value, dict))
        assert given == {"task": "stage", "tasks": ["a", "b"]}


@pytest.mark.parametrize(("mirrors", "told"), [("group", r"Did you mean 'groups'"), ("groups", r"engine=\"airflow\"")])
def test_ways_to_show_a_job_that_are_none_are_refused(grouped: EltJob, mirrors: Any, told: str) -> None:
    """A misspelt one, and groups where each task runs in the DAG."""
    more: dict[str, Any] = {"audit_table": "audit", "warehouse": {"database": "dev", "workgroup_name": "etl"}}
    given: dict[str, Any] = {"engine": "airflow", **more} if mirrors == "groups" else {}
    with pytest.raises(JobError, match=rf"elt_dag of job sales: mirrors: .*{told}"):
        elt_dag(grouped, mirrors=mirrors, **given)


def test_a_failed_group_names_the_place_of_its_failure(grouped: EltJob) -> None:
    """File and line of the task that failed, its words, what became of the others, and what to do."""
    mirror = elt_dag(grouped, mirrors="groups").get_task("stage")
    outcome = Outcome("failed", "no table", "s-1", task="b", beside="1 of 2 tasks of group stage have succeeded.")
    with pytest.raises(AirflowFailException) as raised:
        mirror._conclude({"ti": SimpleNamespace(xcom_push=lambda **_: None)}, outcome)
    assert str(raised.value) == (
        "Task b failed at tasks.b.statement: no table (statement s-1). 1 of 2 tasks of group stage have succeeded. "
        "Mend it, deploy the job if its SQL has changed, and clear the failed tasks."
    )


def test_parameters_become_the_trigger_form(job: EltJob) -> None:
    """Each parameter is a Param with the job's default, or without one, and start_execution takes its value."""
    dag = elt_dag(job)
    assert dag.params.get_param("year").value == "1998"
    assert not dag.params.get_param("region").has_value
    assert _rendered(dag, params={"year": "1997", "region": "EU"}) == {"year": "1997", "region": "EU"}


def test_templates_take_the_place_of_the_form(job: EltJob) -> None:
    """A parameter with a template is not asked for; Params of one's own can be used in it."""
    templates = {"year": "{{ interval.year }}", "region": "{{ params.where }}"}
    dag = elt_dag(job, schedule="@yearly", parameters=templates, params={"where": Param("EU")})
    assert list(dag.params) == ["where"]
    found = _rendered(dag, interval={"year": 1996}, params={"where": "EU"})
    assert found == {"year": "1996", "region": "EU"}


def test_lost_workers_are_made_up_for(job: EltJob) -> None:
    """Starting twice is the same as once, and looking twice too: both may be tried again, a mirror soon."""
    dag = elt_dag(job)
    assert {task.retries for task in dag.tasks} == {2}
    assert dag.get_task("a").retry_delay == timedelta(seconds=5)


def test_default_args_are_heeded(job: EltJob) -> None:
    """What the user says about all tasks goes before our defaults, except that mirrors have retries of their own."""
    default_args = {"retries": 0, "retry_delay": timedelta(seconds=1), "owner": "ann"}
    dag = elt_dag(job, default_args=default_args)
    start, mirror = dag.get_task("start_execution"), dag.get_task("a")
    assert (start.retries, start.retry_delay, start.owner) == (0, timedelta(seconds=1), "ann")
    assert (mirror.retries, mirror.owner) == (2, "ann")


def test_retries_that_mirrors_cannot_make_are_refused_by_name(job: EltJob) -> None:
    """Nobody believes that a task is tried seven times whose job says nothing of the kind."""
    with pytest.raises(
        JobError, match=r"default_args: retries is 7.* the SQL of a and \d more again.*engine=\"airflow\""
    ):
        elt_dag(job, default_args={"retries": 7})
    tried = EltJob(job_id="7", name="tried")
    tried.task("a", statement="select 1", retries=7)
    assert elt_dag(tried, default_args={"retries": 7}).get_task("start_execution").retries == 7


def test_a_group_refuses_such_retries_unless_it_is_given_others() -> None:
    """The DAG's retries would be passed over in silence; ``default_args`` of the group go before them."""
    job = EltJob(job_id="7", name="sales")
    job.task("a", statement="select 1")
    with DAG("mine", schedule=None, default_args={"retries": 7, "owner": "ann"}):
        with pytest.raises(JobError, match=r"elt_task_group of job \w+: default_args: retries is 7"):
            elt_task_group(job, group_id="refused")
        elt_task_group(job, group_id="taken", default_args={"retries": 0})
        start = elt_task_group(job, group_id="owned", default_args={"retries": 0, "owner": "bob"}).children
    assert {task.owner for task in start.values()} == {"bob"}


@pytest.mark.parametrize("engine", ["step_functions", "airflow"])
def test_every_task_has_the_dags_connection(job: EltJob, engine: Any) -> None:
    """All that Amazon's operators take for it reaches all tasks of both engines."""
    given: dict[str, Any] = {
        "aws_conn_id": "etl",
        "region_name": "eu-west-1",
        "verify": "/ca.pem",
        "botocore_config": {"read_timeout": 7},
    }
    where = {"cluster_identifier": "warehouse", "database": "dev"}
    native = {"audit_table": "audit", "warehouse": where} if engine == "airflow" else {}
    dag = elt_dag(job, engine=engine, **native, **given)
    assert [task.task_id for task in dag.tasks if Connection.of(task).arguments != given] == []


@pytest.mark.parametrize(
    ("warehouse", "address"),
    [
        (
            {"database": "dev", "cluster_identifier": "c", "db_user": "etl"},
            "redshift://c/dev/public.elt_audit?user=etl",
        ),
        (
            {"database": "dev", "workgroup_name": "w", "secret_arn": "arn:s"},
            "redshift-serverless://w/dev/public.elt_audit?secret=arn:s",
        ),
        ({"database": "dev", "workgroup_name": "w"}, "redshift-serverless://w/dev/public.elt_audit"),
    ],
)
def test_the_lock_of_a_job_in_redshift_is_in_its_warehouse(warehouse: dict[str, str], address: str) -> None:
    """Whose address is told nobody, unless it is another table; one of DynamoDB is refused."""
    job = EltJob(job_id="7", name="native", audit_store="redshift")
    job.task("a", statement="select 1")
    given: dict[str, Any] = {"engine": "airflow", "warehouse": warehouse}
    assert elt_dag(job, **given).get_task("acquire_lock").table_name == address  # type: ignore[attr-defined]
    elsewhere = "redshift://other/dev/ops.audit?user=u"
    assert elt_dag(job, audit_table=elsewhere, **given).get_task("release_lock").table_name == elsewhere  # type: ignore[attr-defined]
    with pytest.raises(JobError, match=r"audit item is in Redshift, and 'audit' is not\. Give its address"):
        elt_dag(job, audit_table="audit", **given)


def test_the_dags_retries_are_those_of_native_tasks_without_their_own() -> None:
    """On Airflow's workers Airflow tries again; a task's own number goes first."""
    job = EltJob(job_id="7", name="native")
    job.task("a", statement="select 1")
    job.task("b", statement="select 1", retries=3)
    where = {"database": "dev", "workgroup_name": "etl"}
    dag = elt_dag(job, engine="airflow", audit_table="audit", warehouse=where, default_args={"retries": 7})
    assert (dag.get_task("a").retries, dag.get_task("b").retries) == (7, 3)


def test_options_reach_the_tasks(job: EltJob) -> None:
    """Connection, region, interval and mode are handed on; other options are Airflow's DAG's."""
    dag = elt_dag(
        job,
        dag_id="other",
        state_machine_arn="arn",
        stack="Sales",
        aws_conn_id="etl",
        region_name="eu-west-1",
        poll_interval=9,
        deferrable=False,
        tags=["elt"],
    )
    start, mirror = dag.get_task("start_execution"), dag.get_task("c")
    assert (dag.dag_id, set(dag.tags)) == ("other", {"elt"})
    assert (start.state_machine_arn, start.stack, start.aws_conn_id, start.region_name) == (
        "arn",
        "Sales",
        "etl",
        "eu-west-1",
    )
    assert (mirror.aws_conn_id, mirror.region_name, mirror.poll_interval, mirror.deferrable) == (
        "etl",
        "eu-west-1",
        9,
        False,
    )


def test_mirrors_know_where_their_sql_stands(job: EltJob) -> None:
    """A mirror can name the place of its statements."""
    assert elt_dag(job).get_task("a").places == (job.task("a").statements[0].place,)


@pytest.mark.parametrize("engine", ["step_functions", "airflow"])
def test_tasks_and_dags_are_documented(job: EltJob, engine: Any) -> None:
    """Each task's page shows its SQL with its place, also after serialization, and the DAG's page the graph."""
    job.description = "All sales"
    more = {"audit_table": "audit", "warehouse": {"database": "dev", "workgroup_name": "etl"}}
    dag = serialized_and_back(elt_dag(job, engine=engine, **(more if engine == "airflow" else {})))
    assert dag.get_task("a").doc_md == ("`tasks.a.statement`\n\n```sql\nselect :year\n```\n\nParameters: `:year`")
    assert dag.doc_md == (
        "All sales\n\n```mermaid\nflowchart LR\n    a\n    b\n    a & b --> c\n    b --> d\n```\n\n"
        "Job `7`, 4 tasks. The SQL of each is in its own documentation."
    )
    assert elt_dag(job, doc_md="Mine").doc_md == "Mine"


def _shown(task: Any, run: Any) -> Any:
    """A task whose templates are rendered as a worker does it, in a DAG run that was started with ``run``."""
    task = task.prepare_for_execution()
    ti = SimpleNamespace(xcom_pull=lambda task_ids, key: run if (task_ids, key) == ("start_execution", RUN) else None)
    for _ in range(2):  # Airflow may do so again
        task.render_template_fields({"ti": ti, "params": {"year": "1997"}})
    return task


BRACES = "select '{{ no template }}', :year, '${RedshiftIAMRoleARN}'"


def test_mirrors_show_their_sql_and_values() -> None:
    """On a worker, the rendered templates are the SQL with its places and the values of this run; braces in SQL are no
    templates, and without an execution there are no values."""
    job = EltJob(job_id="7", name="sales", parameters={"year": "1998", "region": "EU"})
    job.task("a", statement=BRACES)
    job.task("b", statement="select :region", upstream=["a"])
    task = elt_dag(job).get_task("a")
    shown = _shown(task, {"job": {}, "parameters": {"year": "1997", "region": "EU"}})
    assert (shown.sql, shown.parameters) == (f"-- tasks.a.statement\n{BRACES};", {"year": "1997"})
    assert _shown(task, None).parameters == {}
    assert task.sql is None


def test_tasks_of_the_airflow_engine_show_their_sql() -> None:
    """The rendered templates of a native task are the SQL as it is sent, and its values; sending it is unchanged."""
    job = EltJob(job_id="7", name="sales", parameters={"year": "1998"})
    job.task("a", statement=BRACES)
    where = {"database": "dev", "workgroup_name": "etl"}
    dag = elt_dag(job, engine="airflow", audit_table="audit", warehouse=where, role_arn="arn:role")
    shown = _shown(dag.get_task("a"), None)
    sent = BRACES.replace("${RedshiftIAMRoleARN}", "arn:role")
    assert (shown.sql, shown.parameters) == (f"-- tasks.a.statement\n{sent};", {"year": "1997"})
    assert sql_input.submission(shown, shown._texts, "name", "token").sqls == [sent]


def test_a_packaged_jobs_sql_that_is_away_fails_no_mirror(job: EltJob) -> None:
    """What is only shown may be missing."""
    task = elt_dag(job).get_task("a")
    task.statements = (SqlStatement.kept(stored=StoredText("/nowhere/job.jsonl", "a", 0, "")),)
    assert _shown(task, None).sql.startswith("-- /nowhere/job.jsonl: The SQL of task a cannot be read")


def test_a_template_for_an_unknown_parameter_is_refused(job: EltJob) -> None:
    """A misspelled parameter is told with the one that was meant."""
    with pytest.raises(JobError, match=r"no parameter 'yaer'\. Did you mean 'year'"):
        elt_dag(job, parameters={"yaer": "1998"})


def test_a_scheduled_dag_needs_every_value(job: EltJob) -> None:
    """Nobody fills in the form of a scheduled run: a parameter without default needs a template."""
    with pytest.raises(JobError, match="'region' has neither a template nor a default"):
        elt_dag(job, schedule="@daily")
    elt_dag(job, schedule="@daily", parameters={"region": "EU"})


def test_a_second_schedule_is_warned_of(job: EltJob, recwarn: pytest.WarningsRecorder) -> None:
    """Where the job has a schedule of its own, a DAG of it needs none; one that is off is no schedule."""
    options: dict[str, Any] = {"schedule": "@daily", "parameters": {"region": "EU"}}
    off = Schedule(cron="0 5 * * ? *", enabled=False, parameters={"region": "EU"})
    for schedule, chosen in ((off, options), (replace(off, enabled=True), {}), (replace(off, enabled=True), options)):
        job.schedule = schedule
        elt_dag(job, **chosen)
    told = [str(one.message) for one in recwarn if "EventBridge" in str(one.message)]
    assert len(told) == 1
    assert "so does EventBridge Scheduler: cron(0 5 * * ? *)" in told[0]


def test_catching_up_needs_a_date(job: EltJob) -> None:
    """Without a start date, catching up would mean since ever."""
    options: dict[str, Any] = {"schedule": "@daily", "catchup": True, "parameters": {"region": "EU"}}
    with pytest.raises(JobError, match="start_date"):
        elt_dag(job, **options)
    assert elt_dag(job, start_date=datetime(2026, 1, 1, tzinfo=UTC), **options).catchup


def test_a_job_can_be_a_group_of_ones_own_dag(job: EltJob) -> None:
    """In a group, two of one job beside each other, tasks have the group's prefix and follow their own start."""
    with DAG("mine", schedule=None) as dag:
        first = elt_task_group(job, parameters={"region": "EU"})
        second = elt_task_group(job, group_id="again", parameters={"region": "{{ run_id }}"})
        first >> second
    assert dag.get_task("sales.c").upstream_task_ids == {"sales.a", "sales.b"}
    assert dag.get_task("again.start_execution").upstream_task_ids == {"sales.c", "sales.d"}
    mirror = dag.get_task("again.a")
    assert (mirror.start_task_id, mirror.task_name) == ("again.start_execution", "a")
    assert dag.get_task("sales.start_execution").parameters == {"region": "EU"}


def test_a_group_needs_every_value(job: EltJob) -> None:
    """No form asks for the parameters of a group."""
    with DAG("mine", schedule=None), pytest.raises(JobError, match="'region' has neither a template nor a default"):
        elt_task_group(job)


EXAMPLES = sorted(path for path in (ROOT / "dags" / "examples").glob("*.py"))


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_the_examples_load_from_anywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, file: Path) -> None:
    """Each example is a DAG that Airflow can write down, and looks like one to Airflow's search."""
    monkeypatch.chdir(tmp_path)
    if not STARTS_FROM_TRIGGER and "from airflow.sdk" in file.read_text():
        pytest.skip("written for Airflow 3")
    dag = runpy.run_path(str(file))["dag"]
    assert set(serialized_and_back(dag).task_dict) == set(dag.task_ids)
    text = file.read_text().lower()
    assert "airflow" in text
    assert "dag" in text


def test_dags_survive_serialization(job: EltJob) -> None:
    """Airflow's scheduler sees the same tasks and edges."""
    dag = elt_dag(job)
    again = serialized_and_back(dag)
    assert {task.task_id: task.upstream_task_ids for task in again.tasks} == {
        task.task_id: task.upstream_task_ids for task in dag.tasks
    }


def test_the_demos_dag_loads_from_anywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """dags/yearly_sales.py finds its job wherever Airflow was started, and Airflow takes it for a DAG file."""
    monkeypatch.chdir(tmp_path)
    file = ROOT / "dags" / "yearly_sales.py"
    dag = runpy.run_path(str(file))["dag"]
    assert set(dag.task_ids) == {"start_execution", "load_supplier", "load_customer", "load_fact_yearly_sale"}
    text = file.read_text().lower()  # what Airflow's safe mode looks for
    assert "dag" in text
    assert "airflow" in text


def test_a_dag_file_imports_nothing_heavy() -> None:
    """Parsing a DAG file loads neither AWS's SDK nor Amazon's provider nor anything of the embedded AWS."""
    code = (
        "import sys, importlib.util as u; v3 = u.find_spec('airflow.sdk'); "
        "__import__('airflow.sdk.bases.operator' if v3 else 'airflow.models.baseoperator'); before = set(sys.modules); "
        "import elt_redshift.dag; assert 'elt_redshift.protocol.writes' not in sys.modules, 'of no use to a DAG file'; "
        "import elt_redshift.native; print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    added = done.stdout.split()
    assert "elt_redshift.dag" in added
    assert not {name.partition(".")[0] for name in added} & {"boto3", "botocore", "moto", "psycopg", "yaml", "rich"}
    assert not [name for name in added if name.startswith("airflow.providers.amazon")]


@pytest.mark.parametrize("page", ["airflow.md", "getting-started.md", "operators.md"])
def test_the_pages_dag_files_work(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each DAG file that a page shows makes a DAG, and Airflow would look into it."""
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs" / page).read_text(), re.DOTALL | re.MULTILINE)
    assert blocks
    for block in blocks:
        assert "airflow" in block.lower()
        made: dict[str, Any] = {}
        exec(block, made)
        names = {task.rpartition(".")[2] for task in made["dag"].task_ids}  # in a TaskGroup, behind the group's
        assert names & {"start_execution", "acquire_lock"}


TYPED = [
    Parameter(name="sale_year", type="integer", default="1998", description="The year to load"),
    Parameter(name="rate", type="number", default="1.5"),
    Parameter(name="full", type="boolean", default="false"),
    Parameter(name="day", type="date", default="1998-12-31"),
    Parameter(name="since", type="timestamp", default="1998-12-31 23:59"),
    Parameter(name="region", choices=("AFRICA", "ASIA")),
    Parameter(name="part", type="integer", choices=("1", "2"), default="2"),
]


def _typed() -> EltJob:
    job = EltJob(job_id="7", name="typed", parameters=TYPED)
    job.task("a", statement="select " + ", ".join(f":{parameter.name}" for parameter in TYPED))
    return job


def test_types_shape_the_trigger_form() -> None:
    """Each type is the JSON schema whose widget Airflow's form shows, with title, description and choices."""
    params = elt_dag(_typed()).params
    schemas = {name: params.get_param(name).schema for name in params}
    assert schemas == {
        "sale_year": {"type": "integer", "title": "Sale year"},
        "rate": {"type": "number", "title": "Rate"},
        "full": {"type": "boolean", "title": "Full"},
        "day": {"type": "string", "format": "date", "title": "Day"},
        "since": {"type": "string", "format": "date-time", "title": "Since"},
        "region": {"type": "string", "minLength": 1, "title": "Region", "enum": ["AFRICA", "ASIA"]},
        "part": {"type": "integer", "title": "Part", "enum": [1, 2]},
    }
    assert params.get_param("sale_year").description == "The year to load"
    assert params.get_param("since").description == "(default: 1998-12-31T23:59:00+00:00)"
    assert {name: params.get_param(name).value for name in params if name != "region"} == {
        "sale_year": 1998,
        "rate": 1.5,
        "full": False,
        "day": "1998-12-31",
        "since": "1998-12-31T23:59:00+00:00",
        "part": 2,
    }


@pytest.mark.parametrize("native", [False, True])
def test_typed_values_reach_the_job_as_text(native: bool) -> None:
    """Whether templates render text or native objects, the job gets the texts of its types."""
    job = _typed()
    dag = elt_dag(job, render_template_as_native_obj=native)
    start = dag.get_task("start_execution").prepare_for_execution()
    given = {name: dag.params.get_param(name).resolve() for name in dag.params if name != "region"}
    start.render_template_fields({"params": {**given, "region": "ASIA"}}, dag.get_template_env())
    assert job.values(rendered(job.parameters, start.parameters)) == {
        "sale_year": "1998",
        "rate": "1.5",
        "full": "false",
        "day": "1998-12-31",
        "since": "1998-12-31T23:59:00+00:00",
        "region": "ASIA",
        "part": "2",
    }


def test_a_default_that_is_not_of_its_type_breaks_the_dag_file(job: EltJob) -> None:
    """A job built in Python is told its mistake where the DAG is made, not by Airflow's form."""
    job.parameters = (*job.parameters, Parameter(name="day", type="date", default="yesterday"))
    with pytest.raises(JobError, match="The default of 'day' is 'yesterday', not a date"):
        elt_dag(job)


def test_a_dag_says_what_its_job_is(job: EltJob) -> None:
    """The job's description, owner and tags are the DAG's, unless the user gives other ones."""
    job.description, job.owner, job.tags = "All sales", "ann", ("sales",)
    dag = elt_dag(job)
    assert (dag.description, set(dag.tags), dag.owner) == ("All sales", {"sales"}, "ann")
    other = elt_dag(job, description="Mine", tags=["mine"], default_args={"owner": "bob"})
    assert (other.description, set(other.tags), other.owner) == ("Mine", {"mine"}, "bob")


def test_a_group_says_what_its_job_is(job: EltJob) -> None:
    """In a DAG of one's own the group has the description, and its tasks the owner unless the DAG has one."""
    job.description, job.owner = "All sales", "ann"
    with DAG("mine", schedule=None) as dag:
        group = elt_task_group(job, parameters={"region": "EU"})
    with DAG("owned", schedule=None, default_args={"owner": "bob"}) as owned:
        elt_task_group(job, parameters={"region": "EU"})
    assert (group.tooltip, dag.get_task("sales.a").owner, dag.get_task("sales.start_execution").owner) == (
        "All sales",
        "ann",
        "ann",
    )
    assert owned.get_task("sales.a").owner == "bob"


def test_a_jobs_retries_are_airflows_where_they_mean_the_same() -> None:
    """A rule gives delay, growth and bound; a number leaves these to the DAG."""
    job = EltJob(job_id="1", name="j")
    rule = {"times": 3, "delay": "1m", "backoff": 1, "max_delay": "5m", "on": ["conflict"]}
    job.task("a", statement="select 1", retries=rule)
    job.task("b", statement="select 1", retries=2)
    warehouse = {"cluster_identifier": "c", "database": "dev", "db_user": "u"}
    dag = elt_dag(job, engine="airflow", audit_table="t", warehouse=warehouse, default_args={"retries": 7})
    a, b = dag.get_task("a"), dag.get_task("b")
    assert (a.retries, a.retry_delay, a.max_retry_delay) == (3, timedelta(minutes=1), timedelta(minutes=5))
    assert (a.retry_on, b.retries, b.retry_on) == (("conflict",), 2, ("any",))
    assert not a.retry_exponential_backoff or a.retry_exponential_backoff == 1


@pytest.mark.skipif(not STARTS_FROM_TRIGGER, reason="Airflow 3.3 and later")
def test_mirrors_begin_on_workers_where_a_parameter_has_no_default(job: EltJob) -> None:
    """Airflow's triggerer would not survive them (3.3.1)."""
    dags = elt_dag(job), elt_dag(job, parameters={"region": "EUROPE"})
    assert [serialized_and_back(dag).get_task("b").start_from_trigger for dag in dags] == [False, True]
