"""Deploying a job: validate, render, upload if need be, prepare the change set."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from elt_redshift.aws.calls import aws_errors
from elt_redshift.aws.stacks import MAX_INLINE, ChangeSet, Stacks
from elt_redshift.aws.template import JOB_TAG, render_template
from elt_redshift.aws.uploads import default_bucket, upload_template
from elt_redshift.aws.validation import supports_long_polling
from elt_redshift.job.model import EltJob


@dataclass(frozen=True)
class Prepared:
    """A change set that waits to be executed, and whether its tasks long-poll."""

    change_set: ChangeSet
    long_polling: bool


def prepare(
    client: Callable[[str], Any],
    job: EltJob,
    stack: str,
    parameters: Mapping[str, str],
    tags: Mapping[str, str] | None = None,
    bucket: str | None = None,
) -> Prepared:
    """Everything up to the change set; nothing is changed yet but, for a large template, an object in S3.

    :param client: gives the boto3 client of a service, as :class:`elt_redshift.aws.calls.Clients` does.
    :param parameters: the template's parameters; for an existing stack those not given keep their values.
    :param bucket: for a template above 51,200 bytes; default: see :func:`elt_redshift.aws.uploads.default_bucket`.
    :raises EltError: the job, Step Functions or CloudFormation refuses.
    """
    machines = client("stepfunctions")
    partition = machines.meta.partition
    long_polling = supports_long_polling(machines, job, partition)
    template = render_template(job, partition, long_polling)
    url = _uploaded(client, template, bucket)
    tags = {**(tags or {}), JOB_TAG: job.name}
    return Prepared(Stacks(client("cloudformation")).prepare(stack, template, parameters, tags, url), long_polling)


def _uploaded(client: Callable[[str], Any], template: Mapping[str, Any], bucket: str | None) -> str | None:
    """The URL of a template that is too large to be sent inline."""
    if len(json.dumps(template, separators=(",", ":"))) <= MAX_INLINE:
        return None
    with aws_errors("caller identity"):
        account = client("sts").get_caller_identity()["Account"]
    s3 = client("s3")
    return upload_template(s3, bucket or default_bucket(s3, account), account, template)
