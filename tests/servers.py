"""An embedded AWS for tests: bounded like all of them, and its log is shown by tests that fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from elt_redshift.local import process, state
from elt_redshift.local.process import LocalAws
from tests import bounds, logs


@contextmanager
def embedded_aws() -> Iterator[LocalAws]:
    """One on a free port, which ends with the block and with this process."""
    with process.running(timeout=bounds.START) as aws, logs.shown(embedded_aws=Path(aws.directory) / state.LOG_FILE):
        yield aws
