"""What clearing leads to, over a Step Functions in memory."""

from __future__ import annotations

from functools import partial

import pytest

from elt_redshift.aws.attempts import run_execution_name
from elt_redshift.aws.audit import AuditItem
from elt_redshift.aws.executions import Executions
from elt_redshift.operators.redriving import Redriver, clear_token
from tests.unit.fake_step_functions import MACHINE, FakeExecution, FakeStepFunctions

NAME = partial(run_execution_name, "sales", "manual__2026", "start_execution")


class FakeAudit:
    """An audit table with one item, or none."""

    def __init__(self, item: AuditItem | None = None) -> None:
        self.item = item

    def read(self, job_id: str) -> AuditItem | None:
        return self.item


def _redriver(client: FakeStepFunctions, clear: int = 1, item: AuditItem | None = None) -> Redriver:
    audit = FakeAudit(item)
    token = clear_token("sales", "manual__2026", clear)
    return Redriver(Executions(client, MACHINE), NAME, {"year": "1998"}, lambda: audit, "7", token)  # type: ignore[arg-type,return-value]


def test_a_cleared_failed_mirror_redrives() -> None:
    """The execution goes on, the mirror waits for news from after the redrive, and the log names what else goes on."""
    execution = FakeExecution(NAME(1)).succeed("a").submit("c").fail("b", "no such table")
    pursued = _redriver(FakeStepFunctions(execution)).mirror("b", cleared=True)
    assert (pursued.arn, pursued.redrives, execution.status) == (execution.arn, 1, "RUNNING")
    assert "Redrove" in pursued.notes[0]
    assert "b" in pursued.notes[0]
    assert "c" in pursued.notes[0]


def test_mirrors_cleared_together_redrive_once() -> None:
    """The second one finds the execution running; a late one, after it has failed again, still redrives nothing."""
    execution = FakeExecution(NAME(1)).submit("c").fail("b", "no such table")
    client = FakeStepFunctions(execution)
    _redriver(client).mirror("b", cleared=True)
    assert _redriver(client).mirror("c", cleared=True).redrives == 1
    execution.fail("b", "no such table")
    late = _redriver(client).mirror("c", cleared=True)
    assert (late.redrives, len(execution.redrives), execution.status) == (1, 1, "FAILED")
    assert "already" in late.notes[0]


def test_the_next_clear_redrives_again() -> None:
    """Another clear is another wish."""
    execution = FakeExecution(NAME(1)).fail("b", "no such table")
    client = FakeStepFunctions(execution)
    _redriver(client, clear=1).mirror("b", cleared=True)
    execution.fail("b", "no such table")
    assert _redriver(client, clear=2).mirror("b", cleared=True).redrives == 2


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED"])
def test_a_cleared_mirror_of_a_succeeded_task_says_so(status: str) -> None:
    """Nothing is redriven, and the log says why and what would run it again."""
    execution = FakeExecution(NAME(1)).succeed("a").end(status)
    client = FakeStepFunctions(execution)
    pursued = _redriver(client).mirror("a", cleared=True)
    assert "succeeded in execution" in pursued.notes[0]
    assert client.calls["RedriveExecution"] == 0


def test_a_first_try_redrives_nothing() -> None:
    """A mirror that nobody cleared shows how the latest attempt ended."""
    client = FakeStepFunctions(FakeExecution(NAME(1)).end("FAILED"), FakeExecution(NAME(2)).end("FAILED"))
    pursued = _redriver(client).mirror("a", cleared=False)
    assert pursued.arn.endswith(NAME(2))
    assert client.calls["RedriveExecution"] == 0


def test_what_is_too_old_is_run_anew_once() -> None:
    """When a redrive is impossible, the mirrors agree on the next attempt, which is said in the log."""
    old = FakeExecution(NAME(1)).fail("b", "no such table")
    old.too_old = True
    client = FakeStepFunctions(old)
    first, second = (_redriver(client).mirror(task, cleared=True) for task in "bc")
    assert first.arn == second.arn
    assert first.arn.endswith(NAME(2))
    assert "14 days" in first.notes[0]
    assert NAME(2) in first.notes[0]
    assert client.calls["StartExecution"] == 1


def test_a_lock_that_another_run_holds_leads_to_a_new_attempt() -> None:
    """Redriving would meddle with the other run; the new attempt takes its turn as the job says."""
    client = FakeStepFunctions(FakeExecution(NAME(1)).fail("b", "no such table"))
    item = AuditItem("7", "Running", owner="arn:of:another")
    pursued = _redriver(client, item=item).mirror("b", cleared=True)
    assert pursued.arn.endswith(NAME(2))
    assert "held by arn:of:another" in pursued.notes[0]


def test_whoever_loses_the_race_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between a look and the redrive somebody else may have redriven: that is followed."""
    execution = FakeExecution(NAME(1)).fail("b", "no such table")
    client, redriver = FakeStepFunctions(execution), None
    redriver = _redriver(client)
    redrive = redriver.executions.redrive

    def beaten(*arguments: object) -> int:
        execution.redrive("another")
        return redrive(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(redriver.executions, "redrive", beaten)
    pursued = redriver.mirror("b", cleared=True)
    assert (pursued.redrives, len(execution.redrives)) == (1, 1)
    assert "somebody else" in pursued.notes[0]
