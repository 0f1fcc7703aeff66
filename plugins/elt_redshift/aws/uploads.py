"""Uploads to S3 of what is too large to be sent inline."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from elt_redshift.aws import stacks
from elt_redshift.aws.errors import AwsError, aws_errors


def default_bucket(client: Any, account: str) -> str:
    """The name of the account's own bucket for templates in the client's region; it is made when there is none.

    :param client: a boto3 S3 client.
    """
    bucket = f"elt-redshift-{account}-{client.meta.region_name}"
    try:
        make_bucket(client, bucket)
    except AwsError as error:
        if error.code not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
            raise
    return bucket


def make_bucket(client: Any, bucket: str) -> None:
    """Make a bucket in the client's region.

    :raises AwsError: S3 refuses, or there is one of that name.
    """
    region = client.meta.region_name
    # us-east-1 is the default, and S3 refuses it as an explicit location.
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    with aws_errors(f"bucket {bucket}"):
        client.create_bucket(Bucket=bucket, **where)


def remove_bucket(client: Any, bucket: str) -> None:
    """Delete a bucket and what is in it, if it is there.

    :raises AwsError: S3 refuses.
    """
    try:
        with aws_errors(f"bucket {bucket}"):
            for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
                for one in page.get("Contents", ()):
                    client.delete_object(Bucket=bucket, Key=one["Key"])
            client.delete_bucket(Bucket=bucket)
    except AwsError as error:
        if error.code != "NoSuchBucket":
            raise


class Uploads:
    """Puts objects into a bucket, each under a key made of its content, so that what runs is never overwritten.

    :param client: gives the boto3 client of a service.
    :param bucket: default: see :func:`default_bucket`; looked up, or made, when the first object is put.
    """

    def __init__(self, client: Callable[[str], Any], bucket: str | None = None) -> None:
        self._client, self._bucket = client, bucket

    @cached_property
    def _account(self) -> str:
        with aws_errors("caller identity"):
            return str(self._client("sts").get_caller_identity()["Account"])

    @cached_property
    def bucket(self) -> str:
        """The bucket's name."""
        return self._bucket or default_bucket(self._client("s3"), self._account)

    def template(self, template: Mapping[str, Any]) -> str:
        """Put a template, and give the URL that CloudFormation reads."""
        key = self._put("elt-redshift/templates", stacks.body(template).encode())
        return f"{self._client('s3').meta.endpoint_url}/{self.bucket}/{key}"

    def job_file(self, job: str, body: bytes) -> str:
        """Put the job file of the job named ``job``, and give its key."""
        return self._put(f"elt-redshift/jobs/{job}", body)

    def parts(self, job: str, bodies: Sequence[bytes]) -> str:
        """Put the definitions of the parts of the job named ``job``, and give what their keys begin with: behind it
        come a slash, their numbers from 1 and the kind."""
        digest = hashlib.sha256(b"\0".join(bodies)).hexdigest()
        folder = f"elt-redshift/jobs/{job}/{digest}"
        for number, body in enumerate(bodies, 1):
            self._write(f"{folder}/{number}.json", body, "json")
        return folder

    def code(self, body: bytes) -> str:
        """Put the code of functions, and give its key."""
        return self._put("elt-redshift/functions", body, "zip")

    def _put(self, folder: str, body: bytes, kind: str = "json") -> str:
        key = f"{folder}/{hashlib.sha256(body).hexdigest()}.{kind}"
        self._write(key, body, kind)
        return key

    def _write(self, key: str, body: bytes, kind: str) -> None:
        with aws_errors(f"bucket {self.bucket}"):
            # Only into a bucket of this account: nothing is given to a stranger's of that name.
            self._client("s3").put_object(
                Bucket=self.bucket,
                Key=key,
                Body=body,
                ContentType=f"application/{kind}",
                ExpectedBucketOwner=self._account,
            )
