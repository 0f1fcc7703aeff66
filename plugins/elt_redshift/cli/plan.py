"""``plan``: what a job will cost, how far it is from each limit, how long it is likely to take; and its picture."""

from __future__ import annotations

import argparse
import json
from datetime import timedelta
from pathlib import Path

from rich.markup import escape
from rich.table import Column, Table

from elt_redshift.asl.compiler import compile_job
from elt_redshift.asl.estimates import PRICE, Limit
from elt_redshift.asl.history import TaskRuns
from elt_redshift.asl.limits import MAX_EVENTS
from elt_redshift.asl.picture import draw
from elt_redshift.asl.plan import Plan, make_plan
from elt_redshift.aws.calls import Clients
from elt_redshift.aws.executions import Executions
from elt_redshift.aws.stacks import MAX_INLINE, Stacks
from elt_redshift.aws.template import render
from elt_redshift.cli.console import console
from elt_redshift.cli.options import Commands, add_aws, command, load
from elt_redshift.exceptions import EltError
from elt_redshift.job.model import EltJob

#: Above this part of a limit a warning colour is used.
NEAR = 0.8


def add_parser(commands: Commands) -> None:
    made = command(commands, "plan", plan, "Show cost, limits and expected time of a job before it runs.")
    made.add_argument("--json", action="store_true", help="print the plan as JSON")
    made.add_argument("--svg", metavar="FILE", type=Path, help="draw the expected run as a picture, too")
    made.add_argument(
        "--execution", metavar="NAME_OR_ARN", help="reckon with the durations of this execution; default: the job's"
    )
    add_aws(made)


def plan(given: argparse.Namespace) -> int:
    job = load(given)
    recorded = _recorded(given, job) if given.execution else None
    written = json.dumps(render(job).template, separators=(",", ":"))
    template = Limit("template without a bucket", len(written), MAX_INLINE, "bytes")
    made = make_plan(compile_job(job), recorded, [template])
    if given.svg:
        _write(given.svg, draw(made))
    if given.json:
        print(json.dumps(made.to_dict(), indent=2, ensure_ascii=False))
    else:
        _show(made)
    return 0


def _recorded(given: argparse.Namespace, job: EltJob) -> dict[str, float]:
    """How long the tasks of an execution took, of those that ended well."""
    clients = Clients(given.region)
    machine = Stacks(clients("cloudformation")).find(job.name, given.stack).state_machine_arn
    arn = str(given.execution)
    if not arn.startswith("arn:"):
        arn = f"{machine.replace(':stateMachine:', ':execution:')}:{arn}"
    executions = Executions(clients("stepfunctions"), machine, tables=lambda: clients("dynamodb"))
    snapshot = executions.look(arn, TaskRuns({task.name: task.upstream for task in job.tasks}))
    found = {run.name: run.seconds for run in snapshot.tasks if run.status == "succeeded" and run.seconds is not None}
    if not found:
        raise EltError(f"No task of execution {arn} has succeeded: nothing is recorded. Leave out --execution.")
    return found


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise EltError(f"{path} cannot be written: {error.strerror}. Give --svg another file.") from error


def _show(made: Plan) -> None:
    out = console()
    out.print(f"[bold]{escape(made.job)}[/bold]: {len(made.tasks)} tasks", soft_wrap=True)
    out.print(f"Layout: {made.layout}, because {made.why}.", soft_wrap=True)
    out.print(_runs(made))
    safe = _time(made.estimates.safe_seconds)
    out.print(f"A run is safe while no statement takes longer than {safe}.", soft_wrap=True)
    out.print(_limits(made))
    _show_time(made)


def _runs(made: Plan) -> Table:
    estimates = made.estimates
    right = [Column(name, justify="right") for name in ("billed transitions", "history events", "US dollars")]
    table = Table("run", *right, title=f"{estimates.states} states, ${PRICE * 1000:.3f} for 1,000 transitions")
    for name in ("best", "typical", "worst"):
        run = getattr(estimates, name)
        style = "red" if run.events > MAX_EVENTS else ""
        table.add_row(name, f"{run.transitions:,}", f"{run.events:,}", f"{run.cost:.6f}", style=style)
    return table


def _limits(made: Plan) -> Table:
    right = [Column(name, justify="right") for name in ("used", "allowed", "left")]
    table = Table("limit", *right, "unit", Column("where", overflow="fold"))
    for limit in made.estimates.limits:
        numbers = (f"{number:,}" for number in (limit.used, limit.allowed, limit.left))
        table.add_row(limit.name, *numbers, limit.unit, escape(limit.where), style=_style(limit))
    return table


def _style(limit: Limit) -> str:
    if limit.left < 0:
        return "red"
    return "yellow" if limit.used > NEAR * limit.allowed else ""


def _show_time(made: Plan) -> None:
    out = console()
    sources = {task.source for task in made.tasks}
    out.print(
        f"Expected time: {_time(made.makespan)}; critical path: {_time(made.critical_path)}; "
        f"ratio {made.ratio:.3f} (durations: {', '.join(sorted(sources))}).",
        soft_wrap=True,
    )
    out.print(f"Critical path: {escape(' -> '.join(made.critical_tasks))}", soft_wrap=True)
    out.print(f"Joins: {made.joins}; the fewest that branches could have: {made.fewest_joins}.", soft_wrap=True)


def _time(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
