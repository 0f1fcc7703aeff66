"""The command ``plan``: what a job will do, cost and come close to."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rich.table import Table

from elt_redshift.asl.compiler import compile_job
from elt_redshift.aws.account import Account
from elt_redshift.aws.executions import Executions
from elt_redshift.aws.stacks import MAX_INLINE, body
from elt_redshift.aws.template.rendering import render
from elt_redshift.cli.console import console
from elt_redshift.cli.options import Commands, add_aws, command, load
from elt_redshift.exceptions import EltError
from elt_redshift.graph.of_job import groups_of
from elt_redshift.job import durations, loading
from elt_redshift.job.model import EltJob
from elt_redshift.job.written import count, duration
from elt_redshift.planning.estimates import Limit
from elt_redshift.planning.picture import draw, draw_groups
from elt_redshift.planning.plan import MONTH, Plan, plan_job
from elt_redshift.protocol.limits import MAX_EVENTS
from elt_redshift.runs.history import TaskRuns
from elt_redshift.runs.trends import trends

#: So many tasks of a critical path are named; the rest is counted.
_SHOWN = 12

#: `--from-history` takes the median of so many runs that succeeded; where none is kept, it looks for one among so many
#: of the newest executions.
_RUNS, _LOOKED_AT = 20, 100


def add_parser(commands: Commands) -> None:
    made = command(commands, "plan", plan)
    made.add_argument("--json", action="store_true", help="print everything as JSON, for machines")
    made.add_argument(
        "--record", action="store_true", help="write these durations beside the job.yaml, where `auto` finds them"
    )
    made.add_argument("--svg", metavar="FILE", type=Path, help="draw the branches and joins, and the critical path")
    made.add_argument("--groups", metavar="FILE", type=Path, help="draw the groups that Airflow shows of a large job")
    durations = made.add_mutually_exclusive_group()
    durations.add_argument(
        "--execution", metavar="NAME", help="take the tasks' durations from this execution (a name or an ARN)"
    )
    durations.add_argument(
        "--from-history", action="store_true", help="take the median of those in the newest runs that succeeded"
    )
    add_aws(made)


def plan(given: argparse.Namespace) -> int:
    job = load(given)
    if given.record and not (given.execution or given.from_history):
        raise EltError("There is nothing to record: give --from-history or --execution as well.")
    recorded = _recorded(given, job) if given.execution or given.from_history else None
    if recorded and given.record:
        file = durations.write(loading.find(given.job).parent, recorded, given.execution or "the newest runs")
        print(f"{file} holds how long {len(recorded):,} tasks took.", file=sys.stderr)
        job = load(given)
    machine = compile_job(job)
    written = len(body(render(machine).template))
    template = Limit("template without a bucket", written, MAX_INLINE, "bytes")
    planned = plan_job(machine, recorded, [template])
    if given.svg:
        _write(
            given.svg, draw(planned.arrangement, planned.critical_path, planned.seconds, parts=planned.parts), "--svg"
        )
    if given.groups:
        _write(given.groups, draw_groups(groups_of(job)), "--groups")
    if given.json:
        print(json.dumps(planned.to_dict(), indent=2, ensure_ascii=False))
    else:
        _show(planned)
    return 0


def _recorded(given: argparse.Namespace, job: EltJob) -> dict[str, float]:
    """How long the tasks took, of a recorded execution or by the history; the unfinished ones are left out."""
    account = Account.here(given.region)
    deployed = account.stacks.find(job.name, given.stack)
    executions = account.executions(deployed.state_machine_arn)
    if given.from_history and deployed.history_table:
        found = trends(account.archive(job, deployed).worked(_RUNS, succeeded=True))
        if kept := {one.task: one.median for one in found if one.median is not None}:
            return kept
    arn = _newest_success(executions, job) if given.from_history else executions.named(given.execution, job.name).arn
    tasks = executions.look(arn, TaskRuns(job.task_names)).tasks
    recorded = {task.name: task.seconds for task in tasks if task.seconds is not None}
    if not recorded:
        raise EltError(f"Execution {arn} has finished no task. Name one that has.")
    return recorded


def _newest_success(executions: Executions, job: EltJob) -> str:
    """The ARN of a run that did its work: one that found the job locked succeeds too."""
    for one in executions.recent(_LOOKED_AT):
        if one.succeeded and not executions.describe(one.arn).skipped:
            return one.arn
    raise EltError(
        f"None of the {_LOOKED_AT} newest executions of job {job.name} did its work. Name one with --execution, or "
        "leave --from-history out."
    )


def _write(path: Path, text: str, option: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise EltError(f"{path} cannot be written: {error.strerror}. Give {option} another file.") from error


def _show(planned: Plan) -> None:
    known = planned.estimates
    print(f"Job {planned.job_id} ({planned.name}): {count(planned.tasks, 'task')}, {count(planned.edges, 'edge')}")
    print(f"Layout: {planned.layout}, {planned.reason}")
    print(f"{known.states:,} states, {planned.joins:,} joins (branches need at least {planned.least_joins:,})")
    print(
        f"Makespan {duration(planned.makespan)}, critical path {duration(planned.critical_seconds)}, "
        f"ratio {planned.ratio:.3f}"
    )
    print(f"Critical path: {_path(planned.critical_path)}")
    if planned.schedule:
        when, starts = planned.schedule
        print(f"Schedule: {when}, about {starts:,.0f} runs in {MONTH} days, {planned.scheduled_cost:,.4f} US dollars")
    for risk in planned.risks:
        print(f"{'Not deployable' if risk.sure else 'Warning'}: {risk.problem}")
    print(f"Safe for statements of up to {duration(known.safe_seconds)} each")
    out = console()
    runs = Table("a run", *(f"[bold]{name}" for name in ("best", "typical", "worst")))
    all_runs = (known.best, known.typical, known.worst)
    runs.add_row("billed transitions", *(f"{run.transitions:,}" for run in all_runs))
    runs.add_row("US dollars", *(f"{run.cost:,.4f}" for run in all_runs))
    runs.add_row("history events", *(_events(run.events) for run in all_runs))
    out.print(runs)
    table = Table("limit", "used", "allowed", "left", "at")
    for limit in known.limits:
        numbers = (f"{number:,}" for number in (limit.used, limit.allowed, limit.left))
        table.add_row(f"{limit.name} ({limit.unit})", *numbers, limit.where)
    out.print(table)


def _events(events: int) -> str:
    """Step Functions fails a run with more events than one history may have."""
    return f"{events:,}" if events <= MAX_EVENTS else f"[red]{events:,}, over {MAX_EVENTS:,}[/red]"


def _path(tasks: tuple[str, ...]) -> str:
    shown = " -> ".join(tasks[:_SHOWN])
    return f"{shown} -> and {len(tasks) - _SHOWN} more" if len(tasks) > _SHOWN else shown
