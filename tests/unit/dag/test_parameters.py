"""How a job's parameters become a DAG's: the form behind Trigger, templates, types."""

from __future__ import annotations

from typing import Any

import pytest

from elt_redshift.airflow_compat import DAG, STARTS_FROM_TRIGGER, Param
from elt_redshift.dag import elt_dag, elt_task_group
from elt_redshift.exceptions import JobError
from elt_redshift.job.model import EltJob, Parameter
from elt_redshift.job.parameters import rendered
from tests.unit.airflow_names import serialized_and_back


def _rendered(dag: Any, **context: Any) -> dict[str, str]:
    start = dag.get_task("start_execution").prepare_for_execution()
    start.render_template_fields({"params": {}, **context})
    return dict(start.parameters)


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


def test_a_template_for_an_unknown_parameter_is_refused(job: EltJob) -> None:
    """A misspelled parameter is told with the one that was meant."""
    with pytest.raises(JobError, match=r"no parameter 'yaer'\. Did you mean 'year'"):
        elt_dag(job, parameters={"yaer": "1998"})


def test_a_scheduled_dag_needs_every_value(job: EltJob) -> None:
    """Nobody fills in the form of a scheduled run: a parameter without default needs a template."""
    with pytest.raises(JobError, match="'region' has neither a template nor a default"):
        elt_dag(job, schedule="@daily")
    elt_dag(job, schedule="@daily", parameters={"region": "EU"})


def test_a_group_needs_every_value(job: EltJob) -> None:
    """No form asks for the parameters of a group."""
    with DAG("mine", schedule=None), pytest.raises(JobError, match="'region' has neither a template nor a default"):
        elt_task_group(job)


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


@pytest.mark.skipif(not STARTS_FROM_TRIGGER, reason="Airflow 3.3 and later")
def test_mirrors_begin_on_workers_where_a_parameter_has_no_default(job: EltJob) -> None:
    """Airflow's triggerer would not survive them (3.3.1)."""
    dags = elt_dag(job), elt_dag(job, parameters={"region": "EUROPE"})
    assert [serialized_and_back(dag).get_task("b").start_from_trigger for dag in dags] == [False, True]
