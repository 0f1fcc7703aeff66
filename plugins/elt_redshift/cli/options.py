"""Options that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from elt_redshift.cli.commands import HELP
from elt_redshift.job.model import EltJob

Commands = Any  # argparse's sub-parser collection has no public type
Run = Callable[[argparse.Namespace], int]


def command(
    commands: Commands, name: str, run: Run, job: bool = True, help: str | None = None
) -> argparse.ArgumentParser:
    """Add a command; with ``job``, its first argument is JOB.

    :param help: what it does; default: as :data:`~elt_redshift.cli.commands.HELP` has it.
    """
    does = help or HELP[name]
    made: argparse.ArgumentParser = commands.add_parser(name, help=does, description=does)
    made.set_defaults(run=run)
    if job:
        made.add_argument("job", metavar="JOB", help="a job.yaml, its folder, a job's name, or module:attribute")
    return made


def add_aws(made: argparse.ArgumentParser) -> None:
    """Options of every command that talks to AWS."""
    made.add_argument("--region", help="AWS region; default: as boto3 finds it")
    made.add_argument("--stack", help="the job's stack; needed only where the job is deployed more than once")


def load(given: argparse.Namespace) -> EltJob:
    """The JOB of a command, validated."""
    return EltJob.load(given.job)


def pair(text: str) -> tuple[str, str]:
    """Read ``name=value``."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"'{text}' is not name=value")
    return name, value
