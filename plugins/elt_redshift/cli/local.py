"""``elt-redshift local``: start, find, use and stop the embedded AWS."""

from __future__ import annotations

import argparse
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

from elt_redshift.cli.commands import HELP
from elt_redshift.local import process, rates
from elt_redshift.local.faults import Faults
from elt_redshift.local.psql import psql_command

Command = Callable[[argparse.Namespace], int]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``local`` and its subcommands; each sets ``run``, a function of the parsed arguments to an exit code."""
    local = subparsers.add_parser("local", help=HELP["local"])
    commands = local.add_subparsers(metavar="COMMAND", required=True)
    up = _command(commands, "up", _up, "start it (or find it running) and print where it is")
    up.add_argument(
        "--port", type=int, default=process.DEFAULT_PORT, help="TCP port (default: %(default)s; 0: any free one)"
    )
    up.add_argument(
        "--timeout",
        type=float,
        default=process.START_SECONDS,
        help="seconds to wait until it answers (default: %(default)g)",
    )
    up.add_argument(
        "--rates",
        action="append",
        default=[],
        metavar="RATE",
        help="throttle the Redshift Data API: aws, as AWS does, or OPERATION=CALLS_A_SECOND; may be repeated",
    )
    _command(commands, "down", _down, "stop it; its data are gone")
    _command(commands, "status", _status, "say whether it runs, and where; exit 1 when it does not")
    _command(commands, "env", _env, 'print the variables that lead boto3 to it: eval "$(elt-redshift local env)"')
    psql = _command(commands, "psql", _psql, "open psql on the database that stands for Redshift")
    psql.add_argument("-c", "--command", action="append", default=[], help="SQL to run instead; may be repeated")


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, run: Command, text: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text)
    parser.add_argument(
        "--dir",
        type=Path,
        default=process.DEFAULT_DIRECTORY,
        help="state folder (default: %(default)s in the current folder)",
    )
    parser.set_defaults(run=run)
    return parser


def _up(arguments: argparse.Namespace) -> int:
    limits = rates.given(arguments.rates)
    aws = process.up(arguments.dir, arguments.port, arguments.timeout)
    for operation, per_second in limits.items():
        Faults(aws).limit_rate("redshift-data", operation, per_second)
    there = "" if arguments.dir == process.DEFAULT_DIRECTORY else f" --dir {shlex.quote(str(arguments.dir))}"
    print(f"embedded AWS at {aws.endpoint} (pid {aws.pid}); stop it with `elt-redshift local down{there}`")
    return 0


def _down(arguments: argparse.Namespace) -> int:
    print("stopped" if process.down(arguments.dir) else "was not running")
    return 0


def _status(arguments: argparse.Namespace) -> int:
    aws = process.status(arguments.dir)
    if aws is None:
        print("not running")
        return 1
    print(f"running at {aws.endpoint} (pid {aws.pid}), PostgreSQL at {aws.postgres_uri}, log in {aws.directory}")
    return 0


def _env(arguments: argparse.Namespace) -> int:
    for name, value in process.environment(process.find(arguments.dir)).items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def _psql(arguments: argparse.Namespace) -> int:
    commands = [part for sql in arguments.command for part in ("-c", sql)]
    command = psql_command(process.find(arguments.dir).postgres_uri, commands)
    return subprocess.run(command, check=False).returncode  # noqa: S603
