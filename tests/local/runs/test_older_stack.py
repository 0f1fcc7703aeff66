"""A stack that an earlier version has deployed: what it has run is read and redriven, and it is updated under a run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from elt_redshift.aws.stacks import JOB_TAG
from elt_redshift.job.model import EltJob
from tests.local.conftest import ClientFactory
from tests.local.runs.conftest import PARAMETERS, Barrier, DeployedJob
from tests.unit.asl.jobs import job, task

#: What the version of November 26, 2026 rendered of :data:`JOB`.
TEMPLATE = Path(__file__).with_name("older") / "november_2026.template.json"
JOB = job(
    task("a", sql=("select count(*) from older_barrier",)),
    task("b", "a", sql=("insert into older_ledger values ('b')",)),
)


class OlderJob(DeployedJob):
    """The job with the stack of the earlier version, until it is deployed anew."""

    def redeploy(self, job: EltJob, grace: int = 0) -> None:
        if hasattr(self, "deployed"):
            return super().redeploy(job, grace)
        template = json.loads(TEMPLATE.read_text())
        url = self.account.uploads().template(template)
        given = [
            {"ParameterKey": name, "ParameterValue": value}
            for name, value in PARAMETERS.items()
            if name in template["Parameters"]
        ]
        self.client("cloudformation").create_stack(
            StackName=self.stack,
            TemplateURL=url,
            Parameters=given,
            Capabilities=["CAPABILITY_IAM"],
            Tags=[{"Key": JOB_TAG, "Value": job.name}],
        )
        self.deployed = self.account.stacks.find(job.name, self.stack)
        return None


@pytest.fixture
def older(aws: ClientFactory, barrier: Barrier) -> Iterator[OlderJob]:
    """Deployed, its first task's barrier open, the table of its second one not there."""
    barrier.open()
    deployed = OlderJob(JOB, aws)
    deployed.sql(f"create view older_barrier as select * from {barrier.table}")
    yield deployed
    barrier.open()
    deployed.sql("drop view older_barrier", "drop table if exists older_ledger")


def _template(deployed: DeployedJob) -> Any:
    return deployed.client("cloudformation").get_template(StackName=deployed.stack)["TemplateBody"]


@pytest.mark.exhaustive
def test_a_stack_of_an_earlier_version_goes_on(older: OlderJob, barrier: Barrier) -> None:
    """Its failed run is read and redriven; it is updated while a run is under way, which ends well under the definition
    that it began with; and the next one runs under the new one. All are in the history."""
    failed = older.run()
    assert (failed.status, older.statuses(failed.arn)) == ("FAILED", {"a": "succeeded", "b": "failed"})
    assert (older.item.state, older.item.failed_task) == ("Failed", "b")
    older.sql("create table older_ledger (task varchar(10))")
    older.executions.redrive(failed.arn, older.audit, JOB.job_id)
    assert older.end(failed.arn).status == "SUCCEEDED"
    assert older.ran("older_ledger") == {"b": 1}

    barrier.close()
    under_way = older.start()
    older.until_submitted(under_way, "a")
    before = _template(older)
    older.redeploy(JOB)
    assert _template(older) != before
    barrier.open()
    assert older.end(under_way).status == "SUCCEEDED"
    assert older.item.state == "Ready"
    after = older.run()
    assert (after.status, older.statuses(after.arn)) == ("SUCCEEDED", {"a": "succeeded", "b": "succeeded"})
    assert older.ran("older_ledger") == {"b": 3}
    kept = [older.kept(arn, redrives) for arn, redrives in ((failed.arn, 1), (under_way, 0), (after.arn, 0))]
    assert [run.outcome for run in kept] == ["succeeded"] * 3
