"""Stopping an execution for good."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from botocore.exceptions import ClientError

from elt_redshift.aws.audit import NotOwnerError
from elt_redshift.aws.executions import Executions
from elt_redshift.aws.statements import Statements
from elt_redshift.aws.stopping import stop_and_settle
from tests.unit.fake_step_functions import MACHINE, FakeExecution, FakeStepFunctions


class FakeDataApi:
    """Lists and cancels statements, or refuses to."""

    def __init__(self, refuses: bool = False, **names: str) -> None:
        self.cancelled, self._refuses, self._names = list[str](), refuses, names

    def get_paginator(self, _name: str) -> Any:
        return self

    def paginate(self, StatementName: str, Status: str, **_: Any) -> list[dict[str, Any]]:
        found = [Id for Id, name in self._names.items() if Status == "STARTED" and name.startswith(StatementName)]
        return [{"Statements": [{"Id": Id} for Id in found]}]

    def cancel_statement(self, Id: str) -> dict[str, Any]:
        if self._refuses:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "CancelStatement")
        self.cancelled.append(Id)
        return {"Status": True}


class FakeAudit:
    """Takes failures down, or is owned by somebody else."""

    def __init__(self, owned: bool = True) -> None:
        self.recorded, self._owned = list[dict[str, str]](), owned

    def record_failure(self, job_id: str, owner: str, **values: str) -> None:
        if not self._owned:
            raise NotOwnerError(job_id, owner)
        self.recorded.append({"job_id": job_id, "owner": owner, **values})


def _stop(execution: FakeExecution, data_api: FakeDataApi, audit: FakeAudit | None) -> bool:
    store: Any = audit
    executions = Executions(FakeStepFunctions(execution), MACHINE)
    return stop_and_settle(executions, Statements(data_api), store, "7", execution.arn, "Ann stopped it.")


def test_everything_is_stopped_and_the_next_run_may_start() -> None:
    """The execution is aborted, what it ran is cancelled, what had ended is not, and the lock is let go with the
    reason."""
    execution, data_api, audit = FakeExecution("run").succeed("a", "s-1").submit("b", "s-2"), FakeDataApi(), FakeAudit()
    assert _stop(execution, data_api, audit)
    assert (execution.status, execution.more["cause"]) == ("ABORTED", "Ann stopped it.")
    assert data_api.cancelled == ["s-2"]
    values = {"task": "b", "statement": "s-2", "message": "Ann stopped it.", "after": "release"}
    assert audit.recorded == [{"job_id": "7", "owner": execution.arn, **values}]


def _in_parts() -> tuple[FakeStepFunctions, list[FakeExecution]]:
    """A run of three parts: one runs a task, one is done, and one has not been started."""
    run = FakeExecution("run")
    parts = [run.start_part(number) for number in (1, 2, 3)]
    parts[0].succeed("a", "s-1").submit("b", "s-2")
    parts[1].succeed("c", "s-3").end("SUCCEEDED").add("ExecutionSucceeded")
    return FakeStepFunctions(run, *parts[:2]), [run, *parts]


def test_the_parts_of_a_run_are_stopped_with_it() -> None:
    """All that run, for the same reason; what they ran is cancelled."""
    client, (run, one, two, _) = _in_parts()
    data_api, audit = FakeDataApi(), FakeAudit()
    store: Any = audit
    assert stop_and_settle(Executions(client, MACHINE), Statements(data_api), store, "7", run.arn, "Ann stopped it.")
    assert [(one.status, one.more["cause"]), two.status] == [("ABORTED", "Ann stopped it."), "SUCCEEDED"]
    assert (data_api.cancelled, audit.recorded[0]["task"]) == (["s-2"], "b")


def test_a_part_is_stopped_whose_history_may_not_be_read() -> None:
    """The run's own tells which parts there are."""
    client, (run, one, *_) = _in_parts()
    client.errors = [None, None, None, None, "AccessDeniedException"]
    assert stop_and_settle(
        Executions(client, MACHINE), Statements(FakeDataApi()), None, "7", run.arn, "Ann stopped it."
    )
    assert one.status == "ABORTED"


def test_a_statement_that_is_only_being_submitted_is_found_by_its_name() -> None:
    """While the submission waits for the statement's end, the history has no id: the list does, once."""
    execution, audit = FakeExecution("run").submit("a", "s-1"), FakeAudit()
    execution.entered("b", attempt=1)
    data_api = FakeDataApi(**{"s-1": "7/run/a/1", "s-2": "7/run/b/1", "s-3": "7/run-2/b/1", "s-4": "8/run/b/1"})
    assert _stop(execution, data_api, audit)
    assert data_api.cancelled == ["s-1", "s-2"]


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "ABORTED"])
def test_what_has_ended_is_left_alone(status: str) -> None:
    """An execution that ended by itself has settled its lock as the job says."""
    audit = FakeAudit()
    assert not _stop(FakeExecution("run").submit("a").end(status), FakeDataApi(), audit)
    assert audit.recorded == []


@pytest.mark.parametrize("audit", [None, FakeAudit(owned=False)], ids=["no table", "not its lock"])
def test_missing_rights_are_no_reason_not_to_stop(audit: FakeAudit | None, caplog: pytest.LogCaptureFixture) -> None:
    """Statements that may not be cancelled and a lock that cannot be settled are left to the next run."""
    execution = FakeExecution("run").submit("a")
    with caplog.at_level(logging.INFO):
        assert _stop(execution, FakeDataApi(refuses=True), audit)
    assert execution.status == "ABORTED"
    assert "was not cancelled" in caplog.text
