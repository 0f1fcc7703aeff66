"""Deploying a job: compile, let it be judged, render, upload what is too large to be sent, prepare the change set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from elt_redshift.aws import moving
from elt_redshift.aws.account import Account
from elt_redshift.aws.deployed import Deployed
from elt_redshift.aws.drift import drifts
from elt_redshift.aws.errors import GONE, AwsError
from elt_redshift.aws.moving import Move
from elt_redshift.aws.shared_table import check_id, shared
from elt_redshift.aws.stacks import JOB_TAG, MAX_INLINE, ChangeSet, Told, body
from elt_redshift.aws.template import functions, job_file, parts
from elt_redshift.aws.template.choices import Choices
from elt_redshift.aws.template.names import AUDIT, IN_REDSHIFT, OTHER_ROLE
from elt_redshift.aws.template.rendering import Rendered, render
from elt_redshift.aws.template.tables import address
from elt_redshift.aws.validation import compile_accepted
from elt_redshift.exceptions import EltError, JobError, Problem
from elt_redshift.job.model import EltJob
from elt_redshift.planning import risks
from elt_redshift.protocol.limits import MAX_TEMPLATE
from elt_redshift.protocol.places import Place


@dataclass(frozen=True)
class Prepared:
    """A change set that waits to be executed.

    :param long_polling: whether its tasks long-poll.
    :param warnings: what a run may break, and what somebody has deleted or disabled of the stack as it is.
    :param move: what changes that may only change while nobody has the lock.
    :param place: the address of the audit table, where that is in the warehouse.
    """

    job: EltJob
    change_set: ChangeSet
    long_polling: bool
    warnings: tuple[str, ...] = ()
    move: Move | None = None
    place: str | None = None


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
    :param bucket: for a template above 51,200 bytes, the job file of the map layout, parts, and functions; default: see
        :func:`elt_redshift.aws.uploads.default_bucket`.
    :param keeps_tables: whether the tables with the audit trail and the past runs outlive the stack; default: as it is
        deployed, and of a new one, yes.
    :raises EltError: the job, Step Functions or CloudFormation refuses, a run is sure to break a limit, or the audit
        table that is named cannot serve; or somebody has deleted what the stack has made.
    """
    before = account.stacks.at(stack)
    if before and before.is_made:
        _check_there(account, before)
    shares_table = shared(account.stacks, account.client("dynamodb"), job, stack, parameters)
    place = None
    if job.audit_in_redshift:
        if AUDIT in parameters:
            parameters = {**parameters, IN_REDSHIFT: parameters[AUDIT]}
        place = address({**(before.parameters if before else {}), **parameters})
        check_id(place, job, (one for one in account.stacks.all() if one.stack != stack))
    if not shares_table:
        parameters = {name: value for name, value in parameters.items() if name != AUDIT}
    if keeps_tables is None:
        keeps_tables = before is None or before.keeps_tables
    role = parameters.get(OTHER_ROLE, before.warehouse_role if before else "")
    if not role:
        parameters = {name: value for name, value in parameters.items() if name != OTHER_ROLE}
    machine = compile_accepted(account.client("stepfunctions"), job, role)
    told = (*(drifts(account, before) if before and before.is_made else ()), *risks.warnings(machine))
    rendered = render(machine, Choices(shares_table, keeps_tables))
    uploads = account.uploads(bucket)
    if rendered.job_file is not None:
        key = uploads.job_file(job.name, rendered.job_file)
        parameters = {**parameters, job_file.BUCKET: uploads.bucket, job_file.KEY: key}
    if rendered.parts:
        key = uploads.parts(job.name, rendered.parts)
        parameters = {**parameters, parts.BUCKET: uploads.bucket, parts.KEY: key}
    if rendered.code is not None:
        key = uploads.code(rendered.code)
        parameters = {**parameters, functions.BUCKET: uploads.bucket, functions.KEY: key}
    large = _size(job, rendered) > MAX_INLINE
    url = uploads.template(rendered.template) if large else None
    change_set = account.stacks.prepare(stack, rendered.template, parameters, {**(tags or {}), JOB_TAG: job.name}, url)
    values = {**(before.parameters if before else {}), **parameters}
    moved = moving.move(before, job, values, change_set.changes)
    if moved:
        with _discarded_if_refused(account, change_set):
            moving.check(account, moved)
    return Prepared(job, change_set, machine.target.long_polling, told, moved, place)


def _check_there(account: Account, deployed: Deployed) -> None:
    """CloudFormation does not see what somebody has deleted outside of it: it makes nothing anew, and fails where that
    is to change.

    :raises AwsError: the state machine or the audit table is gone. Whether they are, not everybody may ask.
    """
    account.executions(deployed.state_machine_arn).check_there()
    if Place.named(deployed.audit_table):
        return  # it is made, if need be, with the next change
    try:
        account.audit(deployed.audit_table).read(deployed.job_id)
    except AwsError as error:
        if error.code in GONE:
            raise


@contextmanager
def _discarded_if_refused(account: Account, change_set: ChangeSet) -> Iterator[None]:
    try:
        yield
    except EltError:
        account.stacks.discard(change_set)
        raise


def carry_out(account: Account, prepared: Prepared, told: Told = lambda _: None) -> Deployed:
    """Execute the change set, having made what it needs: an audit table in the warehouse, with the job's row. Both are
    there before the first run, however soon that starts; a deployment that fails leaves a row that nobody holds.

    :param told: is given what becomes of each resource, as it happens.
    :raises EltError: the warehouse refuses the table, somebody has the lock and it is to move, or a resource failed.
    """
    job, change_set = prepared.job, prepared.change_set
    with ExitStack() as meanwhile:
        with _discarded_if_refused(account, change_set):
            if prepared.move:
                meanwhile.enter_context(moving.held(account, prepared.move))
            if prepared.place:
                store = account.audit_in_redshift(prepared.place)
                store.create()
                store.introduce(job.job_id)
        account.stacks.execute(change_set, told)
    return account.stacks.find(job.name, change_set.stack)


def _size(job: EltJob, rendered: Rendered) -> int:
    """Bytes of the template.

    :raises JobError: CloudFormation takes no such template.
    """
    if (size := len(body(rendered.template))) > MAX_TEMPLATE:
        said = f"its template has {size:,} bytes, and CloudFormation takes at most {MAX_TEMPLATE:,}."
        remedy = "Choose `layout: map`, move long SQL into stored procedures, or split the job."
        raise JobError([Problem(f"job {job.name}", said, remedy)])
    return size
