"""How long a job of 10 to 10,000 tasks takes to compile, against AWS CDK and Metaflow.

    python benchmarks/compile.py [--sizes 10 100 1000 10000] [--limit 300] [--no-peers]

The jobs are dbt-like, with some 2 KB of SQL a task. AWS CDK makes the same states, from constructs to
the synthesized template; Metaflow compiles a flow of as many steps for Step Functions. Both are installed into an
environment of their own (.venv-peers); CDK needs node. Imports are not counted. Ratios are seconds over ours.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

from makespan import models

from elt_redshift.asl import jobfile
from elt_redshift.asl.bounds import size
from elt_redshift.asl.compiler import compile_job
from elt_redshift.asl.machine import StateMachine
from elt_redshift.job.model import EltJob

ROOT = Path(__file__).parent.parent
PEERS = ROOT / ".venv-peers"
VERSIONS = ("aws-cdk-lib==2.275.0", "metaflow==2.19.39")
#: Some 2 KB.
COLUMNS = ",".join(f"coalesce(amount_{number}, 0)::decimal(18, 2)" for number in range(45))
SQL = f"insert into {{}} select {COLUMNS} from source"  # noqa: S608 - of constants
SCRIPT = Path(__file__).with_name("compile_peers.py")


def ours(tasks: int) -> tuple[float, StateMachine]:
    """Seconds to check and compile a job, and the result."""
    job = EltJob(job_id="1", name="large")
    for task, ups in models(Random(1), tasks * 2 // 5).items():  # noqa: S311 - the same graph each time
        job.task(task, statement=SQL.format(task), upstream=ups)
    begin = time.perf_counter()
    machine = compile_job(job)
    machine.definition()
    return time.perf_counter() - begin, machine


def install() -> str | None:
    """Make the peers' environment; gives why that is impossible."""
    if not shutil.which("node"):
        return "node is not installed"
    if (PEERS / "bin" / "python").exists():
        return None
    uv = str(Path(sys.executable).with_name("uv"))
    for command in ([uv, "venv", "--quiet", str(PEERS)], [uv, "pip", "install", "--quiet", *VERSIONS]):
        environment = {**os.environ, "VIRTUAL_ENV": str(PEERS)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - ours
        if done.returncode:
            shutil.rmtree(PEERS, ignore_errors=True)
            return done.stderr.strip()
    return None


def peer(name: str, argument: str, limit: float) -> tuple[float, int] | str:
    """Seconds and bytes; or why there are none: no end in time, a failure, a kill for want of memory."""
    command = [str(PEERS / "bin" / "python"), str(SCRIPT), name, argument]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)  # noqa: S603 - ours
    except subprocess.TimeoutExpired:
        return f"not within {limit:.0f} s"
    if done.returncode:
        said = done.stderr.strip().splitlines()
        return f"ended with status {done.returncode}{f': {said[-1]}' if said else ''}"
    seconds, length = json.loads(done.stdout.strip().splitlines()[-1])
    return seconds, length


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 100, 1000, 10000])
    parser.add_argument("--limit", type=float, default=300, help="seconds that a peer has for one size")
    parser.add_argument("--no-peers", action="store_true")
    given = parser.parse_args()
    missing = "not asked for" if given.no_peers else install()
    if missing:
        sys.stdout.write(f"AWS CDK and Metaflow are left out: {missing}\n")
    for tasks in given.sizes:
        seconds, machine = ours(tasks)
        file = f" + {len(jobfile.dump(machine.job_file)):,} in the job file" if machine.job_file else ""
        length = size(machine.definition())
        show(f"{tasks:,} tasks", "elt-redshift", f"{seconds:9.3f} s {length:>11,} bytes{file}")
        for name, found in () if missing else peers(tasks, machine, given.limit):
            if isinstance(found, str):
                show("", name, found)
            else:
                took, length = found
                show("", name, f"{took:9.3f} s {length:>11,} bytes, ratio {took / seconds:,.1f}")


def show(*cells: str) -> None:
    sys.stdout.write("{:>13}  {:13} {}\n".format(*cells))
    sys.stdout.flush()


def peers(tasks: int, machine: StateMachine, limit: float) -> Iterator[tuple[str, tuple[float, int] | str]]:
    """What each peer takes for the same."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as written:
        json.dump(machine.definition(), written)
        written.flush()
        yield "AWS CDK", peer("cdk", written.name, limit)
    yield "Metaflow", peer("metaflow", str(tasks), limit)


if __name__ == "__main__":
    main()
