"""The hook of the operators, over the embedded AWS."""

from __future__ import annotations

import uuid

import pytest

from elt_redshift.aws.audit_in_redshift import RedshiftAuditStore
from elt_redshift.hooks.connection import Connection
from elt_redshift.local.process import LocalAws
from elt_redshift.protocol.places import Place
from tests.local.operators.standins import FakeTaskInstance, Hook, rows


@pytest.fixture
def hook(local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Hook:
    made = Hook(local_aws.endpoint)
    monkeypatch.setattr(Connection, "hook", lambda _: made)
    return made


@pytest.fixture(params=["dynamodb", "redshift"])
def table(request: pytest.FixtureRequest, hook: Hook) -> str:
    """An audit table, of each kind."""
    name = f"audit_{uuid.uuid4().hex}"
    if request.param == "redshift":
        address = f"redshift://warehouse/dev/{name}?user=awsuser"
        store = RedshiftAuditStore(hook.statements(), Place.parse(address))
        store.create()
        store.introduce("1")
        return address
    hook.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "JobID", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "JobID", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


@pytest.fixture
def ledger(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> str:
    """A table that counts what ran, in a DAG run of the test's own."""
    monkeypatch.setattr(FakeTaskInstance, "run_id", uuid.uuid4().hex)
    name = f"ledger_{uuid.uuid4().hex}"
    rows(hook, f"create table {name} (n int)")
    return name
