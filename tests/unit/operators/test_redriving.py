"""What clearing leads to, over a Step Functions in memory."""

from __future__ import annotations

import json
from functools import partial

import pytest

from elt_redshift.aws.attempts import run_execution_name
from elt_redshift.aws.audit_item import AuditItem
from elt_redshift.aws.definitions import Definitions
from elt_redshift.aws.executions import Executions
from elt_redshift.operators.redriving import Cleared, Pursued, Redriver, clear_token
from elt_redshift.protocol.executions import execution_arn
from tests.unit.fake_step_functions import MACHINE, FakeExecution, FakeStepFunctions, definition

NAME = partial(run_execution_name, "sales", "manual__2026", "start_execution")


class FakeAudit:
    """An audit table with one item, or none."""

    def __init__(self, item: AuditItem | None = None) -> None:
        self.item = item

    def read(self, job_id: str) -> AuditItem | None:
        return self.item


DEPLOYED = definition("a", "b", "c")


def _client(*executions: FakeExecution) -> FakeStepFunctions:
    return FakeStepFunctions(*executions, definition=DEPLOYED)


def _redriver(
    client: FakeStepFunctions,
    clear: int = 1,
    item: AuditItem | None = None,
    cleared: str | list[str] = "",
    redriven: bool = False,
    whole: bool = False,
) -> Redriver:
    audit, definitions = FakeAudit(item), Definitions(client, lambda: None)
    token = clear_token("sales", "manual__2026", clear)
    executions = Executions(client, MACHINE)
    return Redriver(
        executions,
        NAME,
        {"year": "1998"},
        lambda: audit,
        "7",
        token,
        definitions,
        lambda: Cleared(tuple(map(frozenset, cleared)), whole),
        lambda: None,
        lambda: redriven,  # type: ignore[arg-type,return-value]
    )


def _resumed(client: FakeStepFunctions, arn: str) -> set[str]:
    """The tasks that an execution was told to keep."""
    kept = json.loads(client.executions[arn].given)["resume"]["kept"]
    prints = Definitions(client, lambda: None).deployed(MACHINE).prints
    assert prints
    return {task for task, one in prints.items() if one.whole in kept}


def test_a_cleared_failed_mirror_redrives() -> None:
    """The execution goes on, the mirror waits for news from after the redrive, and the log names what else goes on."""
    execution = FakeExecution(NAME(1)).succeed("a").submit("c").fail("b", "no such table")
    pursued = _redriver(_client(execution)).mirror(frozenset("b"), cleared=True)
    assert (pursued.arn, pursued.redrives, execution.status) == (execution.arn, 1, "RUNNING")
    assert "was redriven (redrive " in pursued.notes[0]
    assert "b" in pursued.notes[0]
    assert "c" in pursued.notes[0]


def test_mirrors_cleared_together_redrive_once() -> None:
    """The second one finds the execution running; a late one, after it has failed again, still redrives nothing."""
    execution = FakeExecution(NAME(1)).submit("c").fail("b", "no such table")
    client = _client(execution)
    _redriver(client).mirror(frozenset("b"), cleared=True)
    assert _redriver(client).mirror(frozenset("c"), cleared=True).redrives == 1
    execution.fail("b", "no such table")
    late = _redriver(client).mirror(frozenset("c"), cleared=True)
    assert (late.redrives, len(execution.redrives), execution.status) == (1, 1, "FAILED")
    assert "already" in late.notes[0]


