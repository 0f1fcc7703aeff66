"""Writes as members of DynamoDB's ``UpdateItem``, whoever calls it.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html and
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ConditionExpressions.html
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from elt_redshift.protocol.writes import (
    Absent,
    AtMost,
    Below,
    Demand,
    Every,
    Given,
    Has,
    Is,
    IsNot,
    Kind,
    Present,
    Size,
    Some,
    Typed,
    Write,
)

#: Attributes of ours that have the names of words which DynamoDB keeps to itself.
#: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html
RESERVED = ("Owner",)

#: Stands for an attribute that was not there when the item was read.
NOTHING = {"NULL": True}

#: The demands that expressions have as functions, by their names: of an attribute, and of an attribute and a value.
ASKING: Mapping[str, Any] = {"attribute_not_exists": Absent, "attribute_exists": Present}
ASKING_OF: Mapping[str, Any] = {"attribute_type": Typed, "contains": Has}

_TYPES: Mapping[Kind, str] = {"text": "S", "number": "N", "texts": "SS", "object": "M"}


def update(
    table: Any,
    key: Mapping[str, Any],
    write: Write,
    values: Mapping[str, Any],
    names: Mapping[str, Any] | None = None,
    condition: Any = None,
    answered: bool = False,
    change: Any = None,
) -> dict[str, Any]:
    """The members of a request that makes ``write``.

    :param key: the members of the item's key, which are texts.
    :param values: what the write is given, by the names of its values. Numbers are given in digits.
    :param names: of attributes whose names are computed: what computes them.
    :param condition: what stands for the write's demands where a state machine computes them; see :func:`demanded`.
    :param answered: the answer holds the item as it is after the write.
    :param change: what stands for the changes themselves where a state machine computes them; see :func:`changed`.
    :raises ValueError: the values are not those that the write needs.
    """
    form = _form(write, tuple(names or ()))
    if form.always.keys() & values.keys() or form.kinds.keys() != form.always.keys() | values.keys():
        raise ValueError(f"the write needs {sorted(form.kinds.keys() - form.always.keys())}, and is given {[*values]}")
    condition = form.condition if condition is None else condition
    placeholders = {**form.reserved, **{_name(one, names or ()): name for one, name in (names or {}).items()}}
    given = {f":{name}": _typed(form.kinds[name], value) for name, value in {**form.always, **values}.items()}
    return {
        "TableName": table,
        "Key": _key(key),
        "UpdateExpression": form.expression if change is None else change,
        **({} if condition is None else {"ConditionExpression": condition}),
        **({"ExpressionAttributeNames": placeholders} if placeholders else {}),
        **({"ExpressionAttributeValues": given} if given else {}),
        **({"ReturnValues": "ALL_NEW"} if answered else {}),
    }


def delete(table: Any, key: Mapping[str, Any], demands: Write) -> dict[str, Any]:
    """The members of a request that deletes an item of which ``demands`` holds.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteItem.html
    """
    request = update(table, key, demands, {})
    return {name: value for name, value in request.items() if name != "UpdateExpression"}


def get(table: Any, key: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a request that reads an item as it is now.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html
    """
    return {"TableName": table, "Key": _key(key), "ConsistentRead": True}


def expressions(request: Mapping[str, Any]) -> tuple[str, str | None]:
    """What a request of :func:`update` changes, and on which condition; None: on none."""
    return request["UpdateExpression"], request.get("ConditionExpression")


def changed(write: Write, names: Collection[str] = ()) -> str:
    """The update expression of a write.

    :param names: the attributes whose names are computed.
    """
    return _expression(write, names)


def demanded(demand: Demand, names: Collection[str] = ()) -> str:
    """The condition expression of a demand.

    :param names: the attributes whose names are computed.
    """
    return _condition(demand, names)


@dataclass(frozen=True)
class _Form:
    """What of a request depends on the write alone."""

    expression: str
    condition: str | None
    kinds: Mapping[str, Kind]
    always: Mapping[str, Any]
    reserved: Mapping[str, str]


@cache
def _form(write: Write, names: tuple[str, ...]) -> _Form:
    values = write.values()
    used = (*write.adds, *write.deletes, *write.sets, *write.once, *write.removes, *_attributes(write.demands))
    return _Form(
        _expression(write, names),
        None if write.demands is None else demanded(write.demands, names),
        {name: value.kind for name, value in values.items()},
        write.constants(),
        {_name(one, names): one for one in used if one in RESERVED},
    )


def _key(key: Mapping[str, Any]) -> dict[str, Any]:
    return {name: {"S": value} for name, value in key.items()}


def _typed(kind: Kind, value: Any) -> dict[str, Any]:
    if kind == "read":
        return dict(value)
    if kind == "object":
        value = {name: {"S": one} for name, one in value.items()}
    return {_TYPES[kind]: value}


def _name(attribute: str, names: Collection[str]) -> str:
    """The attribute as expressions name it."""
    return f"#{attribute.lower()}" if attribute in names or attribute in RESERVED else attribute


def _attributes(demand: Demand | None) -> tuple[str, ...]:
    match demand:
        case None:
            return ()
        case Every(demands) | Some(demands):
            return tuple(attribute for one in demands for attribute in _attributes(one))
        case _:
            return (demand.attribute,)


def _expression(write: Write, names: Collection[str]) -> str:
    adds = [f"{_name(one, names)} :{value.name}" for one, value in write.adds.items()]
    deletes = [f"{_name(one, names)} :{value.name}" for one, value in write.deletes.items()]
    sets = [f"{_name(one, names)} = :{value.name}" for one, value in write.sets.items()]
    sets += [_set_once(_name(one, names), value) for one, value in write.once.items()]
    removes = [_name(one, names) for one in write.removes]
    clauses = {"ADD": adds, "DELETE": deletes, "SET": sets, "REMOVE": removes}
    return " ".join(f"{verb} {', '.join(parts)}" for verb, parts in clauses.items() if parts)


def _set_once(name: str, value: Given) -> str:
    return f"{name} = if_not_exists({name}, :{value.name})"


def _condition(demand: Demand, names: Collection[str], inside: bool = False) -> str:
    match demand:
        case Absent(attribute):
            return f"attribute_not_exists({_name(attribute, names)})"
        case Present(attribute):
            return f"attribute_exists({_name(attribute, names)})"
        case Is(attribute, value):
            return f"{_name(attribute, names)} = :{value.name}"
        case IsNot(attribute, value):
            text = f"{_condition(Absent(attribute), names)} OR {_name(attribute, names)} <> :{value.name}"
            return f"({text})" if inside else text
        case AtMost(attribute, value):
            return f"{_name(attribute, names)} <= :{value.name}"
        case Below(attribute, value):
            return f"{_name(attribute, names)} < :{value.name}"
        case Typed(attribute, value):
            return f"attribute_type({_name(attribute, names)}, :{value.name})"
        case Has(attribute, value):
            return f"contains({_name(attribute, names)}, :{value.name})"
        case Size(attribute, how, value):
            return f"size({_name(attribute, names)}) {how} :{value.name}"
        case Every(demands) | Some(demands):
            word = " AND " if isinstance(demand, Every) else " OR "
            text = word.join(_condition(one, names, inside=True) for one in demands)
            return f"({text})" if inside else text
