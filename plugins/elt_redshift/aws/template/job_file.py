"""The parameters that name the job file, in the map layout: the tasks stand in S3, and whoever deploys uploads them."""

from __future__ import annotations

from elt_redshift.aws.template.intrinsics import ARN, sub
from elt_redshift.aws.template.part import Named, Part

#: Logical names of the parameters.
BUCKET, KEY = "JobFileBucket", "JobFileKey"


def part() -> Part:
    """Bucket and key."""
    bucket = {
        "Type": "String",
        "Description": "S3 bucket of the job file, which holds the tasks; in this region.",
        "AllowedPattern": "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
    }
    key = {
        "Type": "String",
        "Description": "Key of the job file; `elt-redshift deploy` uploads it under a hash of its content.",
        "AllowedPattern": ".{1,1024}",
    }
    named = Named(sub(f"{ARN}s3:::${{{BUCKET}}}/${{{KEY}}}"))
    return Part(parameters={BUCKET: bucket, KEY: key}, named={"job file": named})
