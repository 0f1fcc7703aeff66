"""``python -m elt_redshift.local``: the server process. Users start it with ``elt-redshift local up``."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from elt_redshift.local.server import Options, serve


def parse(arguments: list[str]) -> Options:
    parser = argparse.ArgumentParser(prog="python -m elt_redshift.local", description=__doc__)
    parser.add_argument("--directory", type=Path, help="state folder (default: a throwaway one)")
    parser.add_argument("--port", type=int, required=True, help="TCP port on 127.0.0.1; 0: any free one")
    parser.add_argument("--parent", type=int, help="end when this parent process ends")
    parser.add_argument("--ready-fd", type=int, required=True, help="file descriptor to report readiness on")
    values = parser.parse_args(arguments)
    return Options(values.directory, values.port, values.parent, values.ready_fd)


def main() -> None:
    """Serve, then leave at once: threads of interrupted executions must not hold the process back."""
    code = serve(parse(sys.argv[1:]))
    logging.shutdown()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
