"""What runs inside the one process of the embedded AWS.

Order matters: the port is taken first (so that its URL is known, and a taken port is reported at once), then the
environment is set, then moto is imported and patched while PostgreSQL starts beside it, and only when everything is up
does the server answer, write ``local.json`` and report readiness to the process that started it.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import secrets
import signal
import socket
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elt_redshift.exceptions import EltError
from elt_redshift.local import dynamodb, state
from elt_redshift.local.errors import port_taken
from elt_redshift.local.fault_box import FaultBox
from elt_redshift.local.regions import ACCOUNT, REGION
from elt_redshift.local.state import LocalAws
from elt_redshift.local.versions import MOTO_VERSION, check_moto_version
from elt_redshift.local.watchdog import Watchdog

if TYPE_CHECKING:
    from elt_redshift.local.redshift import EmbeddedRedshift

PREFIX = "elt-redshift-"
PARENT_POLL_SECONDS = 0.2
COLLECTION = 20_000, 20, 20
"""When garbage is collected: a definition is 10,000 objects, which stay (with Python's 700 it took a tenth more)."""
SWITCH_INTERVAL = "ELT_REDSHIFT_LOCAL_SWITCH_INTERVAL"
"""Seconds between thread switches (``sys.setswitchinterval``). Tests make it tiny, to provoke races."""

log = logging.getLogger("elt_redshift.local")


@dataclass(frozen=True)
class Options:
    """How to run.

    :param directory: the state folder; None: a throwaway one, for an embedded AWS that only its parent knows.
    :param port: TCP port on 127.0.0.1; 0: any free one.
    :param parent: process id of the parent whose end also ends the server; None: run until stopped.
    :param ready_fd: file descriptor on which to report, as lines of JSON, where the log is, then readiness or the
        reason of failure.
    """

    directory: Path | None
    port: int
    parent: int | None
    ready_fd: int


def serve(options: Options) -> int:
    """Run the embedded AWS until a signal or the end of the parent. Returns the exit code."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stopping.set())
    try:
        with _running(options, stopping):
            stopping.wait()
    except EltError as error:
        _report(options.ready_fd, {"error": str(error)})
        return 1
    except Exception as error:
        log.exception("the embedded AWS failed")
        where = options.directory / state.LOG_FILE if options.directory else traceback.format_exc()
        _report(options.ready_fd, {"error": f"the embedded AWS failed: {type(error).__name__}: {error} ({where})"})
        return 1
    return 0


@contextmanager
def _running(options: Options, stopping: threading.Event) -> Iterator[LocalAws]:
    """Everything up; on leaving, everything down again, in reverse order."""
    with ExitStack() as stack:
        check_moto_version()
        data = Path(tempfile.gettempdir()) / f"{PREFIX}{secrets.token_hex(6)}"
        directory = options.directory or data
        watchdog = stack.enter_context(_watched(data, directory / state.STATE_FILE))
        _follow(options.parent, watchdog, stopping)
        state.hold_server_lock(directory)
        _report(options.ready_fd, {"log": str(directory / state.LOG_FILE)})
        _write_log(directory)
        listener = stack.enter_context(_bind(options.port))
        endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
        configure_environment(os.environ, endpoint)
        backend = _start_services(data, endpoint, watchdog, stack)
        aws = LocalAws(
            endpoint=endpoint,
            pid=os.getpid(),
            port=listener.getsockname()[1],
            postgres_uri=backend.postgres.uri(),
            directory=str(directory),
            data=str(data),
            token=secrets.token_urlsafe(32),
        )
        faults = FaultBox()
        backend.data_api.end_of = faults.end_of
        backend.data_api.forgets = faults.forgets
        backend.data_api.active_limit = faults.active_limit
        dynamodb.CONFLICTS.hold = faults.hold
        stack.enter_context(_answering(listener, aws, faults))
        stack.callback(state.forget, directory)
        state.write(directory, aws)
        if not _report(options.ready_fd, {"ready": json.loads(aws.to_json())}):
            stopping.set()  # who started it has ended meanwhile, and nobody else knows of it
        yield aws


@contextmanager
def _watched(data: Path, state_file: Path) -> Iterator[Watchdog]:
    """A folder for all data, and beside it one for PostgreSQL, whose user may not look into that. A watchdog, which is
    there before they are, removes them even when this process is killed, at any moment."""
    watchdog = Watchdog([data, _postgres_home(data)], state_file)
    try:
        data.mkdir(mode=0o700)
        yield watchdog
    finally:
        os.chdir("/")
        watchdog.close()


def _postgres_home(data: Path) -> Path:
    return data.with_name(f"{data.name}-pg")


def _follow(parent: int | None, watchdog: Watchdog, stopping: threading.Event) -> None:
    """Stop when the parent is gone, or the watchdog and PostgreSQL with it. The parent of a process changes the moment
    its parent ends, whatever ended it."""

    def watch() -> None:
        while parent in (None, os.getppid()) and watchdog.is_alive():
            if stopping.wait(PARENT_POLL_SECONDS):
                return
        if not watchdog.is_alive():
            log.error("PostgreSQL or its watchdog has ended; so does the embedded AWS")
        stopping.set()

    threading.Thread(target=watch, name="follow", daemon=True).start()


def _write_log(directory: Path) -> None:
    """Send everything that would be printed, by us or by a library, to the log file."""
    file = os.open(directory / state.LOG_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(file, stream)
    os.close(file)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True)


@contextmanager
def _bind(port: int) -> Iterator[Any]:
    from elt_redshift.local import http

    try:
        listener = http.bind(port)
    except OSError as error:
        raise port_taken(port, error) from error
    with listener:
        yield listener


def configure_environment(environment: Any, endpoint: str) -> None:
    """Point every boto3 client of this process at the server itself, whatever the user's shell says.

    Profiles, credentials, service endpoints and proxies of the user would lead the clients elsewhere.
    """
    for name in [name for name in environment if name.startswith("AWS_")]:
        del environment[name]
    environment.update(
        AWS_ACCESS_KEY_ID="local",
        AWS_SECRET_ACCESS_KEY="local",  # noqa: S106
        AWS_DEFAULT_REGION=REGION,
        AWS_ENDPOINT_URL=endpoint,
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_EC2_METADATA_DISABLED="true",
        MOTO_ACCOUNT_ID=ACCOUNT,
        MOTO_PORT=endpoint.rpartition(":")[2],
        NO_PROXY="127.0.0.1,localhost",
        no_proxy="127.0.0.1,localhost",
    )


def _start_services(data: Path, endpoint: str, watchdog: Watchdog, stack: ExitStack) -> EmbeddedRedshift:
    """Start PostgreSQL and, beside it, import and patch moto: the two slow parts of a start."""
    os.chdir(data)
    if interval := os.environ.get(SWITCH_INTERVAL):
        sys.setswitchinterval(float(interval))
    from elt_redshift.local import awslambda, events, patches, redshift

    with ThreadPoolExecutor(1, thread_name_prefix="start") as pool:
        where = data / "redshift", endpoint, events.emit_statement_event, _postgres_home(data), watchdog
        starting = pool.submit(redshift.start, *where)
        stack.callback(_stop_redshift, starting)
        patches.apply_all()
        backend = starting.result()
    patches.install_data_api(backend.data_api)
    stack.callback(awslambda.FUNCTIONS.close)
    gc.freeze()  # what has been imported stays: no collection needs to look through it again
    gc.set_threshold(*COLLECTION)
    return backend


def _stop_redshift(starting: Future[EmbeddedRedshift]) -> None:
    if starting.exception() is None:
        starting.result().stop()


@contextmanager
def _answering(listener: socket.socket, aws: LocalAws, faults: FaultBox) -> Iterator[None]:
    """Serve requests, and let time pass for schedules and alarms."""
    from elt_redshift.local import cloudwatch, events, http
    from elt_redshift.local.stepfunctions import calls

    status = {"pid": aws.pid, "endpoint": aws.endpoint, "moto": MOTO_VERSION}
    ticker = events.ticker(cloudwatch.evaluations)
    app = http.application(lambda: status, aws.token, faults, ticker.pass_time)
    server = http.server(listener, app)
    calls.serve(app)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="http", daemon=True)
    thread.start()
    ticker.start()
    try:
        yield
    finally:
        ticker.stop()
        server.shutdown()


def _report(ready_fd: int, message: dict[str, Any]) -> bool:
    """Tell the process that started us; False when it is gone."""
    try:
        os.write(ready_fd, json.dumps(message).encode() + b"\n")
    except BrokenPipeError:
        return False
    return True
