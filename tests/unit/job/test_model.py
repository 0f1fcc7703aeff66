"""Jobs as Python objects: built, wired, read, compared, sent."""

from __future__ import annotations

import json
import pickle
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from elt_redshift import EltJob, LockPolicy, Parameter, SqlStatement, SqlTask
from elt_redshift.exceptions import JobError

_YAML = """
job_id: "101"
name: yearly_sales
description: A year of sales
owner: sales team
tags: [sales, yearly]
parameters:
  year: {default: 1998, type: integer, description: The year to load, choices: [1997, 1998]}
  region: {}
tasks:
  load_supplier: {sql: load_supplier.sql}
  load_customer: {statement: "select ':no', :region"}
  load_fact:
    call: public.sp_load(:year)
    upstream: [load_supplier, load_customer]
    retries: 2
    timeout: 1h30m
    expected: 20m
    transaction: false
    wait: poll
lock: {when_locked: wait, after_failure: release}
"""
YEAR = Parameter(name="year", default="1998", type="integer", description="The year to load", choices=("1997", "1998"))
_SCRIPT = "-- the suppliers\ndelete from supplier;\n\ninsert into supplier select :year, :region;\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the job of ``_YAML``."""
    (tmp_path / "job.yaml").write_text(_YAML)
    (tmp_path / "load_supplier.sql").write_text(_SCRIPT)
    return tmp_path


def _built(folder: Path) -> EltJob:
    job = EltJob(
        job_id="101",
        name="yearly_sales",
        description="A year of sales",
        owner="sales team",
        tags=["sales", "yearly"],
        parameters=[YEAR, Parameter(name="region")],
        lock=LockPolicy(when_locked="wait", after_failure="release"),
        base=folder,
    )
    supplier = job.task("load_supplier", sql="load_supplier.sql")
    customer = job.task("load_customer", statement="select ':no', :region")
    fact = job.task(
        "load_fact",
        call="public.sp_load(:year)",
        retries=2,
        timeout="1h30m",
        expected="20m",
        transaction=False,
        wait="poll",
    )
    [supplier, customer] >> fact
    return job.validate()


def _small(*names: str) -> EltJob:
    job = EltJob(job_id="1", name="small")
    for name in names:
        job.task(name, statement="select 1")
    return job


def _edges(job: EltJob) -> dict[str, tuple[str, ...]]:
    return {task.name: task.upstream for task in job.tasks}


def test_yaml_and_python_make_equal_jobs(folder: Path) -> None:
    """The same job written both ways is the same job."""
    assert EltJob.load(folder) == _built(folder)


def test_a_job_reads_as_data(folder: Path) -> None:
    """Everything that YAML says is there, typed and frozen."""
    job = EltJob.load(folder)
    assert (job.job_id, job.name, job.lock.when_locked, job.lock.after_failure) == (
        "101",
        "yearly_sales",
        "wait",
        "release",
    )
    assert (job.description, job.owner, job.tags) == ("A year of sales", "sales team", ("sales", "yearly"))
    assert job.parameters == (YEAR, Parameter(name="region"))
    assert job.task("load_supplier") == SqlTask(
        name="load_supplier",
        statements=(
            SqlStatement(text="-- the suppliers\ndelete from supplier", place="load_supplier.sql:2"),
            SqlStatement(
                text="insert into supplier select :year, :region",
                parameters=("year", "region"),
                place="load_supplier.sql:4",
            ),
        ),
        source="load_supplier.sql",
        kind="sql",
    )
    assert job.task("load_fact") == SqlTask(
        name="load_fact",
        statements=(
            SqlStatement(text="CALL public.sp_load(:year)", parameters=("year",), place="tasks.load_fact.call"),
        ),
        upstream=("load_supplier", "load_customer"),
        retries=2,
        timeout=timedelta(minutes=90),
        expected=timedelta(minutes=20),
        transaction=False,
        wait="poll",
        kind="call",
    )


def test_a_task_knows_the_parameters_of_all_its_statements(folder: Path) -> None:
    """Each once, in order of first use."""
    assert EltJob.load(folder).task("load_supplier").parameters == ("year", "region")


def test_what_differs_makes_jobs_differ(folder: Path) -> None:
    """Equality looks at every part of a job."""
    other = _built(folder)
    other.task("more", statement="select 1")
    assert other != _built(folder)
    assert _small("a") != EltJob(job_id="1", name="small", tasks=_small("a").tasks, lock=LockPolicy(when_locked="fail"))
    assert _small("a") != EltJob(job_id="1", name="small", tasks=_small("a").tasks, max_active_statements=2)
    assert _small("a") != EltJob(job_id="1", name="small", tasks=_small("a").tasks, description="other")
    assert _small("a") != EltJob(job_id="1", name="small", tasks=_small("a").tasks, tags=["other"])
    assert _small("a") != "small"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_job_survives_pickling(folder: Path, protocol: int) -> None:
    """A job can be sent to another process, mistakes included."""
    job = EltJob.load(folder)
    assert pickle.loads(pickle.dumps(job, protocol)) == job
    bad = _small("a", "a")
    with pytest.raises(JobError, match="defined twice"):
        pickle.loads(pickle.dumps(bad, protocol)).validate()


