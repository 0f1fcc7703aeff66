"""Commands about a job's stack: ``deploy`` and ``destroy``."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from elt_redshift.aws import removal
from elt_redshift.aws.account import Account
from elt_redshift.aws.audit import AuditStore
from elt_redshift.aws.deployment import carry_out, prepare
from elt_redshift.aws.errors import AwsError
from elt_redshift.aws.stack_events import StackEvent
from elt_redshift.aws.stacks import ChangeSet
from elt_redshift.aws.template.names import AUDIT, OTHER_ROLE, SAID
from elt_redshift.cli.options import Commands, add_aws, command, load, pair
from elt_redshift.exceptions import EltError

_OPTIONS = {
    "cluster": "RedshiftClusterIdentifier",
    "user": "DatabaseUserName",
    "database": "DatabaseName",
    "role": "RedshiftIAMRoleARN",
    "workgroup": "WorkgroupName",
    "secret": "SecretArn",
    "warehouse-role": OTHER_ROLE,
    "permissions-boundary": "PermissionsBoundary",
    "role-path": "RolePath",
    "log-level": "LogLevel",
    "log-execution-data": "LogExecutionData",
    "log-retention-days": "LogRetentionDays",
    "tracing": "Tracing",
    "kms-key": "KmsKeyArn",
    "audit-table": AUDIT,  # or, of a job whose audit item is in Redshift, the parameter for that
}


def add_parser(commands: Commands) -> None:
    made = command(commands, "deploy", deploy)
    made.add_argument("--stack", required=True, help="name of the stack")
    made.add_argument("--region", help="AWS region; default: as boto3 finds it")
    made.add_argument("--dry-run", action="store_true", help="show the changes, make none")
    made.add_argument(
        "--bucket",
        help="S3 bucket for large templates and large jobs' tasks; default: one of its own, made when needed",
    )
    for option, parameter in _OPTIONS.items():
        made.add_argument(f"--{option}", metavar="VALUE", help=f"the template's parameter {parameter}")
    made.add_argument(
        "--keep-tables",
        choices=[*SAID.values()],
        help="whether the tables with the audit trail and the past runs stay when the stack is deleted (default yes)",
    )
    made.add_argument("--tag", type=pair, action="append", default=[], metavar="NAME=VALUE", help="tag of the stack")
    gone = command(commands, "destroy", destroy)
    add_aws(gone)
    gone.add_argument("--all", action="store_true", help="delete what would stay, too: the tables with the audit trail")
    gone.add_argument("--stop", action="store_true", help="stop the executions that run")
    gone.add_argument("--yes", action="store_true", help="do not ask")


def deploy(given: argparse.Namespace) -> int:
    job = load(given)
    account = Account.here(given.region)
    parameters = {name: value for option, name in _OPTIONS.items() if (value := _given(given, option)) is not None}
    keeps = {said: kept for kept, said in SAID.items()}.get(given.keep_tables)
    try:
        prepared = prepare(account, job, given.stack, parameters, dict(given.tag), given.bucket, keeps)
    except AwsError as error:
        raise EltError(_in_options(str(error))) from error
    if not prepared.long_polling:
        print("Step Functions does not know WaitTimeSeconds in this region yet: every task polls with Wait states.")
    for warning in prepared.warnings:
        print(f"Warning: {warning}", file=sys.stderr)
    stacks, change_set = account.stacks, prepared.change_set
    _show(change_set)
    if not change_set.changes or given.dry_run:
        stacks.discard(change_set)
        return 0
    with _going_on(f"stack {given.stack} goes on being deployed; deploy it again to see its end"):
        deployed = carry_out(account, prepared, _tell)
    if not prepared.place:
        _introduce(account.audit(deployed.audit_table), job.job_id)
    print(f"Stack {deployed.stack} is deployed: {deployed.state_machine_arn}, audit table {deployed.audit_table}.")
    if deployed.database_user:
        print(f"The SQL runs as database user {deployed.database_user}: grant it what the SQL needs.")
    return 0


def _in_options(said: str) -> str:
    """CloudFormation's words, in which a parameter of the template is the option that gives it."""
    for option, parameter in _OPTIONS.items():
        said = re.sub(rf"(?<![\w-]){parameter}(?![\w-])", f"--{option}", said)  # not in the names of resources
    return said


def _given(given: argparse.Namespace, option: str) -> str | None:
    value: str | None = getattr(given, option.replace("-", "_"))
    return value


def destroy(given: argparse.Namespace) -> int:
    job, account = load(given), Account.here(given.region)
    plan = removal.plan(account, account.stacks.find(job.name, given.stack))
    stack = plan.deployed.stack
    _announce(plan, given)
    if not given.yes and _answer(f"Type {stack} to go on: ") != stack:
        raise EltError("Nothing was deleted. To go on without being asked, give --yes.")
    with _going_on(f"stack {stack} may be on its way out; destroy it again to see its end"):
        removal.remove(account, plan, job_id=job.job_id, stop=given.stop, everything=given.all, told=_tell)
    print(f"Stack {stack} is deleted.")
    return 0


@contextmanager
def _going_on(what: str) -> Iterator[None]:
    """Whoever interrupts this is told that CloudFormation is not interrupted."""
    try:
        yield
    except KeyboardInterrupt:
        print(f"Interrupted, but CloudFormation is not: {what}.", file=sys.stderr)
        raise


def _announce(plan: removal.Removal, given: argparse.Namespace) -> None:
    """What goes, and what stays."""
    deployed, rest = plan.deployed, "Deleted" if given.all else "Stays"
    goes = f"{plan.goes} resources, the state machine and its history too"
    print(f"Stack {deployed.stack} of job {deployed.job} is deleted: {goes}.")
    for table in plan.tables:
        print(f"Deleted: AWS::DynamoDB::Table {table}")
    for kept in plan.stays:
        print(f"{rest}: {kept.type} {kept.name}")
    if deployed.shares_table:
        print(f"{rest}: the item of job id {deployed.job_id} in the shared audit table {deployed.audit_table}")
    if plan.gone:
        print(f"Gone already: state machine {deployed.state_machine_arn}, which somebody has deleted")
    for arn in plan.running:
        print(f"{'Stopped' if given.stop else 'Running'}: {arn}")
    if plan.running and given.stop and deployed.warehouse_role:
        print(f"Goes on: what they run in the warehouse, which only {deployed.warehouse_role} may cancel")


def _answer(question: str) -> str:
    """What somebody types; nothing where nobody is there."""
    return input(question).strip() if sys.stdin.isatty() else ""


def _tell(event: StackEvent) -> None:
    """A line for each resource that is done, or has failed."""
    if event.status.endswith(("_COMPLETE", "_FAILED", "_SKIPPED")):
        print(f"{event.status:16} {event.type:36} {event.resource} {event.reason}".rstrip())


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
