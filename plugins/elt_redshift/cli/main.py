"""The command line: ``elt-redshift COMMAND``.

Every command is a function from parsed arguments to an exit status; errors come out as one line each on stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from elt_redshift.cli import airflow, demo, deployment, jobs, local, locks, package, past, plan, policy, runs, verify
from elt_redshift.cli.options import INTERRUPTED, Parser
from elt_redshift.exceptions import EltError, JobError
from elt_redshift.version import __version__


def parser() -> Parser:
    """All commands and their options."""
    root = Parser(prog="elt-redshift", description="Run ELT jobs on Amazon Redshift.")
    root.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    root.set_defaults(main=main)  # which one command runs others by
    commands = root.add_subparsers(metavar="COMMAND", required=True)
    for module in (jobs, plan, deployment, runs, past, locks, policy, verify, package, local, airflow, demo):
        module.add_parser(commands)
    return root


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit status: 0 good, 1 refused or failed, 2 wrong usage, 130 interrupted."""
    given = parser().parse_args(arguments)
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
