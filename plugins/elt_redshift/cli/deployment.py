"""``deploy``: create or update a job's stack."""

from __future__ import annotations

import argparse
import sys

from elt_redshift.aws.account import Account
from elt_redshift.aws.audit import AuditStore
from elt_redshift.aws.deployment import prepare
from elt_redshift.aws.errors import AwsError
from elt_redshift.aws.stacks import ChangeSet
from elt_redshift.cli.options import Commands, command, load, pair

_OPTIONS = {
    "cluster": "RedshiftClusterIdentifier",
    "user": "DatabaseUserName",
    "database": "DatabaseName",
    "role": "RedshiftIAMRoleARN",
    "workgroup": "WorkgroupName",
    "secret": "SecretArn",
}


def add_parser(commands: Commands) -> None:
    made = command(commands, "deploy", deploy, "Create or update the job's stack, showing what changes.")
    made.add_argument("--stack", required=True, help="name of the stack")
    made.add_argument("--region", help="AWS region; default: as boto3 finds it")
    made.add_argument("--dry-run", action="store_true", help="show the changes, make none")
    made.add_argument(
        "--bucket",
        help="S3 bucket for large templates and large jobs' tasks; default: one of its own, made when needed",
    )
    for option, parameter in _OPTIONS.items():
        made.add_argument(f"--{option}", metavar="VALUE", help=f"the template's parameter {parameter}")
    made.add_argument("--tag", type=pair, action="append", default=[], metavar="NAME=VALUE", help="tag of the stack")


def deploy(given: argparse.Namespace) -> int:
    job = load(given)
    account = Account.here(given.region)
    parameters = {name: value for option, name in _OPTIONS.items() if (value := getattr(given, option)) is not None}
    prepared = prepare(account, job, given.stack, parameters, dict(given.tag), given.bucket)
    if not prepared.long_polling:
        print("Step Functions does not know WaitTimeSeconds in this region yet: every task polls with Wait states.")
    for warning in prepared.warnings:
        print(f"Warning: {warning}", file=sys.stderr)
    stacks, change_set = account.stacks, prepared.change_set
    _show(change_set)
    if not change_set.changes or given.dry_run:
        stacks.discard(change_set)
        return 0
    stacks.execute(change_set)
    deployed = stacks.find(job.name, given.stack)
    _introduce(account.audit(deployed.audit_table), job.job_id)
    print(f"Stack {deployed.stack} is deployed: {deployed.state_machine_arn}, audit table {deployed.audit_table}.")
    return 0


def _introduce(audit: AuditStore, job_id: str) -> None:
    """Show the job in the audit table before it has run. Nobody needs that: whoever may not write there may deploy."""
    try:
        audit.introduce(job_id)
    except AwsError as error:
        print(f"The job's item comes with its first run: {error}", file=sys.stderr)


def _show(change_set: ChangeSet) -> None:
    if not change_set.changes:
        print(f"Stack {change_set.stack} is up to date.")
    for change in change_set.changes:
        replaced = ", replaced" if change.replacement == "True" else ""
        print(f"{change.action:8} {change.type:36} {change.resource}{replaced}")
