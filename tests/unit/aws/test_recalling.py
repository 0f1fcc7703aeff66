"""What is kept of a run is asked of its own stack, and nobody fails for what may not be asked."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from elt_redshift.aws.deployed import Deployed
from elt_redshift.aws.errors import AwsError
from elt_redshift.aws.execution_status import Execution
from elt_redshift.aws.past_runs import KeptTasks, PastRuns
from elt_redshift.aws.recalling import kept_tasks
from elt_redshift.runs.history import TaskRun
from tests.unit.fake_step_functions import MACHINE

RUN = Execution(f"{MACHINE.replace(':stateMachine:', ':execution:')}:run-1", "run-1", "FAILED", datetime.now(UTC))
STACKS = (
    Deployed("other", "other", "arn:aws:states:us-east-1:1:stateMachine:other", "locks", "other-history"),
    Deployed("sales", "sales", MACHINE, "locks", "history", job_id="7"),
)


class History(PastRuns):
    """A history table that answers so."""

    def __init__(self, answer: KeptTasks | AwsError | None) -> None:
        super().__init__(None, "history")
        self._answer = answer

    def tasks(self, job_id: str, name: str, redrives: int = 0, known: object = ()) -> KeptTasks | None:
        assert (job_id, name, redrives) == ("7", "run-1", 0)
        if isinstance(self._answer, AwsError):
            raise self._answer
        return self._answer


def _ask(answer: KeptTasks | AwsError | None, stacks: tuple[Deployed, ...] = STACKS) -> tuple[TaskRun, ...] | None:
    def past_runs(table: str) -> PastRuns:
        assert table == "history"
        return History(answer)

    return kept_tasks(lambda: stacks, past_runs, RUN, ())


def test_the_history_of_its_stack_is_asked() -> None:
    """Which has the state machine; what is kept in part only is not told."""
    tasks = (TaskRun("a", "succeeded"),)
    assert _ask(KeptTasks("FAILED", tasks)) == tasks
    assert _ask(KeptTasks("FAILED", tasks, whole=False)) is None
    assert _ask(None) is None
    assert _ask(KeptTasks("FAILED", tasks), STACKS[:1]) is None


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException"])
def test_a_history_that_does_not_answer_keeps_nothing(code: str) -> None:
    """The right may be missing, or somebody has deleted the table."""
    assert _ask(AwsError("history table history", code, "no")) is None


def test_another_error_is_told() -> None:
    """A throttle, for example: the next look may have an answer."""
    with pytest.raises(AwsError, match="Rate exceeded"):
        _ask(AwsError("history table history", "ThrottlingException", "Rate exceeded"))
