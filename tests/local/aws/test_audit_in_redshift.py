"""The audit table in Redshift: a write does there what it does in DynamoDB, and two of everything do it once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import pytest

from elt_redshift.aws.audit import AuditStore
from elt_redshift.aws.audit_in_redshift import RedshiftAuditStore
from elt_redshift.aws.audit_item import AuditItem, LockedError
from elt_redshift.aws.errors import AwsError
from elt_redshift.aws.statements import Statements
from elt_redshift.exceptions import EltError
from elt_redshift.protocol import audit, dynamodb, sql
from elt_redshift.protocol.places import Place
from elt_redshift.protocol.writes import Write
from tests.local.aws.stores import in_dynamodb, in_redshift
from tests.local.conftest import ClientFactory

TEXTS = ["me", "you", "Ready", "Running", "Failed", "hold", "release", "2026-01-01T00:00:00.000Z", "it's :me"]
#: All that change an item.
WRITES = {name: write for name, write in vars(audit).items() if isinstance(write, Write) and name != "UNHELD"}
WRITES |= {f"{name} in turn": audit.in_turn(WRITES[name]) for name in ("ACQUIRE", "TAKE_OVER")}
TICKETS = ["2026-01-01T00:00:00.000Z a", "2026-01-01T00:00:00.000Z aa", "b"]


@pytest.fixture
def store(client: ClientFactory, unique: str) -> RedshiftAuditStore:
    """An empty audit table in Redshift."""
    return in_redshift(client, unique)


@pytest.fixture
def place(store: RedshiftAuditStore) -> Place:
    """Where that is."""
    return Place.parse(store.table)


@pytest.fixture
def other(client: ClientFactory, unique: str) -> AuditStore:
    """An empty one in DynamoDB."""
    return in_dynamodb(client, unique)


def _any_item(rng: Random, job_id: str) -> dict[str, Any]:
    """Attributes by chance, some of which are absent."""
    item: dict[str, Any] = {audit.JOB_ID: {"S": job_id}}
    for name in sql.ATTRIBUTES[1:]:
        if rng.random() < 0.5:
            continue
        if name in (audit.FENCE, audit.REDRIVES):
            item[name] = {"N": str(rng.randrange(3))}
        elif name == audit.ASSUMED:
            item[name] = {"M": {"e/1/a": {"S": "done"}}}
        elif name == audit.WAITING:
            item[name] = {"SS": rng.sample(TICKETS, rng.randrange(1, 4))}
        else:
            item[name] = {"S": rng.choice(TEXTS)}
    return item


def _any_values(rng: Random, write: Write, item: Mapping[str, Any]) -> dict[str, Any]:
    """Values by chance; half of them are those of the item, so that demands hold often enough."""

    def value(name: str, kind: str) -> Any:
        match kind:
            case "number":
                return str(rng.randrange(3))
            case "texts":
                return [rng.choice(TICKETS)]
            case "object":
                return {"e/1/b": "done", "e/1/c": "not-done"}
            case "read":
                attribute = name.removeprefix("read")
                read = item if rng.random() < 0.8 else _any_item(rng, "")
                return read.get(attribute, dynamodb.NOTHING)
        own = [one["S"] for one in item.values() if "S" in one]
        return rng.choice(own if own and rng.random() < 0.5 else TEXTS)

    values = {name: value(name, one.kind) for name, one in write.values().items() if one.always is None}
    return values | ({"ticket": values["tickets"][0]} if "ticket" in values else {})


def _put(store: RedshiftAuditStore, place: Place, item: Mapping[str, Any]) -> None:
    values = {name: next(iter(one.values())) for name, one in item.items() if "M" not in one}
    if audit.WAITING in values:
        values[audit.WAITING] = "".join(f"<{one}>" for one in values[audit.WAITING])
    columns = ", ".join(map(sql.column, values))
    literals = ", ".join("'" + str(value).replace("'", "''") + "'" for value in values.values())
    if audit.ASSUMED in item:
        columns, literals = f"{columns}, {sql.column(audit.ASSUMED)}", f'{literals}, \'{{"e/1/a": "done"}}\''
    store._run(sql.Query((f"insert into {place.table} ({columns}) values ({literals})",), {}), "an item")


def _plain(item: AuditItem | None) -> dict[str, Any]:
    """What it holds; the members of a set have no order."""
    raw = dict(item.raw) if item else {}
    return raw | ({audit.WAITING: {"SS": sorted(raw[audit.WAITING]["SS"])}} if audit.WAITING in raw else {})


def _differing(
    rounds: int, store: RedshiftAuditStore, place: Place, other: AuditStore, client: ClientFactory
) -> Iterator[str]:
    rng, names = Random(rounds), sorted(WRITES)
    happened = 0
    for number in range(rounds):
        name, job_id = names[number % len(names)], str(number)
        write, item = WRITES[name], _any_item(rng, job_id)
        client("dynamodb").put_item(TableName=other.table, Item=item)
        _put(store, place, item)
        values = _any_values(rng, write, item)
        expected, found = (one._write(write, job_id, **values) for one in (other, store))
        happened += expected
        kept, row = other.read(job_id), store.read(job_id)
        if (expected, _plain(kept)) != (found, _plain(row)):
            yield f"{name} of {item} with {values}: {expected}, {kept} but {found}, {row}"
    assert happened > rounds / 6


def test_a_write_does_what_it_does_in_dynamodb(
    store: RedshiftAuditStore, place: Place, other: AuditStore, client: ClientFactory
) -> None:
    """Whether it happens, and what the item is then, for each write of the protocol and items by chance."""
    assert not [*_differing(36, store, place, other, client)]


@pytest.mark.exhaustive
def test_many_writes_do_what_they_do_in_dynamodb(
    store: RedshiftAuditStore, place: Place, other: AuditStore, client: ClientFactory
) -> None:
    """The same for many more."""
    assert not [*_differing(150, store, place, other, client)]


def test_one_of_many_gets_the_lock(store: RedshiftAuditStore) -> None:
    """Those that come at once are serialized by Redshift."""
    store.introduce("1")

    def acquire(number: int) -> bool:
        try:
            store.acquire("1", f"owner-{number}")
        except LockedError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(acquire, range(8))) == 1
    (item,) = store.items()
    assert (item.job_id, item.state, item.fence) == ("1", "Running", "1")


def test_a_job_without_a_row_is_told_how_to_get_one(store: RedshiftAuditStore) -> None:
    """It is not made on demand: two runs could make two."""
    with pytest.raises(EltError, match=r"^Job 1 has no row in .*`elt-redshift audit create 'redshift:.*--job-id 1`"):
        store.acquire("1", "me")


def test_a_job_with_two_rows_is_told_and_gets_no_lock(store: RedshiftAuditStore, place: Place) -> None:
    """Redshift enforces no keys, and people insert rows: nobody can tell then which of them counts."""
    for state in ("Ready", "Running"):
        _put(store, place, {"JobID": {"S": "1"}, "JobState": {"S": state}})
    with pytest.raises(EltError, match=r"Job 1 has 2 rows in table redshift://demo/dev/.*Delete all but one"):
        store.acquire("1", "me")


def test_redshifts_words_name_the_table(client: ClientFactory) -> None:
    """A table that is not there."""
    place = Place.parse("redshift-serverless://group/dev/nowhere.audit")
    with pytest.raises(AwsError, match=r"^audit item 1 in table redshift-serverless://group/.*exist"):
        RedshiftAuditStore(Statements(client("redshift-data")), place).read("1")


def test_a_table_that_is_there_stays(store: RedshiftAuditStore) -> None:
    """Making it twice is the same as once, and a job that is held is not removed."""
    store.introduce("1")
    store.acquire("1", "me")
    assert not store.create()
    with pytest.raises(LockedError):
        store.remove("1")
    store.release("1", "me")
    store.remove("1")
    store.remove("1")
    assert store.read("1") is None


@pytest.mark.parametrize(
    "address",
    [
        "redshift://demo/dev",
        "redshift://demo/dev/a.b.c?user=u",
        "redshift:///dev/audit?user=u",
        "redshift://demo/dev/audit?user=",
        "redshift://demo/dev/audit?user=u&secret=s",
        "redshift://demo/dev/audit?password=p",
        'redshift://demo/dev/audit"; drop table t',
        "postgres://demo/dev/audit",
        "redshift:audit",
    ],
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    """In one line that says how to write one."""
    with pytest.raises(EltError, match=r"^Audit table '.*' is no table in Redshift: write redshift://CLUSTER"):
        Place.parse(address)


def test_an_address_tells_where_the_table_is() -> None:
    """Cluster or workgroup, database, and who logs in; the schema is public unless it is named."""
    secret = "arn:aws:secretsmanager:us-east-1:000000000000:secret:s"
    serverless = Place.parse(f"redshift-serverless://group/dev/Audit?secret={secret}")
    assert serverless.warehouse == {"WorkgroupName": "group", "Database": "dev", "SecretArn": secret}
    assert serverless.table == '"public"."audit"'
    cluster = Place.parse("redshift://demo/dev/ops.audit")
    assert (cluster.warehouse, cluster.table) == ({"ClusterIdentifier": "demo", "Database": "dev"}, '"ops"."audit"')
