"""What a command makes of a job: one state machine, whatever else is made from that."""

from __future__ import annotations

from typing import Any
from unittest.mock import MagicMock

import pytest

from elt_redshift.asl.machine import StateMachine
from elt_redshift.cli.main import main


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[StateMachine]:
    """Every state machine that was made since."""
    made: list[StateMachine] = []
    make = StateMachine.__init__

    def counting(self: StateMachine, *arguments: Any, **more: Any) -> None:
        made.append(self)
        make(self, *arguments, **more)

    monkeypatch.setattr(StateMachine, "__init__", counting)
    return made


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> MagicMock:
    """Every client: a stack is there and up to date, and any definition is taken."""
    client = MagicMock()
    client.meta.partition = "aws"
    client.validate_state_machine_definition.return_value = {"diagnostics": []}
    client.describe_stacks.return_value = {"Stacks": [{"StackStatus": "CREATE_COMPLETE"}]}
    client.describe_change_set.return_value = {"Status": "FAILED", "StatusReason": "It didn't contain changes."}
    monkeypatch.setattr("boto3.client", lambda *_, **__: client)
    return client


@pytest.mark.parametrize("command", ["check", "compile", "template", "plan"])
def test_a_command_without_aws_compiles_once(command: str, compiled: list[StateMachine]) -> None:
    """What is printed comes from one compiled job."""
    assert main([command, "yearly_sales"]) == 0
    assert len(compiled) == 1


def test_a_deployment_compiles_once(aws: MagicMock, compiled: list[StateMachine]) -> None:
    """The definition that Step Functions judges is the one that the template holds, with the stack's own names."""
    assert main(["deploy", "yearly_sales", "--stack", "Sales"]) == 0
    assert len(compiled) == 1
    aws.validate_state_machine_definition.assert_called_once()
    aws.create_change_set.assert_called_once()


def test_only_an_old_step_functions_makes_a_deployment_compile_again(
    aws: MagicMock, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where it does not know long polls, the job is compiled without them, judged again and deployed so."""
    unknown = {"severity": "ERROR", "code": "SCHEMA", "message": "The field WaitTimeSeconds is unknown"}
    aws.validate_state_machine_definition.side_effect = [{"diagnostics": [unknown]}, {"diagnostics": []}]
    assert main(["deploy", "yearly_sales", "--stack", "Sales"]) == 0
    assert "every task polls with Wait states" in capsys.readouterr().out
    assert "WaitTimeSeconds" not in aws.validate_state_machine_definition.call_args.kwargs["definition"]
