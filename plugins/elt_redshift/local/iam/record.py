"""What the roles of an embedded AWS have done, and which of it their policies allow: kept by the server.

A test of somebody's stack runs what the stack is for, and then asks what its roles have done that AWS would refuse, and
what they may do and have never done. ::

    used = Rights(aws).used()
    assert not [one for one in used if one.denied]
"""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from elt_redshift.local.door import RIGHTS_PATH, Application, StartResponse
from elt_redshift.local.iam.asked import asked_by
from elt_redshift.local.iam.calls import call_of
from elt_redshift.local.iam.policies import Asked, allowing, trusts, trusts_role
from elt_redshift.local.management import ask
from elt_redshift.local.regions import ACCOUNT
from elt_redshift.local.state import LocalAws

_KNOWN = 4096  # answers


@dataclass(frozen=True)
class Use:
    """What a role has done at least once: one action, and what of its policies allows that.

    :param role: its name.
    :param resource: the first one that it was done on.
    :param policy: the name of the policy that allows it. It and the two behind it, spelled as there, are empty where
        nothing does.
    """

    role: str
    action: str
    resource: str
    policy: str = ""
    granted_action: str = ""
    granted_resource: str = ""

    @property
    def denied(self) -> bool:
        return not self.policy


class Record:
    """Of a running embedded AWS, on the server's side. What has been done is kept once, so it stays small."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._uses: dict[tuple[str, ...], Use] = {}
        self._callers: dict[str, tuple[str, str, str]] = {}

    def sign_in(self, access_key: str, role_arn: str, service: str, source: str) -> None:
        """Note what is called with an access key from now on: a service has let somebody act as a role.

        :param service: as for :meth:`note`, and ``source`` too.
        """
        self._callers[access_key] = role_arn, service, source

    def note(
        self, role_arn: str, service: str, source: str, called: tuple[str, str], request: Mapping[str, Any]
    ) -> None:
        """A service does something as a role. Roles that nobody has made are not looked at.

        :param service: the principal, such as ``states.amazonaws.com``.
        :param source: the ARN of what it acts for.
        :param called: boto3's name of the service that is called, and AWS's of the operation.
        """
        if (role := _role(role_arn)) is not None:
            self._keep(*_assuming(role.name, role.assume_role_policy_document, service, source))
            self._act(role, asked_by(*called, request))

    def note_as_another(self, role_arn: str, by: str, called: tuple[str, str], request: Mapping[str, Any]) -> None:
        """The same as a role that another one assumes for that.

        :param by: the ARN of the other one.
        """
        if (own := _role(by)) is not None:
            self._act(own, [Asked("sts:AssumeRole", role_arn)])
        if (role := _role(role_arn)) is not None:
            if not trusts_role(_document(role.assume_role_policy_document), by):
                self._keep(Use(role.name, "sts:AssumeRole", by))
            self._act(role, asked_by(*called, request))

    def _act(self, role: Any, asked: Iterable[Asked]) -> None:
        policies = tuple({**role.policies, **_managed(role)}.items())
        for one in asked:
            self._keep(*_using(role.name, policies, one.action, one.resource, tuple(one.context.items())))

    def _keep(self, *uses: Use) -> None:
        with self._lock:
            for use in uses:
                self._uses.setdefault((use.role, use.action, use.policy, use.granted_action, use.granted_resource), use)

    def application(self, app: Application) -> Application:
        """``app``, and behind its own path what has been done."""

        def enter(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
            if environ["PATH_INFO"] != RIGHTS_PATH:
                if (call := call_of(environ)) and (caller := self._callers.get(call.access_key)):
                    self.note(*caller, (call.service, call.operation), call.request)
                return app(environ, start_response)
            with self._lock:
                told = [asdict(use) for use in self._uses.values()]
            start_response("200 OK", [("Content-Type", "application/json")])
            return [json.dumps(told).encode()]

        return enter


#: The one of this process.
RECORD = Record()


class Rights:
    """Tells what the roles of an embedded AWS have done.

    :param aws: a running one, as :func:`elt_redshift.local.process.running` and ``find`` give it.
    """

    def __init__(self, aws: LocalAws) -> None:
        self._aws = aws

    def used(self) -> list[Use]:
        """Everything that state machines, functions, rules and schedules have done as roles that there are."""
        return [Use(**told) for told in ask(self._aws, RIGHTS_PATH)]


# Policies are texts, as IAM's API takes them: what was found for one is known as long as it stays that text.
@functools.lru_cache(maxsize=_KNOWN)
def _assuming(role: str, trust: str, service: str, source: str) -> tuple[Use, ...]:
    """Nothing where the role trusts the service."""
    context = {"aws:SourceArn": source, "aws:SourceAccount": ACCOUNT}
    return () if trusts(json.loads(trust), service, context) else (Use(role, "sts:AssumeRole", source),)


@functools.lru_cache(maxsize=_KNOWN)
def _using(
    role: str, policies: tuple[tuple[str, str], ...], action: str, resource: str, context: tuple[tuple[str, str], ...]
) -> tuple[Use, ...]:
    granted = allowing({name: _document(text) for name, text in policies}, Asked(action, resource, dict(context)))
    if not granted:
        return (Use(role, action, resource),)
    return tuple(Use(role, action, resource, one.policy, one.action, one.resource) for one in granted)


def _role(arn: str) -> Any:
    from moto.iam.models import iam_backends

    found = iam_backends[ACCOUNT]["aws"].roles.values()
    return next((role for role in list(found) if role.arn == arn), None)


def _managed(role: Any) -> dict[str, str]:
    """Those of the account and AWS's own, each as its default version says."""
    policies = [policy for policy in list(role.managed_policies.values()) if policy.versions]
    return {
        policy.name: next((one for one in policy.versions if one.is_default), policy.versions[-1]).document
        for policy in policies
    }


@functools.lru_cache(maxsize=_KNOWN)
def _document(text: str) -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = json.loads(text)
    return loaded