def test_the_next_clear_redrives_again() -> None:
    """Another clear is another wish."""
    execution = FakeExecution(NAME(1)).fail("b", "no such table")
    client = _client(execution)
    _redriver(client, clear=1).mirror(frozenset("b"), cleared=True)
    execution.fail("b", "no such table")
    assert _redriver(client, clear=2).mirror(frozenset("b"), cleared=True).redrives == 2


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED"])
def test_a_cleared_mirror_of_a_succeeded_task_runs_it_again(status: str) -> None:
    """The next attempt runs what was cleared and what had not succeeded, and keeps the rest; the log says so."""
    execution = FakeExecution(NAME(1), json.dumps({"parameters": {"year": "1997"}})).succeed("a").succeed("b")
    client = _client(execution.end(status))
    pursued = _redriver(client, cleared="a").mirror(frozenset("a"), cleared=True)
    assert (pursued.arn.endswith(NAME(2)), client.calls["RedriveExecution"]) == (True, 0)
    assert _resumed(client, pursued.arn) == {"b"}
    assert json.loads(client.executions[pursued.arn].given)["parameters"] == {"year": "1997"}
    said = " ".join(pursued.notes)
    assert "Cleared although done: a." in said
    assert "Kept from execution" in said
    assert "it was cleared" in said


def test_mirrors_cleared_together_resume_once() -> None:
    """Whoever comes later follows the execution that was started for the same clear, even when it has ended."""
    client = _client(FakeExecution(NAME(1)).succeed("a").succeed("b").end("SUCCEEDED"))
    first = _redriver(client, cleared="ab").mirror(frozenset("a"), cleared=True)
    assert _redriver(client, cleared="ab").mirror(frozenset("b"), cleared=True).arn == first.arn
    client.executions[first.arn].succeed("a").fail("b", "no such table")
    assert _redriver(client, cleared="b").mirror(frozenset("b"), cleared=True) == Pursued(first.arn)
    assert client.calls["StartExecution"] == 1


def test_what_succeeded_after_a_redrive_for_the_same_clear_is_shown() -> None:
    """A mirror that was cleared with a failed one, and comes late, does not take its success for an old one."""
    execution = FakeExecution(NAME(1)).submit("c").fail("b", "no such table")
    client = _client(execution)
    _redriver(client, cleared="bc").mirror(frozenset("b"), cleared=True)
    execution.succeed("b").succeed("c").end("SUCCEEDED")
    late = _redriver(client, cleared="c", redriven=True).mirror(frozenset("c"), cleared=True)
    assert (late.arn, client.calls["StartExecution"]) == (execution.arn, 0)


def test_a_mended_job_is_resumed() -> None:
    """A redrive would run the old SQL again; so the next attempt runs the new one, and keeps what is done."""
    client = _client(FakeExecution(NAME(1)).succeed("a").succeed("c").fail("b", "no such table"))
    client.definition = definition("a", "b", "c", b="select 2")
    pursued = _redriver(client, cleared="b").mirror(frozenset("b"), cleared=True)
    assert (_resumed(client, pursued.arn), client.calls["RedriveExecution"]) == ({"a", "c"}, 0)
    assert "deployed anew" in pursued.notes[0]


def test_a_task_that_the_old_version_lacked_runs_in_the_new_one() -> None:
    """Deployed since, it is all that the next attempt runs."""
    client = _client(FakeExecution(NAME(1)).succeed("a").succeed("c").end("SUCCEEDED"))
    assert "Nothing is left to do" in _redriver(client, cleared="b").mirror(frozenset("b"), cleared=True).notes[0]
    client.executions[execution_arn(MACHINE, NAME(1))].definition = definition("a", "c")
    pursued = _redriver(client, cleared="b").mirror(frozenset("b"), cleared=True)
    assert _resumed(client, pursued.arn) == {"a", "c"}
    assert "Runs: b: it is new in the job." in pursued.notes


def test_a_cleared_mirror_of_a_skipped_run_tries_again() -> None:
    """The run met the job locked: the next attempt does the work, if the job is free now."""
    client = _client(FakeExecution(NAME(1)).skip("Job 7 is Running"))
    first, second = (_redriver(client, cleared="ab").mirror(frozenset(task), cleared=True) for task in "ab")
    assert (first.arn.endswith(NAME(2)), second.arn) == (True, first.arn)


