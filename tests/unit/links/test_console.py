"""Links to AWS's consoles."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import elt_redshift.links
from elt_redshift.airflow_compat import BaseOperatorLink
from elt_redshift.dag import elt_dag
from elt_redshift.job.model import EltJob
from elt_redshift.links import console
from elt_redshift.links.console import execution_url, queries_url
from elt_redshift.provider import get_provider_info


@pytest.mark.parametrize(
    ("partition", "region", "host"),
    [
        ("aws", "eu-west-1", "eu-west-1.console.aws.amazon.com"),
        ("aws-cn", "cn-north-1", "console.amazonaws.cn"),
        ("aws-us-gov", "us-gov-west-1", "console.amazonaws-us-gov.com"),
    ],
)
def test_the_execution_is_found_in_its_partitions_console(partition: str, region: str, host: str) -> None:
    """The link leads to the region of the execution, whatever the connection's is."""
    arn = f"arn:{partition}:states:{region}:123456789012:execution:sales:run-1"
    assert execution_url(arn) == f"https://{host}/states/home?region={region}#/v2/executions/details/{arn}"


@pytest.mark.parametrize(
    ("partition", "region", "host"),
    [
        ("aws", "eu-west-1", "eu-west-1.console.aws.amazon.com"),
        ("aws-cn", "cn-north-1", "console.amazonaws.cn"),
    ],
)
def test_queries_are_found_where_the_execution_ran(partition: str, region: str, host: str) -> None:
    """The statement ran in the region of its execution."""
    arn = f"arn:{partition}:states:{region}:123456789012:execution:sales:run-1"
    assert queries_url(arn) == f"https://{host}/redshiftv2/home?region={region}#queries"


ARN = "arn:aws:states:us-east-1:123456789012:execution:sales:run-1"


@pytest.mark.parametrize(("arn", "execution", "queries"), [(None, "", ""), (ARN, execution_url(ARN), queries_url(ARN))])
def test_every_task_links_to_what_it_knows(
    monkeypatch: pytest.MonkeyPatch, arn: str | None, execution: str, queries: str
) -> None:
    """Every task links to its execution once it has pushed that, and a mirror to the list of queries."""
    job = EltJob(job_id="7", name="sales")
    job.task("load", statement="select 1")
    monkeypatch.setattr(console, "xcom", lambda *_: arn)
    found = {
        task.task_id: [link.get_link(task, ti_key=None) for link in task.operator_extra_links]
        for task in elt_dag(job).tasks
    }
    assert found == {"start_execution": [execution], "load": [execution, queries]}


def test_the_execution_that_shows_a_task_goes_before_the_one_it_is_a_part_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mirror of a run in parts links to the part's execution, once it has ended."""
    part = f"{ARN}-part"
    pushed = {"execution_arn": ARN, "return_value": {"execution_arn": part}}
    monkeypatch.setattr(console, "xcom", lambda _, key: pushed[key])
    assert console.ExecutionLink().get_link(None, ti_key=None) == execution_url(part)


def test_plugin_and_provider_register_every_link() -> None:
    """Airflow rebuilds links of serialized DAGs only where a plugin (in MWAA's folder) or a provider (from a wheel)
    names them."""
    import elt_redshift_plugin

    links = {
        f"{found.__module__}.{found.__qualname__}"
        for module in pkgutil.walk_packages(elt_redshift.links.__path__, "elt_redshift.links.")
        for found in vars(importlib.import_module(module.name)).values()
        if isinstance(found, type) and issubclass(found, BaseOperatorLink) and found.__module__ == module.name
    }
    registered = [type(link) for link in elt_redshift_plugin.EltRedshiftPlugin.operator_extra_links]
    assert {f"{link.__module__}.{link.__qualname__}" for link in registered} == links
    assert set(get_provider_info()["extra-links"]) == links
