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
from elt_redshift.links.console import execution_url
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


def test_start_and_mirrors_have_the_link(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every task of a job's DAG links to the execution that it pushed; before it has, the link is empty."""
    job = EltJob(job_id="7", name="sales")
    job.task("load", statement="select 1")
    arn = "arn:aws:states:us-east-1:123456789012:execution:sales:run-1"
    for task in elt_dag(job).tasks:
        (link,) = task.operator_extra_links
        monkeypatch.setattr(console, "xcom", lambda *_: arn)
        assert link.get_link(task, ti_key=None) == execution_url(arn)
        monkeypatch.setattr(console, "xcom", lambda *_: None)
        assert link.get_link(task, ti_key=None) == ""


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
