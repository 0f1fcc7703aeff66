"""The hook and the job of the operators' tests."""

from __future__ import annotations

import pytest

from elt_redshift.hooks.connection import Connection
from elt_redshift.job.model import EltJob
from tests.unit.fake_step_functions import FakeStepFunctions
from tests.unit.operators.stand_ins import FakeHook


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> FakeHook:
    made = FakeHook(FakeStepFunctions())
    monkeypatch.setattr(Connection, "hook", lambda _: made)
    return made


@pytest.fixture
def job() -> EltJob:
    job = EltJob(job_id="7", name="sales", parameters={"year": "1998"})
    job.task("load", statement="select :year")
    return job
