"""Uploads to S3 of what is too large to be sent inline."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from elt_redshift.aws.calls import aws_errors


def upload_template(client: Any, bucket: str, template: Mapping[str, Any]) -> str:
    """Put a template into ``bucket`` under a key made of its content, and give the URL that CloudFormation reads.

    :param client: a boto3 S3 client.
    """
    body = json.dumps(template, separators=(",", ":")).encode()
    key = f"elt-redshift/templates/{hashlib.sha256(body).hexdigest()}.json"
    with aws_errors(f"bucket {bucket}"):
        client.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")
    # Unsigned, as CloudFormation wants it: it reads with the caller's rights.
    return f"{client.meta.endpoint_url}/{bucket}/{key}"
