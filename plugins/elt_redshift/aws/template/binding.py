"""From a compiled definition to that of a stack: the stack's own parameters and resources for the placeholders.

The stack's parameters decide by conditions inside its ``Definition`` object which members of a request there are
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-stepfunctions-statemachine.html).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from elt_redshift.asl.target import Target
from elt_redshift.aws.template import functions, job_file, tables, topic
from elt_redshift.aws.template.intrinsics import arn, ref
from elt_redshift.aws.template.warehouse import CONNECTION, OTHER_ROLE

#: Logical name of the machine that follows statements.
FOLLOWER = "StatementFollowerStepFunction"

_VALUES = {
    Target.audit_table: ref(tables.AUDIT),
    Target.history_table: ref(tables.HISTORY),
    Target.join_table: ref(tables.JOINS),
    Target.topic: ref(topic.TOPIC),
    Target.sql_function: arn(functions.SQL),
    Target.state_function: arn(functions.STATE),
    Target.job_file_bucket: ref(job_file.BUCKET),
    Target.job_file_key: ref(job_file.KEY),
    Target.warehouse_role: ref(OTHER_ROLE),
    Target.follower: ref(FOLLOWER),
}


def bound(value: Any) -> Any:
    """A definition, or a part of one, as the stack needs it."""
    match value:
        case dict():
            return dict(member for key, one in value.items() for member in _member(key, one))
        case list():
            return [bound(one) for one in value]
        case str():
            return _VALUES.get(value, value)
    return value


def _member(key: str, value: Any) -> Iterable[tuple[str, Any]]:
    if key in CONNECTION and value == Target.connection[key]:
        return CONNECTION[key].items()
    return ((key, bound(value)),)
