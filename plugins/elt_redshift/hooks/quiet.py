"""boto3's and Amazon's notices about where credentials and endpoints came from are kept out of our tasks' logs.

Each new client writes some, between the lines that tell of the SQL. Only what our hooks do is quiet, and only below
warnings; where logging is at DEBUG everything is written.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook, BaseSessionFactory
from airflow.providers.amazon.aws.utils.connection_wrapper import AwsConnectionWrapper

#: Loggers of botocore that write notices at INFO when a client is made.
BOTOCORE = ("botocore.credentials", "botocore.configprovider", "botocore.tokens")

#: Amazon's classes that do. Their loggers are Airflow's, which pass no filter of Python's logging since Airflow 3.
AMAZON: tuple[Any, ...] = (AwsConnectionWrapper, BaseSessionFactory)

_quiet: ContextVar[bool] = ContextVar("elt_redshift_quiet", default=False)


def _silent() -> bool:
    return _quiet.get() and not logging.getLogger().isEnabledFor(logging.DEBUG)


class _Filter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING or not _silent()


class _Log:
    """A class's logger, without its notices while our hooks are at work."""

    def __init__(self, log: Any) -> None:
        self._log = log

    def info(self, *args: Any, **kwargs: Any) -> None:
        if not _silent():
            self._log.info(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


_FILTER = _Filter()


def _install() -> None:
    """Doing it again changes nothing."""
    for name in BOTOCORE:
        logging.getLogger(name).addFilter(_FILTER)
    for owner in AMAZON:
        if not isinstance(owner.__dict__.get("_log"), _Log):
            owner._log = _Log(owner.logger() if hasattr(owner, "logger") else logging.getLogger(owner.__module__))


@contextmanager
def quietly() -> Iterator[None]:
    """In this block, of this thread, no notices are written."""
    _install()
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)


class Quiet(AwsGenericHook[Any]):
    """A hook whose client is made without notices."""

    @cached_property
    def conn(self) -> Any:
        """The boto3 client."""
        with quietly():
            return super().conn
