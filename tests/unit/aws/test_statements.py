"""Calls about statements are made again while their errors pass, and only then."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from elt_redshift.aws.errors import AwsError
from elt_redshift.aws.statements import PATIENCE, Statements, Submission

SUBMISSION = Submission(["select 1"], {"Database": "dev"}, "101/run/a/1", "token", {})
THROTTLED = ClientError({"Error": {"Code": "ValidationException", "Message": "ThrottlingException: …"}}, "x")
DENIED = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "You may not."}}, "x")
LOST = EndpointConnectionError(endpoint_url="https://redshift-data")


class FakeClient:
    """Answers each call with the next of ``answers``, or raises it; the last one stays."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.requests = list(answers), list[Any]()

    def _next(self, **request: Any) -> Any:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    execute_statement = describe_statement = _next

    class meta:  # noqa: N801 - as botocore names it
        service_model: Any = None


class Clock:
    """Time that passes only while somebody sleeps."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def _statements(*answers: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[Statements, FakeClient, Clock]:
    client, clock = FakeClient(*answers), Clock()
    for name in ("teach_batches", "refuse_sessions"):
        monkeypatch.setattr(f"elt_redshift.aws.old_botocore.{name}", lambda *_: None)
    monkeypatch.setattr("elt_redshift.aws.old_botocore.knows_long_polling", lambda _: False)
    return Statements(client, clock.sleep, clock), client, clock


def test_a_submission_is_made_again_under_its_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a throttle, also a wrapped one, and after an answer that was lost."""
    statements, client, _ = _statements(THROTTLED, LOST, {"Id": "one"}, monkeypatch=monkeypatch)
    assert statements.submit(SUBMISSION) == "one"
    assert [request["ClientToken"] for request in client.requests] == ["token"] * 3


def test_a_lasting_error_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another call would only be refused again."""
    statements, client, _ = _statements(DENIED, monkeypatch=monkeypatch)
    with pytest.raises(AwsError, match="You may not"):
        statements.submit(SUBMISSION)
    assert len(client.requests) == 1


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not pass within minutes is told."""
    statements, _, clock = _statements(THROTTLED, monkeypatch=monkeypatch)
    with pytest.raises(AwsError, match="ThrottlingException"):
        statements.submit(SUBMISSION)
    assert PATIENCE <= clock.now < PATIENCE + 60


def test_a_refused_look_that_passes_does_not_end_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """The statement is followed further, as long as its timeout allows; another error is told."""
    ended = {"Id": "one", "Status": "FINISHED"}
    statements, client, _ = _statements(THROTTLED, LOST, ended, monkeypatch=monkeypatch)
    status = statements.follow("one", 5.0, timedelta(hours=1))
    assert status is not None
    assert status.ended
    assert len(client.requests) == 3
    denied, _, _ = _statements(DENIED, monkeypatch=monkeypatch)
    with pytest.raises(AwsError):
        denied.follow("one", 5.0, timedelta(hours=1))
