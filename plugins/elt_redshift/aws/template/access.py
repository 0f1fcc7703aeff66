"""The option for accounts that bound what roles may do: a permissions boundary, and a path, for each role of the stack.

https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
"""

from __future__ import annotations

from elt_redshift.aws.template.intrinsics import is_given, ref, when
from elt_redshift.aws.template.part import Part, text_parameter

BOUNDARY, PATH = "PermissionsBoundary", "RolePath"
HAS_BOUNDARY, HAS_PATH = "HasPermissionsBoundary", "HasRolePath"

#: A policy of the account, or one of AWS's.
_POLICY = r"(arn:aws[a-z-]*:iam::(\d{12}|aws):policy/[\w+=,.@/-]+)?"


def added(whole: Part) -> Part:
    """The template with the option. Without values it changes nothing: a role with another path is another role."""
    part = Part(
        parameters={
            BOUNDARY: text_parameter(
                "ARN of a policy that bounds what the stack's roles may do.",
                _POLICY,
                "the ARN of a policy, as in arn:aws:iam::123456789012:policy/boundary",
            ),
            PATH: text_parameter(
                "Path of the stack's roles, such as /elt/; default: none.",
                r"(/[\w+=,.@/-]*/)?",
                "a path that begins and ends with a slash, as in /elt/",
            ),
        },
        conditions={HAS_BOUNDARY: is_given(BOUNDARY), HAS_PATH: is_given(PATH)},
    )
    properties = {"Path": when(HAS_PATH, ref(PATH)), "PermissionsBoundary": when(HAS_BOUNDARY, ref(BOUNDARY))}
    return whole.with_properties("AWS::IAM::Role", lambda *_: properties) + part
