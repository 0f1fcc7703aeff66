"""Commands that tests run to their end: on a leash, within a bound, and with their last words when that is over."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from typing import Any

from elt_redshift.local.leash import Leash
from tests import bounds, logs


def run(command: Sequence[str], seconds: float = bounds.START, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command; gives its status and, as ``stdout``, all that it printed.

    :param options: as :class:`subprocess.Popen` takes them.
    :raises AssertionError: it still runs after ``seconds``; what it printed last is told.
    """
    with tempfile.TemporaryFile("w+", errors="replace") as printed, Leash() as leash:
        process = leash.start(command, stdin=subprocess.DEVNULL, stdout=printed, stderr=subprocess.STDOUT, **options)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            printed.seek(0)
            last = logs.last_lines(printed.read())
            raise AssertionError(f"not within {seconds:g} s: {' '.join(command)}; it printed last:\n{last}") from None
        printed.seek(0)
        return subprocess.CompletedProcess(list(command), process.returncode, printed.read())
