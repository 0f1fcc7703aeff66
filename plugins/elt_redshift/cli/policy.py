"""The command ``policy``, and what ``check --aws`` does: the rights of those who call AWS."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from elt_redshift.asl.compiler import compile_job
from elt_redshift.asl.machine import StateMachine
from elt_redshift.aws.account import Account
from elt_redshift.aws.callers import policies, simulation
from elt_redshift.aws.callers.policies import MAX_CHARACTERS, MAX_INLINE, Grant
from elt_redshift.aws.callers.rights import CALLERS, Caller
from elt_redshift.aws.callers.scope import Place, Scope, Warehouse
from elt_redshift.aws.deployed import Deployed
from elt_redshift.aws.drift import drifts
from elt_redshift.aws.errors import AwsError
from elt_redshift.aws.stacks import NotDeployedError
from elt_redshift.aws.template.rendering import render
from elt_redshift.cli.options import Commands, command
from elt_redshift.exceptions import EltError
from elt_redshift.job.model import EltJob
from elt_redshift.protocol.places import Place as InRedshift

_WAREHOUSE = ("cluster", "workgroup", "database", "user", "secret")


def add_parser(commands: Commands) -> None:
    made = command(commands, "policy", policy, job=False)
    made.add_argument("caller", metavar="|".join(CALLERS), choices=CALLERS, help="whose: Airflow's execution role, …")
    made.add_argument("jobs", metavar="JOB", nargs="*", help="only for these; the deployer's must be named")
    made.add_argument("--stack", help="the stack's name, which may have wildcards; default: any")
    made.add_argument("--region", help="AWS region; default: as boto3 finds it")
    made.add_argument("--account", type=_account, help="the account's twelve digits; default: the caller's")
    for option in _WAREHOUSE:
        made.add_argument(f"--{option}", metavar="VALUE", help="where DAGs run SQL, as `deploy` takes it (mwaa)")
    made.add_argument(
        "--audit-table",
        action="append",
        default=[],
        metavar="NAME",
        help="an audit table that belongs to no stack; of one in Redshift its address",
    )
    made.add_argument("--bucket", help="S3 bucket of large templates and jobs; default: the account's own")
    made.add_argument("--kms-key", metavar="ARN", help="the KMS key of your own that stacks use")
    made.add_argument("--permissions-boundary", metavar="ARN", help="what bounds the stacks' roles (deployer)")
    made.add_argument("--role-path", default="/", help="path of the stacks' roles (deployer); default: /")


def add_to_check(made: argparse.ArgumentParser) -> None:
    """The options of ``check`` about rights."""
    made.add_argument(
        "--aws",
        action="store_true",
        help="tell which rights the caller lacks for this job, and what is gone of its stack",
    )
    made.add_argument(
        "--as",
        dest="callers",
        action="append",
        choices=CALLERS,
        help="with --aws: the rights of a deployer, an operator, or Airflow's role; default: all",
    )
    made.add_argument("--principal", metavar="ARN", help="with --aws: another role or user than the caller")
    made.add_argument("--stack", help="with --aws: the job's stack")
    made.add_argument("--region", help="with --aws: AWS region; default: as boto3 finds it")


def refuse_without_aws(given: argparse.Namespace) -> None:
    """:raises EltError: an option of ``check`` is about rights, which were not asked for."""
    options = {"--as": given.callers, "--principal": given.principal, "--stack": given.stack, "--region": given.region}
    if not given.aws and (named := [option for option, value in options.items() if value]):
        raise EltError(f"{', '.join(named)} goes with --aws, which tells the rights that somebody lacks.")


def policy(given: argparse.Namespace) -> int:
    _refuse_what_is_not_meant(given)
    account, machines = Account.here(given.region), [compile_job(EltJob.load(job)) for job in given.jobs]
    place = _place(account, given.account)
    scope = Scope(
        place,
        given.stack or "*",
        () if given.caller == "deployer" else _deployed(account, machines, given.stack),
        not machines or any(machine.job_file or machine.parts for machine in machines),
        not machines or any(machine.functions for machine in machines),
        tuple(one for one in given.audit_table if not InRedshift.named(one)),
        (*_warehouse(given), *_of_audit_tables(given)),
        given.bucket or "",
        given.kms_key or "",
        given.role_path,
    )
    made = policies.document(_needed(given.caller, scope, machines, given.permissions_boundary or ""))
    print(json.dumps(made, indent=2))
    if (size := policies.size(made)) > MAX_CHARACTERS:
        print(
            f"Warning: the policy has {size:,} characters, a managed policy at most {MAX_CHARACTERS:,}. Divide its "
            f"statements among two; or make it a role's inline policy, which has at most {MAX_INLINE:,}; or name, "
            "instead of many jobs, a pattern of their stacks' names: --stack 'elt-*'.",
            file=sys.stderr,
        )
    return 0


def _needed(caller: Caller, scope: Scope, machines: Sequence[StateMachine], boundary: str = "") -> list[Grant]:
    templates = [render(machine).template for machine in machines]
    return policies.needed(caller, scope, templates, boundary)


def _refuse_what_is_not_meant(given: argparse.Namespace) -> None:
    """:raises EltError: an option would be without effect, or what the policy is about is not said."""
    if given.caller == "deployer" and not (given.jobs and given.stack):
        raise EltError(
            "What a deployer needs depends on what is deployed: name the jobs, and their stack or a pattern of stacks, "
            "as in `elt-redshift policy deployer JOB --stack NAME`."
        )
    of = {"mwaa": _WAREHOUSE, "deployer": ("permissions_boundary",)}
    for caller, options in of.items():
        named = [f"--{one.replace('_', '-')}" for one in options if getattr(given, one)]
        if named and given.caller != caller:
            raise EltError(f"{', '.join(named)} says nothing about {given.caller}: only {caller}'s policy has it.")
    if given.role_path != "/" and given.caller != "deployer":
        raise EltError(f"--role-path says nothing about {given.caller}: only deployer's policy has it.")
    if not (given.role_path.startswith("/") and given.role_path.endswith("/")):
        raise EltError(f"--role-path: '{given.role_path}' does not begin and end with a slash, as /elt/ does.")


def _of_audit_tables(given: argparse.Namespace) -> Iterator[Warehouse]:
    """Where audit tables in Redshift are."""
    yield from map(Warehouse.of, filter(InRedshift.named, given.audit_table))


def _warehouse(given: argparse.Namespace) -> tuple[Warehouse, ...]:
    """:raises EltError: not one of cluster and workgroup is given."""
    told = {option: value for option in _WAREHOUSE if (value := getattr(given, option))}
    if not told:
        return ()
    if bool(given.cluster) == bool(given.workgroup):
        raise EltError("Where DAGs run SQL is a cluster or a workgroup: give --cluster or --workgroup.")
    return (Warehouse(**told),)


def _account(text: str) -> str:
    if not (text.isascii() and text.isdigit() and len(text) == 12):
        raise argparse.ArgumentTypeError(f"'{text}' is not the twelve digits of an account")
    return text


def _place(account: Account, number: str | None) -> Place:
    """Nothing is asked where both are told."""
    meta = account.client("stepfunctions").meta
    try:
        return Place(meta.partition, meta.region_name, number or account.number)
    except AwsError as error:
        raise EltError(f"Whose account it is cannot be told ({error.message}). Give --account NUMBER.") from error


def _deployed(account: Account, machines: Sequence[StateMachine], stack: str | None) -> tuple[Deployed, ...]:
    """The stacks of the jobs; none, where they are not deployed yet and a stack's name says what will be.

    :raises EltError: some are not deployed, and no stack is named.
    """
    found: list[Deployed] = []
    for machine in machines:
        try:
            found.append(account.stacks.find(machine.job.name, None if _is_pattern(stack) else stack))
        except NotDeployedError as error:
            if not stack:
                raise EltError(
                    f"{error} For a policy before that, name the stack that it will have: --stack NAME."
                ) from error
            return ()
    return tuple(found)


def _is_pattern(stack: str | None) -> bool:
    return stack is not None and ("*" in stack or "?" in stack)


def check_rights(given: argparse.Namespace, job: EltJob) -> int:
    """Tell which rights somebody lacks; 1 if there are any."""
    account, machine = Account.here(given.region), compile_job(job)
    iam: Any = account.client("iam")
    who = given.principal or simulation.principal(iam, account.caller)
    deployed = _deployed(account, [machine], given.stack or "*")
    stack = given.stack or (deployed[0].stack if deployed else "*")
    place, large, functions = _place(account, None), bool(machine.job_file or machine.parts), bool(machine.functions)
    for one in deployed:
        for drift in drifts(account, one):
            print(f"Warning: {drift}", file=sys.stderr)
    missing = 0
    for caller in given.callers or CALLERS:
        scope = Scope(place, stack, () if caller == "deployer" else deployed, large, functions)
        found = [*simulation.lacks(iam, who, _needed(caller, scope, [machine]))]
        missing += len(found)
        for lack in found:
            print(f"{caller}: {lack}", file=sys.stderr)
        if not found:
            print(f"{who} has all rights that {caller} needs.")
    if missing:
        print(f"`elt-redshift policy` prints what {who} lacks.", file=sys.stderr)
    return int(bool(missing))
