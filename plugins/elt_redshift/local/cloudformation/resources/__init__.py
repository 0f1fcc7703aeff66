"""Resource types that a stack of the embedded AWS may hold."""

from __future__ import annotations

from elt_redshift.local.cloudformation.resources import (
    access,
    compute,
    custom,
    notices,
    queues,
    states,
    tables,
    triggers,
)
from elt_redshift.local.cloudformation.resources.base import Context, Handler, Made, Resource, updated
from elt_redshift.local.cloudformation.resources.others import MotoHandler

__all__ = ["Context", "Handler", "Made", "Resource", "handler", "updated"]

_OURS: tuple[type[Handler], ...] = (
    states.StateMachine,
    states.StateMachineVersion,
    states.StateMachineAlias,
    tables.Table,
    access.Role,
    access.Policy,
    access.ManagedPolicy,
    compute.Function,
    triggers.Rule,
    triggers.Schedule,
    triggers.ScheduleGroup,
    queues.Queue,
    queues.QueuePolicy,
    triggers.Topic,
    triggers.LogGroup,
    notices.TopicPolicy,
    notices.Alarm,
)
_NOT_EMULATED = frozenset({"AWS::CloudFormation::Stack"})
"""Types whose handlers in moto expect moto's own stacks."""
_HANDLERS: dict[str, Handler] = {cls.type: cls() for cls in _OURS}


def handler(type_name: str) -> Handler | None:
    """The handler of a resource type, or None for a type that is not emulated."""
    if type_name in _NOT_EMULATED:
        return None
    if type_name not in _HANDLERS and (type_name.startswith(custom.PREFIX) or type_name == custom.PLAIN):
        _HANDLERS[type_name] = custom.CustomResource(type_name)
    if type_name not in _HANDLERS:
        from moto.cloudformation.parsing import get_model_map

        model = get_model_map().get(type_name)
        if model is None:
            return None
        _HANDLERS[type_name] = MotoHandler(type_name, model)
    return _HANDLERS[type_name]
