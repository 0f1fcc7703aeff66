"""The one door to AWS."""

from __future__ import annotations

import pytest

from elt_redshift.aws.account import Account
from elt_redshift.aws.errors import AwsError


def test_clients_are_made_when_they_are_needed_and_once() -> None:
    """An account asks for nothing by itself; who shares it shares its clients."""
    made: list[str] = []
    account = Account(made.append)
    assert made == []
    _ = account.stacks, account.statements, account.definitions, account.executions("machine"), account.audit("table")
    _ = account.stacks, account.statements, account.definitions, account.executions("other"), account.audit("other")
    assert sorted(made) == ["cloudformation", "dynamodb", "redshift-data", "stepfunctions"]


def test_without_a_region_the_message_names_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where boto3 finds no region either, the first call says so."""
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    with pytest.raises(AwsError, match="client for cloudformation: You must specify a region"):
        _ = Account.here().stacks
    assert Account.here("eu-west-1").client("sts").meta.region_name == "eu-west-1"


@pytest.mark.parametrize(("name", "value"), [("AWS_DEFAULT_REGION", ""), ("AWS_ENDPOINT_URL", "localhost:4566")])
def test_an_address_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """In one line, without the name of the SDK's error."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv(name, value)
    with pytest.raises(AwsError, match=r"client for sts: Invalid endpoint: .* Look at AWS_DEFAULT_REGION") as raised:
        Account.here().client("sts")
    assert "Error" not in str(raised.value)