def test_a_job_survives_json(folder: Path) -> None:
    """A job can be packaged as JSON, SQL included, and read without its files."""
    job = EltJob.load(folder)
    data = json.loads(json.dumps(job.to_dict()))
    assert EltJob.from_dict(data).validate() == job


def test_wiring_reads_as_in_airflow() -> None:
    """>> and << take tasks and lists on either side, and chains read left to right."""
    job = EltJob(job_id="1", name="small")
    a, b, c, d, e = (job.task(name, statement="select 1") for name in "abcde")
    a >> [b, c] >> d
    e << [d, a]
    assert _edges(job.validate()) == {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c"), "e": ("d", "a")}


def test_a_list_may_wait_for_a_task() -> None:
    """[a, b] << c lets both wait for c; << gives its right side, for chains."""
    job = EltJob(job_id="1", name="small")
    a, b, c, d = (job.task(name, statement="select 1") for name in "abcd")
    [a, b] << c << d
    assert _edges(job.validate()) == {"a": ("c",), "b": ("c",), "c": ("d",), "d": ()}


def test_an_edge_drawn_twice_is_one_edge() -> None:
    """Drawing an edge again changes nothing."""
    job = EltJob(job_id="1", name="small")
    a = job.task("a", statement="select 1")
    b = job.task("b", statement="select 1", upstream=[a])
    a >> b
    assert _edges(job.validate()) == {"a": (), "b": ("a",)}


def test_tasks_of_two_jobs_cannot_be_wired() -> None:
    """The mistake is told at the line that makes it."""
    a = EltJob(job_id="1", name="one").task("a", statement="select 1")
    b = EltJob(job_id="2", name="two").task("b", statement="select 1")
    with pytest.raises(JobError, match="<task b of two> cannot wait for <task a of one>, a task of another job"):
        a >> b


def test_only_tasks_can_be_wired() -> None:
    """A name is no task."""
    a = EltJob(job_id="1", name="one").task("a", statement="select 1")
    with pytest.raises(TypeError, match="'b' is no task"):
        a << ["b"]  # type: ignore[type-var]
    with pytest.raises(TypeError, match="'b' is no task"):
        a >> "b"  # type: ignore[type-var]


def test_tasks_are_found_by_name_and_by_edge() -> None:
    """Neighbours come in the order in which they were written."""
    job = _small("b", "a", "c")
    job.task("d", statement="select 1", upstream=["a", "b"])
    assert [task.name for task in job.upstream("d")] == ["b", "a"]
    assert [task.name for task in job.downstream("a")] == ["d"]
    with pytest.raises(JobError, match="There is no task 'e' in job 'small'"):
        job.downstream("e")


def test_tasks_come_in_an_order_that_runs() -> None:
    """in_order() puts every task behind what it waits for."""
    job = EltJob(job_id="1", name="small")
    job.task("last", statement="select 1", upstream=["middle", "first"])
    job.task("middle", statement="select 1", upstream=["first"])
    job.task("first", statement="select 1")
    assert [task.name for task in job.in_order()] == ["first", "middle", "last"]


def test_mistakes_in_python_are_told_all_at_once() -> None:
    """Building never raises; validate() tells everything, naming the job."""
    job = EltJob(job_id=101, name="Bad", parameters=[Parameter(name="a-b", default="")], wait="long")  # type: ignore[arg-type]
    job.task("a", sql="nowhere.sql", retrys=2)  # type: ignore[call-overload]
    job.task("b", statement="select :x", upstream="a", timeout=timedelta(days=2))
    job.task("b", statement="select 1")
    with pytest.raises(JobError) as raised:
        job.validate()
    assert [str(problem) for problem in raised.value.problems] == [
        "job Bad: tasks.a.retrys: The key 'retrys' means nothing in tasks.a. Did you mean 'retries'?",
        "job Bad: tasks.a.sql: The file 'nowhere.sql' does not exist. Put it into '.', or mend the name.",
        "job Bad: tasks.b.upstream: The upstream of 'b' is 'a', not a list of task names. Write [a].",
        "job Bad: tasks.b: The task 'b' is defined twice. Give each task its own name.",
        'job Bad: job_id: The job_id is 101, not text. Quote it: "101".',
        "job Bad: name: The name 'Bad' cannot name a state machine, a stack and a DAG. "
        "Use 1 to 64 lower-case letters, digits and '_', a letter first.",
        "job Bad: wait: 'wait' is 'long'. Choose one of long_poll, poll, event.",
        "job Bad: parameters.a-b: The parameter 'a-b' cannot be referred to in SQL. "
        "Use letters, digits and '_', a letter first.",
        "job Bad: parameters.a-b.default: The default of 'a-b' is empty, which the Redshift Data API refuses. "
        "Give it a text.",
        "job Bad: tasks.b.timeout: The timeout of 'b' is over 24 hours, after which Redshift ends any Data API query. "
        "Give at most 24h, or leave it out.",
        "job Bad: tasks.b.statement: The parameter ':x' of task 'b' is not declared. Known here: a-b. Or declare it.",
    ]
    assert raised.value.problems[0].remedy == "Did you mean 'retries'?"


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (SqlTask(name="a", statements=()), "The task 'a' has no SQL."),
        (SqlTask(name="a", statements=(SqlStatement(text="select 'x"),)), "This is not SQL: line 1: the quote ' is"),
        (SqlTask(name="a", statements=(SqlStatement(text="select 1; select 2"),)), "holds 2 statements"),
        (SqlTask(name="a", statements=(SqlStatement(text="select 1"),), timeout=5), "The timeout of 'a' is 5."),  # type: ignore[arg-type]
    ],
)
def test_ready_made_tasks_meet_the_same_rules(task: SqlTask, message: str) -> None:
    """A job made of parts is checked like one that was read."""
    with pytest.raises(JobError) as raised:
        EltJob(job_id="1", name="small", tasks=[task]).validate()
    assert message in str(raised.value)


