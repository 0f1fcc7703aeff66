"""From a compiled definition to that of a stack: the stack's own parameters and resources for the placeholders.

The stack's parameters decide by conditions inside its ``Definition`` object which members of a request there are
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-stepfunctions-statemachine.html).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from elt_redshift.asl.target import Target
from elt_redshift.aws.template import functions, job_file, tables, topic
from elt_redshift.aws.template.intrinsics import arn, ref
from elt_redshift.aws.template.names import AUDIT, OTHER_ROLE
from elt_redshift.aws.template.warehouse import CONNECTION

#: Logical name of the machine that follows statements.
FOLLOWER = "StatementFollowerStepFunction"

_VALUES = {
    Target.audit_table: ref(AUDIT),
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


def filled(name: str) -> Any:
    """What stands for ``${name}`` in a definition that is no part of the template."""
    return _VALUES.get(f"${{{name}}}", ref(name))


#: An address is much longer than a name, and stands in many states: a substitution of the definition's fills it in.
_IN_REDSHIFT = {**_VALUES, Target.audit_table: Target.audit_table}


def bound(value: Any, audit_in_redshift: bool = False) -> Any:
    """A definition, or a part of one, as the stack needs it.

    :param audit_in_redshift: whether :func:`substitutions` name the audit table.
    """
    return _bound(value, _IN_REDSHIFT if audit_in_redshift else _VALUES)


def substitutions(audit_in_redshift: bool) -> dict[str, Any]:
    """What a definition is substituted by where it is deployed, for ``DefinitionSubstitutions``."""
    return {Target.audit_table[2:-1]: tables.ADDRESS} if audit_in_redshift else {}


def _bound(value: Any, values: Mapping[str, Any]) -> Any:
    match value:
        case dict():
            return dict(member for key, one in value.items() for member in _member(key, one, values))
        case list():
            return [_bound(one, values) for one in value]
        case str():
            return values.get(value, value)
    return value


def _member(key: str, value: Any, values: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    if key in CONNECTION and value == Target.connection[key]:
        return CONNECTION[key].items()
    return ((key, _bound(value, values)),)