def test_a_whole_run_that_is_cleared_begins_anew() -> None:
    """Where everything was cleared nothing is kept, and the parameters are the new ones."""
    execution = FakeExecution(NAME(1), json.dumps({"parameters": {"year": "1997"}})).succeed("a").fail("b", "no")
    client = _client(execution)
    pursued = _redriver(client, cleared="abc", whole=True).start(repeated=False, cleared=True)
    assert _resumed(client, pursued.arn) == set()
    assert json.loads(client.executions[pursued.arn].given)["parameters"] == {"year": "1998"}


def test_a_first_try_redrives_nothing() -> None:
    """A mirror that nobody cleared shows how the latest attempt ended."""
    client = _client(FakeExecution(NAME(1)).end("FAILED"), FakeExecution(NAME(2)).end("FAILED"))
    pursued = _redriver(client).mirror(frozenset("a"), cleared=False)
    assert pursued.arn.endswith(NAME(2))
    assert client.calls["RedriveExecution"] == 0


def test_what_is_too_old_is_resumed_once() -> None:
    """When a redrive is impossible, the mirrors agree on the next attempt, which is said in the log."""
    old = FakeExecution(NAME(1)).succeed("a").fail("b", "no such table")
    old.too_old = True
    client = _client(old)
    first, second = (_redriver(client).mirror(frozenset(task), cleared=True) for task in "bc")
    assert first.arn == second.arn
    assert first.arn.endswith(NAME(2))
    assert "14 days" in first.notes[0]
    assert NAME(2) in first.notes[0]
    assert _resumed(client, first.arn) == {"a"}
    assert client.calls["StartExecution"] == 1


def test_a_lock_that_another_run_holds_leads_to_a_new_attempt() -> None:
    """Redriving would meddle with the other run; the new attempt takes its turn as the job says."""
    client = _client(FakeExecution(NAME(1)).fail("b", "no such table"))
    item = AuditItem("7", "Running", owner="arn:of:another")
    pursued = _redriver(client, item=item).mirror(frozenset("b"), cleared=True)
    assert pursued.arn.endswith(NAME(2))
    assert "held by arn:of:another" in pursued.notes[0]


def test_whoever_loses_the_race_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between a look and the redrive somebody else may have redriven: that is followed."""
    execution = FakeExecution(NAME(1)).fail("b", "no such table")
    client, redriver = _client(execution), None
    redriver = _redriver(client)
    redrive = redriver.executions.redrive

    def beaten(*arguments: object) -> int:
        execution.redrive("another")
        return redrive(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(redriver.executions, "redrive", beaten)
    pursued = redriver.mirror(frozenset("b"), cleared=True)
    assert (pursued.redrives, len(execution.redrives)) == (1, 1)
    assert "somebody else" in pursued.notes[0]


def test_a_cleared_group_goes_on_with_what_is_open() -> None:
    """Its tasks that have succeeded are kept: a redrive does it."""
    execution = FakeExecution(NAME(1)).succeed("a").fail("b", "no such table")
    pursued = _redriver(_client(execution), cleared=["ab"]).mirror(frozenset("ab"), cleared=True)
    assert (pursued.arn, pursued.redrives) == (execution.arn, 1)


def test_a_cleared_group_that_had_succeeded_runs_again() -> None:
    """All of it, as a task would, while open tasks of a group that failed beside it go on."""
    client = _client(FakeExecution(NAME(1)).succeed("a").succeed("c").fail("b", "no such table"))
    pursued = _redriver(client, cleared=["a", "bc"]).mirror(frozenset("a"), cleared=True)
    assert _resumed(client, pursued.arn) == {"c"}


def test_a_whole_run_of_groups_begins_anew() -> None:
    """With the start all tasks are asked for, also those that had succeeded in a group that failed; where only the
    start was cleared, they are kept."""
    client = _client(FakeExecution(NAME(1)).succeed("a").fail("b", "no such table"))
    pursued = _redriver(client, cleared=["ab", "c"], whole=True).start(repeated=False, cleared=True)
    assert _resumed(client, pursued.arn) == set()
    execution = FakeExecution(NAME(1)).succeed("a").fail("b", "no such table")
    _redriver(_client(execution), cleared=["ab", "c"]).start(repeated=False, cleared=True)
    assert len(execution.redrives) == 1
