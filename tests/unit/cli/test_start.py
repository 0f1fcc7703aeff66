"""A command starts with what it needs, and no more."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from elt_redshift.cli.commands import COMMANDS, HELP
from elt_redshift.cli.main import main, parser

COMPILER, SDK = "elt_redshift.asl.compiler", "boto3"


TELL = """
import json, sys
from elt_redshift.cli.main import main
try:
    main(sys.argv[1:])
finally:
    print(json.dumps([*sys.modules]), file=sys.stderr)
"""


#: A job that is deployed and has not run yet, in place of AWS; who is asked is told as a module of that name.
NO_RUNS = """
import sys, types
PAGES = {
    "describe_stacks": {"Stacks": [{
        "StackName": "yearly-sales", "StackStatus": "CREATE_COMPLETE",
        "Tags": [{"Key": "elt-redshift:job", "Value": "yearly_sales"}],
        "Outputs": [{"OutputKey": key, "OutputValue": "arn:aws:states:us-east-1:123456789012:stateMachine:j"}
                    for key in ("StateMachineArn", "AuditTable", "HistoryTable")],
    }]},
    "query": {"Items": []}, "list_executions": {"executions": []},
}
class Client:
    def get_paginator(self, name):
        return types.SimpleNamespace(paginate=lambda **_: iter([PAGES[name]]))
    def list_executions(self, **_):
        return PAGES["list_executions"]
def client(service, **_):
    sys.modules[f"asked.{service}"] = sys
    return Client()
sys.modules["boto3"] = types.SimpleNamespace(client=client)
"""


def imported(*words: str, before: str = "") -> set[str]:
    """The modules that a command has imported.

    :param before: a program that is run before it.
    """
    done = subprocess.run([sys.executable, "-c", before + TELL, *words], check=True, capture_output=True, text=True)
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_people_are_told_of_all_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """The help that no command is imported for is the one of all commands."""
    with pytest.raises(SystemExit):
        main(["--help"])
    assert capsys.readouterr().out == parser().format_help()


@pytest.mark.parametrize("command", HELP)
def test_every_command_is_found(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command is in the module that it is said to be in, and tells of its own options."""
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"usage: elt-redshift {command} " in capsys.readouterr().out


def test_a_word_that_is_no_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever mistypes a command is told what was meant."""
    with pytest.raises(SystemExit) as ended:
        main(["histroy", "yearly_sales"])
    assert ended.value.code == 2
    assert "there is no 'histroy'. Did you mean 'history'?" in capsys.readouterr().err


def test_help_imports_no_command() -> None:
    """Neither a command nor what it stands on is imported for the help."""
    modules = imported("--help")
    assert not modules & {f"elt_redshift.cli.{module}" for module in COMMANDS}
    assert not modules & {SDK, "yaml", "rich", "elt_redshift.job.model"}


@pytest.mark.parametrize("command", ["history", "tasks", "trends"])
def test_reading_the_past_needs_no_compiler(command: str) -> None:
    """What reads past runs imports no compiler, and AWS's SDK not before it calls AWS."""
    modules = imported(command, "--help")
    assert "elt_redshift.cli.past" in modules
    assert not modules & {COMPILER, SDK, "elt_redshift.cli.deployment"}


@pytest.mark.parametrize("command", ["history", "tasks", "trends"])
def test_reading_the_past_imports_what_it_reads(command: str) -> None:
    """Of the package's rooms it imports what names of states and ends of tasks are, and no more of the compiler; of
    AWS's services it asks no others than the past needs, and imports no other ways to them."""
    modules = imported(command, "yearly_sales", before=NO_RUNS)
    assert {name for name in modules if name.startswith("elt_redshift.asl.")} == {
        *("elt_redshift.asl.fingerprints", "elt_redshift.asl.language", "elt_redshift.asl.language.jsonata"),
        *("elt_redshift.asl.language.names", "elt_redshift.asl.patterns", "elt_redshift.asl.patterns.passing"),
    }
    assert not {name for name in modules if name.startswith(("elt_redshift.graph", "elt_redshift.planning"))}
    assert {name for name in modules if name.startswith("elt_redshift.aws.")} == {
        *(f"elt_redshift.aws.{name}" for name in ("account", "archive", "children", "deployed", "errors")),
        *(f"elt_redshift.aws.{name}" for name in ("execution_status", "executions", "past_runs", "run_items")),
        *(f"elt_redshift.aws.{name}" for name in ("stack_events", "stacks", "template", "template.names", "waiting")),
    }
    assert {name for name in modules if name.startswith("asked.")} == {
        *("asked.cloudformation", "asked.dynamodb", "asked.stepfunctions"),
    }
