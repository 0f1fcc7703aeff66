"""An embedded AWS for tests: bounded like all of them, and its log is shown by tests that fail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from elt_redshift.aws.account import Account
from elt_redshift.local import process, state
from elt_redshift.local.process import LocalAws
from tests import bounds, logs


@contextmanager
def embedded_aws() -> Iterator[LocalAws]:
    """One on a free port, which ends with the block and with this process."""
    with process.running(timeout=bounds.START) as aws, logs.shown(embedded_aws=Path(aws.directory) / state.LOG_FILE):
        yield aws


def account_of(environment: Mapping[str, str]) -> Account:
    """The account to which the environment of an embedded AWS leads."""
    session: Any = boto3.session.Session("local", "local", region_name="us-east-1")
    return Account(lambda service: session.client(service, endpoint_url=environment["AWS_ENDPOINT_URL"]))
