"""A request is read as the write that it was rendered from."""

from __future__ import annotations

from typing import Any

import pytest

from elt_redshift.protocol import audit, dynamodb, requests
from elt_redshift.protocol.writes import Every, Given, Some, Write

WRITES = {name: write for name, write in vars(audit).items() if isinstance(write, Write)}
WRITES |= {f"{name} in turn": audit.in_turn(WRITES[name]) for name in ("ACQUIRE", "TAKE_OVER", "ACQUIRE_FENCED")}
del WRITES["UNHELD"]  # it deletes

VALUES: dict[str, Any] = {"text": "t", "number": "1", "texts": ["a", "b"], "object": {"x": "y"}, "read": {"S": "r"}}


def _plain(write: Write, value: Any) -> Any:
    """A write's part without what a request does not tell: which values are the same in every write, and whether a text
    is one that was read."""
    match value:
        case Given(name, kind):
            return name, "text" if kind == "read" else kind
        case Every(demands) | Some(demands):
            inner = [_plain(write, one) for one in demands]
            return inner[0] if len(inner) == 1 else (type(value), inner)
        case dict():
            return {name: _plain(write, one) for name, one in value.items()}
        case tuple():
            return value
        case None:
            return None
    return type(value), *(_plain(write, one) if isinstance(one, Given) else one for one in vars(value).values())


@pytest.mark.parametrize("name", WRITES)
def test_a_request_is_read_as_the_write_that_it_is_of(name: str) -> None:
    """Every write of the protocol to an audit item: what it demands, sets and removes, and the values."""
    write = WRITES[name]
    given = {one.name: VALUES[one.kind] for one in write.values().values() if one.always is None}
    found = requests.read(dynamodb.update("t", audit.key("1"), write, given))
    assert {part: _plain(found.write, one) for part, one in vars(found.write).items()} == {
        part: _plain(write, one) for part, one in vars(write).items()
    }
    read = {one.name for one in write.values().values() if one.kind == "read"}
    assert found.values == {**write.constants(), **given, **dict.fromkeys(read, "r")}


def test_what_was_not_there_is_told_from_a_text() -> None:
    """DynamoDB has a value for it."""
    values = {"at": "t", "by": "b", "reason": "r", "before": "x", "end": "e"}
    as_read = {f"read{name}": dynamodb.NOTHING for name in audit.TYPES}
    made = dynamodb.update("t", audit.key("1"), audit.UNLOCK_UNOWNED, {**values, **as_read})
    assert requests.read(made).values["readOwner"] == dynamodb.NOTHING


@pytest.mark.parametrize(
    "expression", ["SET a", "SET a = b", "SET a = :v + :v", "FORGET a", "SET a = :v; drop", "SET a = if_not_exists(a"]
)
def test_what_no_write_says_is_refused(expression: str) -> None:
    """A store that took it for something else would do something else."""
    with pytest.raises(ValueError, match="no write says so"):
        requests.read({"UpdateExpression": expression, "ExpressionAttributeValues": {":v": {"S": "x"}}})


@pytest.mark.parametrize("condition", ["a", "a = :v OR", "a = :v AND b = :v OR a = :v", "size(a) = :v", "NOT a = :v"])
def test_what_no_write_demands_is_refused(condition: str) -> None:
    """The same of conditions."""
    request = {"UpdateExpression": "REMOVE a", "ExpressionAttributeValues": {":v": {"S": "x"}}}
    with pytest.raises(ValueError, match="no write says so"):
        requests.read({**request, "ConditionExpression": condition})
