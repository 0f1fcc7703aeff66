"""Writes to an audit item as SQL, for an item that is a row of a table in Redshift.

Each attribute is a column under its own name, in small letters, and one that is absent is NULL. A write is one UPDATE:
it changes one row or none, and how many it has changed tells whether its demands held. Redshift enforces no keys, so a
job's row is made beforehand, and each write also demands that there is one only.

https://docs.aws.amazon.com/redshift/latest/dg/r_UPDATE.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from elt_redshift.protocol import audit
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
    Some,
    Typed,
    Write,
)

#: The attributes of an item that are no texts: numbers; objects of texts, which a column has as JSON; and sets of
#: texts, which it has one behind the other, each in angle brackets, that no member has.
_KINDS: Mapping[str, Kind] = {
    audit.FENCE: "number",
    audit.REDRIVES: "number",
    audit.ASSUMED: "object",
    audit.WAITING: "texts",
}

#: The columns of the table, by the attributes that they stand for.
ATTRIBUTES = (
    audit.JOB_ID,
    audit.JOB_STATE,
    audit.JOB_START,
    audit.JOB_END,
    audit.OWNER,
    audit.LEASE_UNTIL,
    audit.FAILED_TASK,
    audit.FAILED_STATEMENT,
    audit.MESSAGE,
    audit.AFTER_FAILURE,
    audit.LAST_OWNER,
    audit.TAKEN_OVER_FROM,
    audit.RESERVED_FOR,
    audit.REDRIVES,
    audit.FENCE,
    audit.FENCE_ERA,
    audit.FENCE_TABLE,
    audit.ASSUMED,
    "AssumedAt",
    "AssumedBy",
    "UnlockedAt",
    "UnlockedBy",
    "UnlockReason",
    audit.UNLOCKED_FROM,
    audit.WAITING,
)

_JOB = "elt_job"

#: So many characters a member of a set has at most: a time, and the ARN of an execution.
_LONGEST_MEMBER = 1000


class Query(NamedTuple):
    """Statements, and the values of their ``:name`` parameters; several are one transaction."""

    statements: tuple[str, ...]
    parameters: Mapping[str, str]


def update(table: str, job_id: str, write: Write, values: Mapping[str, Any]) -> Query:
    """Makes ``write``.

    :param table: its name, quoted.
    :param values: what the write is given, as :func:`elt_redshift.protocol.dynamodb.update` takes it.
    :raises KeyError: the values are not those that it needs.
    """
    form = _Form({**write.constants(), **values})
    changes = [f"{column(name)} = {form.bound(name, value)}" for name, value in write.sets.items()]
    for name, value in write.once.items():
        changes.append(f"{column(name)} = coalesce({column(name)}, {form.bound(name, value)})")
    for name, value in write.adds.items():
        more = _added if value.kind == "texts" else _grown
        changes.append(f"{column(name)} = {more(column(name), form.all(name, value))}")
    for name, value in write.deletes.items():
        changes.append(f"{column(name)} = {_without(column(name), form.all(name, value))}")
    changes += [f"{column(name)} = null" for name in write.removes]
    where = f"{_of_job(table)}{_and(write.demands, form)}"
    return Query((f"update {table} set {', '.join(changes)} where {where}",), form.used | {_JOB: job_id})


def answered(update: Query, table: str) -> Query:
    """A write, and the row as it is behind it, for :func:`item`."""
    read = select(table, update.parameters[_JOB])
    return Query((*update.statements, *read.statements), update.parameters)


def delete(table: str, job_id: str, demands: Write) -> Query:
    """Deletes the row of a job of which ``demands`` holds."""
    form = _Form(demands.constants())
    where = f"{_of_job(table)}{_and(demands.demands, form)}"
    return Query((f"delete from {table} where {where}",), form.used | {_JOB: job_id})


def select(table: str, job_id: str | None = None) -> Query:
    """The rows of a job, or of all jobs, for :func:`item`."""
    columns = ", ".join(map(column, ATTRIBUTES))
    if job_id is None:
        return Query((f"select {columns} from {table} order by {column(audit.JOB_ID)}",), {})
    return Query((f"select {columns} from {table} where {column(audit.JOB_ID)} = :{_JOB}",), {_JOB: job_id})


def insert(table: str, job_id: str) -> Query:
    """Gives a job a row, Ready, if it has none. The lock of the table keeps two from doing so at once, as far as they
    see behind it what was committed before it."""
    key, state = column(audit.JOB_ID), column(audit.JOB_STATE)
    there = f"select 1 from {table} where {key} = :{_JOB}"
    new = f"select cast(:{_JOB} as varchar(512)), '{audit.READY}' where not exists ({there})"
    return Query((f"lock table {table}", f"insert into {table} ({key}, {state}) {new}"), {_JOB: job_id})


def create(table: str) -> Query:
    """Makes the table."""
    others = (f"{column(name)} {_type(name)}" for name in ATTRIBUTES[1:])
    key = f"{column(audit.JOB_ID)} varchar(512) not null"
    return Query((f"create table {table} ({', '.join((key, *others))})",), {})


def column(attribute: str) -> str:
    """The column of an attribute, quoted."""
    return f'"{attribute.lower()}"'


def item(row: Sequence[Any]) -> dict[str, Any]:
    """A row as the item in DynamoDB's JSON that it would be there."""
    return {name: _typed(name, value) for name, value in zip(ATTRIBUTES, row, strict=True) if value is not None}


