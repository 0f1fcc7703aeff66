"""More tasks than the Data API's rate lets begin at once, executed: each has its turn, and runs once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from unittest.mock import patch

import pytest

from elt_redshift.job.model import EltJob
from elt_redshift.local.faults import Faults
from elt_redshift.local.process import LocalAws
from elt_redshift.protocol.limits import DATA_API_RATES
from tests.local.runs.conftest import DeployedJob
from tests.unit.asl.jobs import task

#: Submissions a second that are let through; 12 tasks take 5.5 s.
RATE, TASKS = 2.0, 12


def crowd(ledger: str) -> EltJob:
    names = [f"t{number:02}" for number in range(TASKS)]
    tasks = [task(name, sql=(f"insert into {ledger} values ('{name}')",)) for name in names]
    return EltJob(job_id="101", name="sample", layout="map", tasks=tasks)


@pytest.mark.exhaustive
@pytest.mark.parametrize("rate", [RATE, 30.0])
def test_tasks_that_are_throttled_run_once(
    deploy: Callable[[EltJob], DeployedJob], ledger: str, local_aws: LocalAws, rate: float
) -> None:
    """Whether they were given turns at the rate that there is, or all begin at once and are throttled."""
    with patch.dict(DATA_API_RATES, executeStatement=rate):
        deployed = deploy(crowd(ledger))
    with Faults(local_aws) as faults:
        faults.limit_rate("redshift-data", "ExecuteStatement", RATE)
        execution = deployed.run()
        refused = faults.met()[0]
    assert (execution.status, execution.cause) == ("SUCCEEDED", None)
    assert execution.stopped is not None
    assert (execution.stopped - execution.started).total_seconds() > (TASKS - RATE) / RATE
    tasks = deployed.tasks(execution.arn)
    assert {one.attempt for one in tasks.values()} == {1}
    assert deployed.ran(ledger) == Counter(list(tasks))
    assert refused or rate == RATE  # a loaded machine may start them late, so that turns are missed
