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
    with pytest.raises(AwsError, match=r"AWS: You must specify a region\. Give --region"):
        _ = Account.here().stacks
    assert Account.here("eu-west-1").client("sts").meta.region_name == "eu-west-1"


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "Unable to locate credentials. Log in, or name a profile"),
        ({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}, "`elt-redshift local up` starts the embedded AWS"),
    ],
)
def test_nobody_to_be_and_nobody_there(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], said: str) -> None:
    """Without credentials, or where nothing answers, one line says what to do."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    own = {
        "AWS_CONFIG_FILE": "/nowhere",
        "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    one_try = {"AWS_MAX_ATTEMPTS": "1", "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_DEFAULT_REGION": "eu-west-1"}
    for name, value in {**own, **one_try, **environment}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # it knows credentials that were there
    with pytest.raises(AwsError) as raised:
        next(Account.here().stacks.all())
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("name", "value"), [("AWS_DEFAULT_REGION", ""), ("AWS_ENDPOINT_URL", "localhost:4566")])
def test_an_address_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """In one line, without the name of the SDK's error."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv(name, value)
    with pytest.raises(AwsError, match=r"AWS: Invalid endpoint: .* Look at AWS_DEFAULT_REGION") as raised:
        Account.here().client("sts")
    assert "Error" not in str(raised.value)
