"""The command line: ``elt-redshift COMMAND``.

Every command is a function from parsed arguments to an exit status; errors come out as one line each on stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from elt_redshift.cli.commands import COMMANDS, HELP, INTERRUPTED
from elt_redshift.cli.parsing import Parser
from elt_redshift.exceptions import EltError, JobError
from elt_redshift.version import __version__


def parser(command: str | None = None) -> Parser:
    """The commands and their options.

    :param command: the one whose options are wanted; of the others there are the names. None: of all.
    """
    root = Parser(prog="elt-redshift", description="Run ELT jobs on Amazon Redshift.")
    root.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    root.set_defaults(main=main)  # which one command runs others by
    commands = root.add_subparsers(metavar="COMMAND", required=True)
    for module, names in COMMANDS.items():
        if command is None or command in names:
            import_module(f"elt_redshift.cli.{module}").add_parser(commands)
        else:
            for name in names:
                commands.add_parser(name, help=HELP[name])
    return root


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit status: 0 good, 1 refused or failed, 2 wrong usage, 130 interrupted."""
    words = sys.argv[1:] if arguments is None else arguments
    command = next((word for word in words if not word.startswith("-")), "")  # options before it take no values
    given = parser(command).parse_args(words)
    try:
        return int(given.run(given))
    except JobError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
    except EltError as error:
        print(f"error: {error}", file=sys.stderr)
    except BrokenPipeError:
        # The reader has seen enough (`| head`); nothing is left to be told.
        sys.stderr.close()
    except KeyboardInterrupt:
        return INTERRUPTED
    return 1


if __name__ == "__main__":
    sys.exit(main())
