"""Executions are started once, whoever starts them."""

from __future__ import annotations

import json

import pytest

from elt_redshift.aws.errors import AwsError
from elt_redshift.aws.executions import Executions
from tests.unit.fake_step_functions import MACHINE, FakeStepFunctions


def test_whoever_starts_what_runs_gets_it() -> None:
    """Who starts it is told by its input, and makes no other run of it; other parameters do, and what has ended."""
    client = FakeStepFunctions()
    executions = Executions(client, MACHINE)
    arn = executions.started_by(lambda: "ann").start("nightly", {"year": "1998"})
    assert json.loads(client.executions[arn].given) == {"parameters": {"year": "1998"}, "started_by": "ann"}
    assert executions.describe(arn).started_by == "ann"
    assert executions.started_by(lambda: "bob").start("nightly", {"year": "1998"}) == arn
    assert executions.start("nightly", {"year": "1998"}) == arn
    assert len(client.executions) == 1
    for parameters, status in (({"year": "1999"}, "RUNNING"), ({"year": "1998"}, "SUCCEEDED")):
        client.executions[arn].status = status
        with pytest.raises(AwsError) as raised:
            executions.start("nightly", parameters)
        assert raised.value.code == "ExecutionAlreadyExists"