def test_ready_made_tasks_of_one_name_are_told() -> None:
    """A job made of parts does not lose one of two tasks or parameters silently."""
    task = SqlTask(name="a", statements=(SqlStatement(text="select :x", parameters=("x",)),))
    job = EltJob(job_id="1", name="small", tasks=[task, task], parameters=[Parameter(name="x")] * 2)
    with pytest.raises(JobError) as raised:
        job.validate()
    assert [problem.message for problem in raised.value.problems] == [
        "The task 'a' is defined twice.",
        "The parameter 'x' is declared twice.",
    ]


@pytest.mark.parametrize("upstream", [5, "b", [5], {"b": 1}.values()])
def test_any_upstream_is_read_or_told(upstream: Any) -> None:
    """What is no list of tasks is a mistake among the others, not an exception of its own."""
    job = _small("b")
    job.task("a", statement="select 1", upstream=upstream)
    with pytest.raises(JobError, match=r"The upstream of 'a' is .*, not a list of task names"):
        job.validate()


def test_a_job_that_was_refused_can_be_mended() -> None:
    """validate() looks at the job as it is now."""
    job = EltJob(job_id="1", name="small")
    with pytest.raises(JobError, match="has no tasks"):
        job.validate()
    job.task("a", statement="select 1")
    assert job.validate() is job


def test_values_are_those_given_and_the_defaults() -> None:
    """A start binds every parameter exactly once."""
    job = EltJob(job_id="1", name="small", parameters={"year": "1998", "region": None})
    assert job.values({"region": "ASIA"}) == {"year": "1998", "region": "ASIA"}
    assert job.values({"region": "ASIA", "year": "1999"}) == {"year": "1999", "region": "ASIA"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "The parameter 'region' has no default and no value. Give it: region=value."),
        ({"region": "ASIA", "yaer": "1"}, "The job has no parameter 'yaer'. Did you mean 'year'?"),
        ({"region": ""}, "The value of 'region' is empty, which the Redshift Data API refuses. Give it a text."),
        ({"region": 5}, "The value of 'region' is 5, not text. Quote it: \"5\"."),
        ({"region": None}, "The parameter 'region' has no default and no value."),
        ({"region": "ASIA", "year": None}, "The value of 'year' is null, and NULL is no value of a job's parameter."),
    ],
)
def test_values_that_do_not_fit_are_refused(given: dict[str, str], message: str) -> None:
    """A missing, unknown, empty or non-text value is told by name, before anything starts."""
    job = EltJob(job_id="1", name="small", parameters={"year": "1998", "region": None})
    with pytest.raises(JobError) as raised:
        job.values(given)
    assert message in str(raised.value)


def test_all_values_that_do_not_fit_are_told_at_once() -> None:
    """One refusal holds every mistake."""
    job = EltJob(job_id="1", name="small", parameters={"year": None, "region": None})
    with pytest.raises(JobError) as raised:
        job.values({"month": "1"})
    assert len(raised.value.problems) == 3
