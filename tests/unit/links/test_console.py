"""Links to AWS's consoles."""

from __future__ import annotations

import pytest

from elt_redshift.dag import elt_dag
from elt_redshift.job.model import EltJob
from elt_redshift.links import console
from elt_redshift.links.console import execution_url, queries_url


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


def test_the_plugin_registers_every_link() -> None:
    """Airflow rebuilds links of serialized DAGs only where a plugin or provider names them."""
    import elt_redshift_plugin

    registered = {type(link) for link in elt_redshift_plugin.EltRedshiftPlugin.operator_extra_links}
    ours = {cls for cls in console.BaseOperatorLink.__subclasses__() if cls.__module__ == console.__name__}
    assert registered == ours
