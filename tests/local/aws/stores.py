"""Empty audit tables, of each kind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from elt_redshift.aws.audit import AuditStore, utc_now
from elt_redshift.aws.audit_in_dynamodb import DynamoDbAuditStore
from elt_redshift.aws.audit_in_redshift import RedshiftAuditStore
from elt_redshift.aws.statements import Statements
from elt_redshift.protocol.places import Place
from tests.local.conftest import ClientFactory


def in_dynamodb(client: ClientFactory, name: str, now: Callable[[], datetime] = utc_now) -> AuditStore:
    client("dynamodb").create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "JobID", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "JobID", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return DynamoDbAuditStore(client("dynamodb"), name, now)


def in_redshift(client: ClientFactory, name: str, now: Callable[[], datetime] = utc_now) -> RedshiftAuditStore:
    place = Place.parse(f"redshift://demo/dev/public.{name}?user=awsuser")
    store = RedshiftAuditStore(Statements(client("redshift-data")), place, now)
    assert store.create()
    return store
