"""``demo``: the walkthrough of AWS's article and beyond, end to end, on an embedded AWS of its own.

Each step shows what it does and notes claims; the demo ends with 0 only when every claim held.
"""

from __future__ import annotations

import argparse
import os
from contextlib import ExitStack
from pathlib import Path

from elt_redshift.cli.console import console
from elt_redshift.cli.options import Commands, command
from elt_redshift.exceptions import EltError


def add_parser(commands: Commands) -> None:
    made = command(commands, "demo", demo, job=False)
    made.add_argument("--scale-factor", type=float, default=0.01, help="TPC-H scale factor (default 0.01)")
    made.add_argument("--dags", type=Path, default=Path("dags"), help="folder of the DAG files (default dags)")


def demo(given: argparse.Namespace) -> int:
    try:
        from elt_redshift.cli.demo_steps import Walkthrough
        from elt_redshift.local import process
        from elt_redshift.local.leash import Leash
    except ModuleNotFoundError as error:
        raise EltError(
            f"The demo needs the module {error.name}. "
            "Install the extra: pip install 'airflow-provider-elt-redshift[local]'."
        ) from error
    out = console()
    with ExitStack() as stack:
        out.print("[bold]Starting the embedded AWS …[/bold]")
        aws = stack.enter_context(process.running())
        os.environ.update(process.environment(aws))
        folder = Path(aws.data) / "demo"  # which goes with the embedded AWS, whatever ends that
        folder.mkdir()
        leash = stack.enter_context(Leash())
        walkthrough = Walkthrough(out, given.main, leash, folder, given.dags.resolve(), given.scale_factor)
        walkthrough.run()
        return walkthrough.summary()
