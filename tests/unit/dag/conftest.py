"""The job that most tests of this folder make a DAG of."""

from __future__ import annotations

import pytest

from elt_redshift.job.model import EltJob


@pytest.fixture
def job() -> EltJob:
    job = EltJob(job_id="7", name="sales", parameters={"year": "1998", "region": None})
    a, b = job.task("a", statement="select :year"), job.task("b", statement="select :region")
    c, d = job.task("c", statement="select 1"), job.task("d", statement="select 1")
    [a, b] >> c
    b >> d
    return job
