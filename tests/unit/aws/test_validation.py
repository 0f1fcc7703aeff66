"""What Step Functions says about a definition before it is deployed. The client is made up: the embedded AWS knows
every parameter, and refuses nothing that is compiled."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from elt_redshift.aws.validation import InvalidDefinitionError, compile_accepted
from tests.unit.asl.jobs import JOBS


class Judge:
    """A client that refuses definitions in which one of ``words`` occurs."""

    meta = SimpleNamespace(partition="aws")

    def __init__(self, *words: str) -> None:
        self.words, self.judged = words, list[str]()

    def validate_state_machine_definition(self, definition: str, type: str) -> dict[str, Any]:
        self.judged.append(type)
        return {
            "result": "FAIL",
            "diagnostics": [
                {"severity": "ERROR", "code": "C", "message": f"The field {word} is unknown", "location": "/States/a"}
                for word in self.words
                if word in definition
            ],
        }


@pytest.mark.parametrize("name", ["one_task", "retries_and_timeout", "event", "events"])
def test_a_step_functions_without_long_polling_is_found_out(name: str) -> None:
    """It refuses WaitTimeSeconds and nothing else: the job is deployed with polling."""
    assert not compile_accepted(Judge("WaitTimeSeconds"), JOBS[name]).target.long_polling
    assert compile_accepted(Judge(), JOBS[name]).target.long_polling


def test_any_other_mistake_is_told() -> None:
    """Each of Step Functions' findings is in the message, with its place."""
    with pytest.raises(InvalidDefinitionError, match="job sample: /States/a: The field StatementName is unknown"):
        compile_accepted(Judge("StatementName"), JOBS["one_task"])


def test_the_role_of_another_account_is_judged_as_it_is() -> None:
    """A state's role is no argument, where any text would do."""
    role = "arn:aws:iam::210987654321:role/elt"
    assert compile_accepted(Judge("${WarehouseRoleArn}"), JOBS["n"], role).target.other_account
    with pytest.raises(InvalidDefinitionError):
        compile_accepted(Judge(role), JOBS["n"], role)


def test_the_machine_that_answers_to_events_is_judged_as_well() -> None:
    """A job that waits for events has a Standard and an Express state machine."""
    judge = Judge()
    compile_accepted(judge, JOBS["event"])
    assert judge.judged == ["STANDARD", "EXPRESS"]
    with pytest.raises(InvalidDefinitionError, match="ReturnValues"):
        compile_accepted(Judge("ReturnValues"), JOBS["event"])
