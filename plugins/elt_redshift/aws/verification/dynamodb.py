"""Checks of DynamoDB: writes to items of the scratch stack's audit table, as the protocol spells them."""

from __future__ import annotations

from typing import Any

from elt_redshift.aws.errors import AwsError, aws_errors
from elt_redshift.aws.verification.bench import Bench, expect
from elt_redshift.protocol import audit, dynamodb
from elt_redshift.protocol.writes import Given, Present, Size, Write, every

REFUSED = "ConditionalCheckFailedException"

_ONE, _TEXT, _SET = Given("one", "number"), Given("text"), Given("members", "texts")


def _write(bench: Bench, item: str, write: Write, **values: Any) -> dict[str, Any]:
    """The item as it is then.

    :raises AwsError: DynamoDB refuses.
    """
    request = dynamodb.update(bench.table, audit.key(f"{bench.name}-{item}"), write, values, answered=True)
    with aws_errors(f"table {bench.table}"):
        found: dict[str, Any] = bench.account.client("dynamodb").update_item(**request)["Attributes"]
    return found


def _refused(bench: Bench, item: str, write: Write, **values: Any) -> str:
    """The error's code."""
    _ = bench.table  # making it may be refused as well, which is something else
    try:
        _write(bench, item, write, **values)
    except AwsError as error:
        expect(error.code == REFUSED, error.code)
        return error.code
    expect(False, "the condition was met")
    return ""


def size_of_nothing(bench: Bench) -> str:
    """A condition on the size of a set that is not there is false, and no error."""
    write = Write(sets={"Seen": _ONE}, demands=every(Present("Done"), Size("Done", "<", _ONE)))
    return _refused(bench, "size", write, one="2")


def condition_before_operand(bench: Bench) -> str:
    """A failed condition is told before an operand that is no number."""
    _write(bench, "add", Write(sets={"Fence": _TEXT}), text="x")
    return _refused(bench, "add", Write(adds={"Fence": _ONE}, demands=Present("Nothing")), one="1")


def deleting_from_sets(bench: Bench) -> str:
    """DELETE of what is not there changes nothing; a set whose last member goes is gone."""
    adding, deleting = Write(adds={"Waiting": _SET}), Write(deletes={"Waiting": _SET})
    before = _write(bench, "set", deleting, members=["a"])
    expect("Waiting" not in before, before)
    there = _write(bench, "set", adding, members=["a"])
    expect(there.get("Waiting") == {"SS": ["a"]}, there)
    after = _write(bench, "set", deleting, members=["a"])
    expect("Waiting" not in after, after)
    return "changes nothing; gone with its last member"
