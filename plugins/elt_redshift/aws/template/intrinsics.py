"""CloudFormation's intrinsic functions.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
"""

from __future__ import annotations

from typing import Any

#: What ARNs begin with, and their region and account, for :func:`sub`.
ARN = "arn:${AWS::Partition}:"
HERE = "${AWS::Region}:${AWS::AccountId}"


def ref(name: str) -> dict[str, str]:
    """The value of a parameter, or what names a resource."""
    return {"Ref": name}


def arn(resource: str) -> dict[str, list[str]]:
    """The ARN of a resource of the stack."""
    return {"Fn::GetAtt": [resource, "Arn"]}


def sub(text: str) -> dict[str, str]:
    """``text`` with the values of what it names as ``${Name}``."""
    return {"Fn::Sub": text}


def when(condition: str, value: Any, otherwise: Any = None) -> dict[str, Any]:
    """``value`` if the condition holds; else ``otherwise``, by default nothing at all."""
    return {"Fn::If": [condition, value, ref("AWS::NoValue") if otherwise is None else otherwise]}


def is_empty(parameter: str) -> dict[str, Any]:
    """A condition: whether a parameter is not given."""
    return {"Fn::Equals": [ref(parameter), ""]}


def is_given(parameter: str) -> dict[str, Any]:
    """A condition: whether a parameter is given."""
    return {"Fn::Not": [is_empty(parameter)]}
