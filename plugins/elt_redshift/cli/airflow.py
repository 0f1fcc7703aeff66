"""``airflow``: Airflow's own pages over an embedded AWS, with a job that succeeds and one that fails.

Everything runs on this machine and ends with the command, whatever ends that: Airflow's home and database are in the
embedded AWS's throwaway folder, which a process of its own removes.
"""

from __future__ import annotations

import argparse
import os
import signal
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from elt_redshift.cli.options import Commands, command
from elt_redshift.exceptions import EltError, JobError, Problem
from elt_redshift.job.model import EltJob

if TYPE_CHECKING:
    from elt_redshift.demo.airflow_server import Airflow
    from elt_redshift.local.state import LocalAws

SUCCEEDING = "yearly_sales"
FAILING = Path(__file__).with_name("failing_returns")
RUN_ID = "first_run"
LOOK_SECONDS = 1.0
_DAG_FILE = '''"""An Airflow DAG of the job {name}, written by `elt-redshift airflow`."""

from elt_redshift import EltJob, elt_dag

dag = elt_dag(EltJob.load({path!r}))
'''


def add_parser(commands: Commands) -> None:
    made = command(commands, "airflow", airflow, job=False)
    made.add_argument("--port", type=int, default=8080, help="TCP port of the pages (default 8080; 0: any free one)")
    made.add_argument("--dags", type=Path, metavar="FOLDER", help="a folder of your own DAG files, to be shown too")
    made.add_argument(
        "--dir", type=Path, help="state folder of the embedded AWS, for `elt-redshift local` (default .elt-redshift)"
    )
    made.add_argument("--scale-factor", type=float, default=0.01, help="TPC-H scale factor (default 0.01)")
    made.add_argument("--timeout", type=float, default=600.0, help="seconds to wait until all is up (default 600)")


def airflow(given: argparse.Namespace) -> int:
    """Run everything until Ctrl-C or SIGTERM, which are its good end."""
    try:
        from elt_redshift.demo import (
            airflow_server,
            setup,  # noqa: F401 - tells whether the extra is there
        )
        from elt_redshift.local import process
    except ModuleNotFoundError as error:
        raise EltError(
            f"This needs the module {error.name}. "
            "Install the extra: pip install 'airflow-provider-elt-redshift[local]'."
        ) from error
    airflow_server.check_installed()
    port = airflow_server.free_port(given.port)
    jobs = [_succeeding(), EltJob.load(FAILING)]
    own = _own_dags(given.dags)
    _interrupt_at(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    with ExitStack() as stack:
        pages, aws = _start(given, jobs, own, port, stack)
        with suppress(KeyboardInterrupt):
            while True:
                pages.check()
                if process.status(aws.directory) is None:
                    raise EltError(f"The embedded AWS has ended; {aws.directory}/server.log tells what went wrong.")
                time.sleep(LOOK_SECONDS)
        print("Stopping …", flush=True)
    print("Stopped; nothing runs any more.")
    return 0


def _succeeding() -> EltJob:
    try:
        return EltJob.load(SUCCEEDING)
    except JobError as error:
        remedy = "Run this in a clone of the repository, which holds it in sql/."
        raise JobError([Problem(SUCCEEDING, "The demo's job is not here.", remedy)]) from error


def _own_dags(folder: Path | None) -> dict[str, Path]:
    if folder is None:
        return {}
    if not folder.is_dir():
        raise EltError(f"There is no folder {folder}. Give --dags a folder of DAG files.")
    return {"yours": folder}


def _interrupt_at(*signals: signal.Signals) -> None:
    """Each of the signals is a KeyboardInterrupt; after the first all are ignored: nothing cuts stopping short."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        for number in signals:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in signals:
        signal.signal(number, interrupt)


def _start(
    given: argparse.Namespace, jobs: list[EltJob], own: Mapping[str, Path], port: int, stack: ExitStack
) -> tuple[Airflow, LocalAws]:
    """Bring everything up, and say where it is. While Airflow starts, the jobs are deployed."""
    from elt_redshift.demo import airflow_server
    from elt_redshift.local import process

    deadline = time.monotonic() + given.timeout
    print("Starting the embedded AWS and Airflow; this takes about a minute …", flush=True)
    aws = stack.enter_context(process.running(given.dir or process.DEFAULT_DIRECTORY, timeout=given.timeout))
    os.environ.update(process.environment(aws))
    home = Path(aws.data) / "airflow"
    dags = {"elt_redshift": _dag_files(home / "dags", jobs), **own}
    pages = stack.enter_context(airflow_server.running(home, dags, port, process.environment(aws), Path(aws.directory)))
    _deploy(jobs, home, given.scale_factor)
    pages.wait_until_healthy(deadline - time.monotonic())
    for job in jobs:
        pages.trigger(job.name, RUN_ID, deadline - time.monotonic())
    _show(pages, aws)
    return pages, aws


def _dag_files(folder: Path, jobs: list[EltJob]) -> Path:
    folder.mkdir(parents=True)
    for job in jobs:
        text = _DAG_FILE.format(name=job.name, path=str(job.base.resolve()))
        (folder / f"{job.name}.py").write_text(text, encoding="utf-8")
    return folder


def _deploy(jobs: list[EltJob], folder: Path, scale_factor: float) -> None:
    from elt_redshift.aws.account import Account
    from elt_redshift.demo import setup

    account = Account.here("us-east-1")
    setup.load_staging(account, jobs[0], folder, scale_factor)
    for job in jobs:
        setup.deploy(account, job)


def _show(pages: Airflow, aws: LocalAws) -> None:
    from elt_redshift.demo.airflow_server import USER

    lines = [
        f"Airflow:   {pages.url}",
        f"user:      {USER}",
        f"password:  {pages.password}",
        f"DAGs:      {SUCCEEDING}, which succeeds; {FAILING.name}, which fails until the table public.returns is there",
        f"AWS:       {aws.endpoint}, state folder {aws.directory}",
        "Ctrl-C stops everything.",
    ]
    print("\n".join(lines), flush=True)
