"""Deploying a job: compile, let it be judged, render, upload what is too large to be sent, prepare the change set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from elt_redshift.aws.account import Account
from elt_redshift.aws.shared_table import shared
from elt_redshift.aws.stacks import JOB_TAG, MAX_INLINE, ChangeSet, body
from elt_redshift.aws.template import functions, job_file
from elt_redshift.aws.template.choices import Choices
from elt_redshift.aws.template.rendering import render
from elt_redshift.aws.template.tables import AUDIT
from elt_redshift.aws.template.warehouse import OTHER_ROLE
from elt_redshift.aws.validation import compile_accepted
from elt_redshift.job.model import EltJob
from elt_redshift.planning import risks


@dataclass(frozen=True)
class Prepared:
    """A change set that waits to be executed, whether its tasks long-poll, and what a run may break."""

    change_set: ChangeSet
    long_polling: bool
    warnings: tuple[str, ...] = ()


def prepare(
    account: Account,
    job: EltJob,
    stack: str,
    parameters: Mapping[str, str],
    tags: Mapping[str, str] | None = None,
    bucket: str | None = None,
    keeps_tables: bool | None = None,
) -> Prepared:
    """Everything up to the change set; nothing is changed yet but, for a large template or job, objects in S3.

    :param parameters: the template's parameters; for an existing stack those not given keep their values.
    :param bucket: for a template above 51,200 bytes, the job file of the map layout, and functions; default: see
        :func:`elt_redshift.aws.uploads.default_bucket`.
    :param keeps_tables: whether the tables with the audit trail and the past runs outlive the stack; default: as it is
        deployed, and of a new one, yes.
    :raises EltError: the job, Step Functions or CloudFormation refuses, a run is sure to break a limit, or the audit
        table that is named cannot serve.
    """
    shares_table = shared(account.stacks, account.client("dynamodb"), job, stack, parameters)
    if not shares_table:
        parameters = {name: value for name, value in parameters.items() if name != AUDIT}
    before = account.stacks.at(stack)
    if keeps_tables is None:
        keeps_tables = before is None or before.keeps_tables
    role = parameters.get(OTHER_ROLE, before.warehouse_role if before else "")
    if not role:
        parameters = {name: value for name, value in parameters.items() if name != OTHER_ROLE}
    machine = compile_accepted(account.client("stepfunctions"), job, role)
    told = tuple(risks.warnings(machine))
    rendered = render(machine, Choices(shares_table, keeps_tables))
    uploads = account.uploads(bucket)
    if rendered.job_file is not None:
        key = uploads.job_file(job.name, rendered.job_file)
        parameters = {**parameters, job_file.BUCKET: uploads.bucket, job_file.KEY: key}
    if rendered.code is not None:
        key = uploads.code(rendered.code)
        parameters = {**parameters, functions.BUCKET: uploads.bucket, functions.KEY: key}
    large = len(body(rendered.template)) > MAX_INLINE
    url = uploads.template(rendered.template) if large else None
    change_set = account.stacks.prepare(stack, rendered.template, parameters, {**(tags or {}), JOB_TAG: job.name}, url)
    return Prepared(change_set, machine.target.long_polling, told)
