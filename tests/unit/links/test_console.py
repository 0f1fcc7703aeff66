"""Links to AWS's consoles."""

from __future__ import annotations

import pytest

from elt_redshift.dag import elt_dag
from elt_redshift.job.model import EltJob
from elt_redshift.links import console
from elt_redshift.links.console import ExecutionLink, execution_url


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


def test_the_plugin_registers_the_link() -> None:
    """Airflow rebuilds links of serialized DAGs only where a plugin or provider names them."""
    import elt_redshift_plugin

    (link,) = elt_redshift_plugin.EltRedshiftPlugin.operator_extra_links
    assert isinstance(link, ExecutionLink)
