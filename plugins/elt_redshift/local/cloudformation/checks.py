"""Checks of a request before anything is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote, urlparse

from botocore.exceptions import ClientError

from elt_redshift.local.cloudformation.errors import CloudFormationError
from elt_redshift.local.cloudformation.resources import handler
from elt_redshift.local.cloudformation.template import INLINE_BYTES, S3_BYTES, Template

IAM_TYPES = frozenset(
    f"AWS::IAM::{name}"
    for name in (
        "AccessKey",
        "Group",
        "InstanceProfile",
        "ManagedPolicy",
        "Policy",
        "Role",
        "User",
        "UserToGroupAddition",
    )
)
NAME_PROPERTIES = frozenset({"RoleName", "UserName", "GroupName", "ManagedPolicyName", "InstanceProfileName"})


def template_text(request: Mapping[str, Any], client: Callable[[str], Any]) -> str:
    """The template of a request, inline or from S3, within AWS's limits.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
    """
    if body := request.get("TemplateBody"):
        _check_size(body, INLINE_BYTES, "templateBody")
        return str(body)
    url = request.get("TemplateURL")
    if not url:
        raise CloudFormationError("Either Template URL or Template Body must be specified.")
    bucket, key = _bucket_and_key(url)
    try:
        text = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    except ClientError as error:
        raise CloudFormationError(f"S3 error: {error.response['Error'].get('Message')}") from error
    _check_size(text, S3_BYTES, "templateURL")
    return str(text)


def _check_size(text: str, limit: int, name: str) -> None:
    if len(text.encode()) > limit:
        raise CloudFormationError(
            f"1 validation error detected: Value at '{name}' failed to satisfy constraint: "
            f"Member must have length less than or equal to {limit}"
        )


def _bucket_and_key(url: str) -> tuple[str, str]:
    """From a virtual-hosted or a path-style URL of S3, or one of the embedded AWS's endpoint."""
    parts = urlparse(url)
    host, path = parts.hostname or "", unquote(parts.path).lstrip("/")
    if host.startswith("s3") or host == "localhost" or _is_address(host):
        bucket, _, key = path.partition("/")
        return bucket, key
    return host.split(".s3", 1)[0], path


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def check_types(template: Template) -> None:
    """Refuse types that are not emulated: a stack without some of its resources would only seem complete."""
    types = sorted({resource["Type"] for resource in template["Resources"].values()})
    if unknown := [name for name in types if handler(name) is None]:
        raise CloudFormationError(
            f"Template format error: Unrecognized resource types: [{', '.join(unknown)}] "
            "(the embedded AWS does not emulate them)"
        )


def check_capabilities(template: Template, given: Sequence[str]) -> None:
    """IAM resources need the caller's consent.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/control-access-with-iam.html
    """
    iam = [resource for resource in template["Resources"].values() if resource["Type"] in IAM_TYPES]
    named = any(NAME_PROPERTIES & set(resource.get("Properties", {})) for resource in iam)
    needed = "CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"
    if iam and not {needed, "CAPABILITY_NAMED_IAM"} & set(given):
        raise CloudFormationError(f"Requires capabilities : [{needed}]", "InsufficientCapabilitiesException")
