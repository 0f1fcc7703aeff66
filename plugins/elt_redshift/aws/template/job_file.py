"""The parameters that name the job file, in the map layout: the tasks stand in S3, and whoever deploys uploads them."""

from __future__ import annotations

from elt_redshift.aws.template.intrinsics import ARN, sub
from elt_redshift.aws.template.part import Named, Part, object_parameters

#: Logical names of the parameters.
BUCKET, KEY = "JobFileBucket", "JobFileKey"


def part() -> Part:
    """Bucket and key."""
    about = "Key of the job file; `elt-redshift deploy` uploads it under a hash of its content."
    parameters = object_parameters(BUCKET, "the job file, which holds the tasks", KEY, about)
    named = Named(sub(f"{ARN}s3:::${{{BUCKET}}}/${{{KEY}}}"))
    return Part(parameters=parameters, named={"job file": named})
