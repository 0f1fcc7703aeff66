"""The command line against the embedded AWS."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import elt_redshift.aws.healing  # noqa: F401 - has its grace from before the fixture below, whichever test comes first
from elt_redshift.cli.main import main
from elt_redshift.local import process
from elt_redshift.local.process import LocalAws
from elt_redshift.protocol import owners

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs a command; gives its exit status, stdout and stderr."""
    for name, value in process.environment(local_aws).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(owners, "GRACE", 0)  # the embedded AWS has no calls under way once an execution has ended

    def run(*arguments: object) -> tuple[int, str, str]:
        status = main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run