class _Form:
    """Renders values, and keeps those that are used."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self.used: dict[str, str] = {}

    def bound(self, attribute: str, value: Given) -> str:
        """The value as a column of its attribute takes it. The Data API binds no empty text."""
        if not (text := _text(value, self._values[value.name])):
            return "''"
        self.used[value.name] = text
        return f"cast(:{value.name} as {_type(attribute)})"

    def all(self, attribute: str, value: Given) -> list[str]:
        """The same of each member of a set; of what is none, of the value."""
        if value.kind != "texts":
            return [self.bound(attribute, value)]
        return [self.member(f"{value.name}{place}", one) for place, one in enumerate(self._values[value.name])]

    def member(self, name: str, text: str) -> str:
        """A member of a set as a column has it."""
        self.used[name] = f"<{text}>"
        return f"cast(:{name} as varchar({_LONGEST_MEMBER}))"

    def nothing(self, value: Given) -> bool:
        """Whether it stands for an attribute that was not there when the item was read."""
        return value.kind == "read" and "NULL" in self._values[value.name]

    def condition(self, demand: Demand) -> str:
        match demand:
            case Absent(attribute):
                return f"{column(attribute)} is null"
            case Present(attribute) | Typed(attribute, _):
                return f"{column(attribute)} is not null"
            case Is(_, value) if self.nothing(value):
                return "false"
            case Is(attribute, value):
                return f"{column(attribute)} = {self.bound(attribute, value)}"
            case IsNot(attribute, value):
                return f"({column(attribute)} is null or {column(attribute)} <> {self.bound(attribute, value)})"
            case AtMost(attribute, value):
                return f"{column(attribute)} <= {self.bound(attribute, value)}"
            case Below(attribute, value):
                return f"{column(attribute)} < {self.bound(attribute, value)}"
            case Has(attribute, value):
                return f"strpos({column(attribute)}, {self.member(value.name, self._values[value.name])}) > 0"
            case Every(demands) | Some(demands):
                word = " and " if isinstance(demand, Every) else " or "
                return f"({word.join(map(self.condition, demands))})"
        raise ValueError(f"no write to an audit item demands so: {demand}")


def _of_job(table: str) -> str:
    key = column(audit.JOB_ID)
    return f"{key} = :{_JOB} and (select count(*) from {table} where {key} = :{_JOB}) = 1"


def _grown(column: str, numbers: Sequence[str]) -> str:
    return " + ".join([f"coalesce({column}, 0)", *numbers])


def _added(column: str, members: Sequence[str]) -> str:
    """A set with members that it may have already."""
    new = (f"case when strpos({column}, {one}) > 0 then '' else {one} end" for one in members)
    return " || ".join([f"coalesce({column}, '')", *new])


def _without(column: str, members: Sequence[str]) -> str:
    """A set without members; nothing if it has no other ones."""
    left = column
    for one in members:
        left = f"replace({left}, {one}, '')"
    return f"nullif({left}, '')"


def _and(demand: Demand | None, form: _Form) -> str:
    return "" if demand is None else f" and {form.condition(demand)}"


def _kind(attribute: str) -> Kind:
    return _KINDS.get(attribute, "text")


def _type(attribute: str) -> str:
    return "bigint" if _kind(attribute) == "number" else "varchar(65535)"


def _text(value: Given, given: Any) -> str:
    if value.kind == "object":
        return json.dumps(given, ensure_ascii=False, sort_keys=True)
    if value.kind != "read":
        return str(given)
    (read,) = given.values()
    return json.dumps({name: one["S"] for name, one in read.items()}) if isinstance(read, dict) else str(read)


def _typed(attribute: str, value: Any) -> dict[str, Any]:
    match _kind(attribute):
        case "number":
            return {"N": str(value)}
        case "object":
            return {"M": {name: {"S": one} for name, one in json.loads(value).items()}}
        case "texts":
            return {"SS": value[1:-1].split("><")}
        case _:
            return {"S": str(value)}
