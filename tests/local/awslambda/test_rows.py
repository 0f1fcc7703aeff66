"""The function for an audit item in Redshift does to the row what DynamoDB does to the item, whoever writes between."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import pytest

from elt_redshift.functions.rows import CONDITION_FAILED, Rows
from elt_redshift.functions.sql import SqlFunction
from elt_redshift.protocol import audit, dynamodb
from elt_redshift.protocol.places import Place
from elt_redshift.protocol.writes import Write
from tests.cases import exhaustive
from tests.local.aws.stores import in_dynamodb, in_redshift
from tests.local.conftest import ClientFactory

TIME = "2026-01-01T00:00:00.000Z"
SECONDS = 110.0
#: What executions write from start to end, some of them in turn.
WRITES = {
    name: write
    for name, write in vars(audit).items()
    if isinstance(write, Write) and name not in ("UNHELD", "ASSUME") and not name.startswith("UNLOCK")
}
WRITES |= {f"{name} in turn": audit.in_turn(WRITES[name]) for name in ("ACQUIRE", "TAKE_OVER")}


def _values(rng: Random, write: Write) -> dict[str, Any]:
    """Of one of three executions, which meet each other often."""
    owner, other = rng.sample(["a", "b", "c"], 2)
    known = {"owner": owner, "dead": other, "reserved": owner, "ticket": f"{TIME} {owner}"}
    known |= {"tickets": [f"{TIME} {owner}"], "seen": rng.choice(["Running", "Failed"]), "after": "hold"}
    known |= {name: rng.choice(["0", "1"]) for name in ("redrives", "claim", "number")}
    return {name: known.get(name, TIME) for name, one in write.values().items() if one.always is None}


@pytest.mark.parametrize("seed", exhaustive(range(4), quick=[0]))
def test_runs_that_meet_find_what_they_would_in_dynamodb(client: ClientFactory, unique: str, seed: int) -> None:
    """Each write of three executions in any order: whether it happens, its answer, and the item behind it."""
    rng, names = Random(seed), sorted(WRITES)
    there, here = in_dynamodb(client, unique), in_redshift(client, unique)
    there.introduce("1")
    here.introduce("1")
    rows = Rows(Place.parse(here.table), SqlFunction(client("redshift-data")))
    happened = 0
    for _ in range(60):
        name, answered = rng.choice(names), rng.random() < 0.3
        given = _values(rng, WRITES[name])
        asked = {
            table: dynamodb.update(table, audit.key("1"), WRITES[name], given, answered=answered)
            for table in (there.table, here.table)
        }
        try:
            answer = client("dynamodb").update_item(**asked[there.table])
            expected: Any = _plain(answer.get("Attributes", {}))
            happened += 1
        except client("dynamodb").exceptions.ConditionalCheckFailedException:
            expected = CONDITION_FAILED
        assert _asked(rows, asked[here.table]) == expected, (name, given)
        item = rows.answer("GetItem", dynamodb.get(here.table, audit.key("1")), SECONDS)["Item"]
        other = client("dynamodb").get_item(**dynamodb.get(there.table, audit.key("1")))["Item"]
        assert _plain(item) == _plain(other), (name, given)
    assert happened > 10


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    """What it holds; the members of a set have no order."""
    return item | ({audit.WAITING: {"SS": sorted(item[audit.WAITING]["SS"])}} if audit.WAITING in item else {})


def _asked(rows: Rows, request: dict[str, Any]) -> Any:
    """What a write answers, or the name of its error."""
    try:
        return _plain(rows.answer("UpdateItem", request, SECONDS).get("Attributes", {}))
    except Exception as error:
        return type(error).__name__


def test_one_of_many_gets_the_lock(client: ClientFactory, unique: str) -> None:
    """Of those that come at once; Redshift lets one UPDATE of a row commit at a time. Whoever asks again, as after an
    answer that was lost, has it still."""
    store = in_redshift(client, unique)
    store.introduce("1")
    rows = Rows(Place.parse(store.table), SqlFunction(client("redshift-data")))

    def acquire(owner: str) -> bool:
        claim = {"owner": owner, "start": TIME, "redrives": "0"}
        found = _asked(rows, dynamodb.update(store.table, audit.key("1"), audit.ACQUIRE, claim))
        assert found in ({}, CONDITION_FAILED)
        return found == {}

    owners = [f"owner-{number}" for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        got = [owner for owner, has in zip(owners, pool.map(acquire, owners), strict=True) if has]
    assert len(got) == 1
    assert [owner for owner in owners if acquire(owner)] == got
