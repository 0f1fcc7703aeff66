"""The calls of a verification and AWS's answers, as a file that is kept: what the embedded AWS and the simulation are
held against (``tests/vectors``).

Account numbers and task tokens are replaced. What else a call holds - names of warehouse, database and user - is
the caller's own, who looks before a file is given away.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from elt_redshift.aws.account import Account
from elt_redshift.protocol.times import iso_time

#: What stands for the account's number, and for tokens.
ACCOUNT, TOKEN = "123456789012", "token"

#: Texts are cut to so many characters.
LONGEST = 24_000

_SERVICES = {"sfn": "states"}
_TOKEN = re.compile(r'(\\*"(?:TaskToken|taskToken)\\*": ?\\*")(?!{%)[^"\\]+')


@dataclass
class Recording:
    """What was called, in order, of the actions that checks say that they call.

    :param actions: as IAM names them.
    """

    actions: Collection[str]
    calls: list[dict[str, Any]] = field(default_factory=list)
    _hosts: set[str] = field(default_factory=set)

    def through(self, account: Account) -> Account:
        """The account, whose calls are noted from now on."""
        return Account(lambda service: self._noting(account.client(service)))

    def _noting(self, client: Any) -> Any:
        service = client.meta.service_model.service_id.hyphenize()
        self._hosts.add(urlsplit(client.meta.endpoint_url).hostname or "")
        events, prefix = client.meta.events, _SERVICES.get(service, service)

        def note(params: Any, model: Any, context: Any, **_: Any) -> None:
            context["recorded"] = {"call": f"{prefix}:{model.name}", "request": dict(params)}

        def answer(parsed: Any, context: Any, **_: Any) -> None:
            noted = context.get("recorded")
            if noted and noted["call"] in self.actions:
                self._keep(_short({**noted, **_told(parsed)}))

        events.register("before-parameter-build.*.*", note)
        events.register("after-call.*.*", answer)
        return client

    def _keep(self, told: dict[str, Any]) -> None:
        """In place of an earlier answer to the same question, as whoever waits asks."""
        asked = ("call", "request", "error")
        self.calls = [one for one in self.calls if any(one.get(name) != told.get(name) for name in asked)]
        self.calls.append(told)

    def dump(self, account: str, now: datetime, results: list[dict[str, Any]]) -> str:
        """The file's text.

        :param account: the number that is replaced.
        :param results: what was told of each row.
        """
        file = {"recorded": iso_time(now), "hosts": sorted(self._hosts), "rows": results, "calls": self.calls}
        text = json.dumps(file, indent=1, default=_plain, ensure_ascii=False)
        return _TOKEN.sub(rf"\g<1>{TOKEN}", text.replace(account, ACCOUNT)) + "\n"


def _told(parsed: Mapping[str, Any]) -> dict[str, Any]:
    """An answer, or an error."""
    error = parsed.get("Error")  # some answers have a text of that name
    if isinstance(error, dict):
        return {"error": error["Code"], "message": error.get("Message", "")}
    return {"answer": {name: value for name, value in parsed.items() if name != "ResponseMetadata"}}


def _short(value: Any) -> Any:
    """With long texts cut: definitions and templates, which nobody needs to see again."""
    match value:
        case dict():
            return {name: _short(one) for name, one in value.items()}
        case list():
            return [*map(_short, value)]
        case str() if len(value) > LONGEST:
            return f"{value[:LONGEST]} … ({len(value):,} characters)"
        case bytes():
            return f"({len(value):,} bytes)"
    return value


def _plain(value: Any) -> Any:
    return iso_time(value) if isinstance(value, datetime) else str(value)
