"""Options that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from elt_redshift.job.findings import did_you_mean
from elt_redshift.job.model import EltJob

Commands = Any  # argparse's sub-parser collection has no public type
Run = Callable[[argparse.Namespace], int]

#: The exit status of a command that was interrupted.
INTERRUPTED = 130


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and where the options are listed, instead of listing them each time."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {self.prog}: {message.rstrip('.')}. `{self.prog} --help` lists what it takes.\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """What a command does not know is refused by it, which can tell what it knows, and not by its parent."""
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(self._unknown(unknown))
        return parsed, unknown

    def _unknown(self, words: Sequence[str]) -> str:
        option = next((word.partition("=")[0] for word in words if word.startswith("-")), None)
        if option is None:
            return f"nobody knows what '{words[0]}' is for"
        return f"there is no option {option}. {did_you_mean(option, sorted(self._option_string_actions))}"

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            raise argparse.ArgumentError(action, f"there is no '{value}'. {did_you_mean(value, action.choices)}")


def command(commands: Commands, name: str, run: Run, help: str, job: bool = True) -> argparse.ArgumentParser:
    """Add a command; with ``job``, its first argument is JOB."""
    made: argparse.ArgumentParser = commands.add_parser(name, help=help, description=help)
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
