"""Commands that need no AWS: ``check``, ``compile``, ``template``."""

from __future__ import annotations

import argparse
import json

from elt_redshift.asl.compiler import compile_job
from elt_redshift.aws.template import render_template
from elt_redshift.cli.options import Commands, command, load


def add_parser(commands: Commands) -> None:
    command(commands, "check", check, "Validate a job and list every mistake.")
    command(commands, "compile", compile_, "Print the state machine definition.")
    command(commands, "template", template, "Print the CloudFormation template.")


def check(given: argparse.Namespace) -> int:
    job = load(given)
    compile_job(job)
    print(f"Job {job.job_id} ({job.name}) is valid: {len(job.tasks)} tasks.")
    return 0


def compile_(given: argparse.Namespace) -> int:
    print(json.dumps(compile_job(load(given)).definition(), indent=2, ensure_ascii=False))
    return 0


def template(given: argparse.Namespace) -> int:
    print(json.dumps(render_template(load(given)), indent=2, ensure_ascii=False))
    return 0
