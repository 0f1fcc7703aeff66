"""Uploads to S3 of what is too large to be sent inline."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from elt_redshift.aws.calls import AwsError, aws_errors


def default_bucket(client: Any, account: str) -> str:
    """The name of the account's own bucket for templates in the client's region; it is made when there is none.

    :param client: a boto3 S3 client.
    """
    region = client.meta.region_name
    bucket = f"elt-redshift-{account}-{region}"
    # us-east-1 is the default, and S3 refuses it as an explicit location.
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    try:
        with aws_errors(f"bucket {bucket}"):
            client.create_bucket(Bucket=bucket, **where)
    except AwsError as error:
        if error.code not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
            raise
    return bucket


def upload_template(client: Any, bucket: str, account: str, template: Mapping[str, Any]) -> str:
    """Put a template into ``bucket`` under a key made of its content, and give the URL that CloudFormation reads.

    :param client: a boto3 S3 client.
    :param account: the account that must own the bucket, so that nothing is given to a stranger's of that name.
    """
    body = json.dumps(template, separators=(",", ":")).encode()
    key = f"elt-redshift/templates/{hashlib.sha256(body).hexdigest()}.json"
    with aws_errors(f"bucket {bucket}"):
        client.put_object(
            Bucket=bucket, Key=key, Body=body, ContentType="application/json", ExpectedBucketOwner=account
        )
    return f"{client.meta.endpoint_url}/{bucket}/{key}"
