"""Commands about a job's files: ``check``, ``compile``, ``template``, ``schema``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from elt_redshift.asl import jobfile
from elt_redshift.asl.compiler import compile_job
from elt_redshift.asl.target import Target
from elt_redshift.aws.template import functions, job_file, parts
from elt_redshift.aws.template.choices import Choices
from elt_redshift.aws.template.names import SAID
from elt_redshift.aws.template.rendering import render
from elt_redshift.cli import policy
from elt_redshift.cli.options import Commands, command, load
from elt_redshift.exceptions import EltError
from elt_redshift.job import schema as job_schema
from elt_redshift.job.schedules import scheduled_twice
from elt_redshift.job.written import count
from elt_redshift.planning import dag_files
from elt_redshift.planning.risks import risks


def add_parser(commands: Commands) -> None:
    checked = command(commands, "check", check)
    checked.add_argument(
        "--dags",
        type=Path,
        default=Path("dags"),
        metavar="FOLDER",
        help="where to look for DAG files that schedule the job too (default: dags, if it is there)",
    )
    policy.add_to_check(checked)
    compiled = command(commands, "compile", compile_)
    compiled.add_argument(
        "--job-file", action="store_true", help="print the job file instead, which a large job's state machine reads"
    )
    compiled.add_argument("--part", type=int, metavar="NUMBER", help="print the definition of a part instead, from 1")
    rendered = command(commands, "template", template)
    rendered.add_argument(
        "--shared-audit-table", action="store_true", help="with a parameter for the audit table's name, and no table"
    )
    rendered.add_argument(
        "--other-account", action="store_true", help="with a parameter for the role of another account's warehouse"
    )
    rendered.add_argument(
        "--keep-tables",
        choices=[*SAID.values()],
        default=SAID[True],
        help="whether the tables with the audit trail and the past runs stay when the stack is deleted (default yes)",
    )
    rendered.add_argument(
        "--functions", type=Path, metavar="FILE", help="write the code of the job's Lambda functions there, as a zip"
    )
    command(commands, "schema", schema, job=False)


def check(given: argparse.Namespace) -> int:
    job = load(given)
    policy.refuse_without_aws(given)
    for risk in risks(compile_job(job)):
        print(f"Warning: {risk.problem}{' It will not be deployed.' if risk.sure else ''}", file=sys.stderr)
    if job.schedule and job.schedule.enabled:
        for place in dag_files.scheduling(given.dags, {job.name, Path(given.job).name}):
            print(f"Warning: {place}: {scheduled_twice(job.name, job.schedule)}", file=sys.stderr)
    print(f"Job {job.job_id} ({job.name}) is valid: {count(len(job.tasks), 'task')}.")
    return policy.check_rights(given, job) if given.aws else 0


def compile_(given: argparse.Namespace) -> int:
    machine = compile_job(load(given))
    if given.part is not None:
        if not 1 <= given.part <= len(machine.parts):
            raise EltError(f"Job {machine.job.name} has {len(machine.parts) or 'no'} parts, and no part {given.part}.")
        print(json.dumps(machine.parts[given.part - 1].definition(), indent=2, ensure_ascii=False))
        return 0
    if not given.job_file:
        print(json.dumps(machine.definition(), indent=2, ensure_ascii=False))
        return 0
    if machine.job_file is None:
        raise EltError(f"Job {machine.job.name} has no job file: its tasks stand in the definition (layout: unrolled).")
    print(jobfile.dump(machine.job_file).decode())
    return 0


def schema(_: argparse.Namespace) -> int:
    print(job_schema.text(), end="")
    return 0


def template(given: argparse.Namespace) -> int:
    choices = Choices(given.shared_audit_table, given.keep_tables == SAID[True])
    machine = compile_job(load(given), Target(other_account=given.other_account))
    rendered = render(machine, choices)
    print(json.dumps(rendered.template, indent=2, ensure_ascii=False))
    if machine.job.audit_in_redshift:
        print(
            "The audit table is not in the template: "
            f"`elt-redshift audit create ADDRESS --job-id {machine.job.job_id}` makes it, and the job's row, before "
            "the first run. The output AuditTable has the address.",
            file=sys.stderr,
        )
    if rendered.job_file is not None:
        print(
            f"The tasks are not in the template: write them to S3 with `elt-redshift compile {given.job} --job-file`, "
            f"and name bucket and key in the parameters {job_file.BUCKET} and {job_file.KEY}.",
            file=sys.stderr,
        )
    if rendered.parts:
        print(
            f"The job's {len(rendered.parts)} parts are not in the template: write each to S3 with "
            f"`elt-redshift compile {given.job} --part NUMBER`, under PREFIX/NUMBER.json, "
            f"and name bucket and prefix in the parameters {parts.BUCKET} and {parts.KEY}.",
            file=sys.stderr,
        )
    if rendered.code is not None:
        if given.functions:
            given.functions.write_bytes(rendered.code)
        print(
            "The code of the Lambda functions is not in the template: "
            f"`elt-redshift template {given.job} --functions FILE` writes it. Put it into S3, "
            f"and name bucket and key in the parameters {functions.BUCKET} and {functions.KEY}.",
            file=sys.stderr,
        )
    return 0
