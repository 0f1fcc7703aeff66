"""The management calls that a running embedded AWS takes from its owner."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from elt_redshift.local.door import authorization
from elt_redshift.local.state import LocalAws


def ask(aws: LocalAws, path: str, method: str = "GET", body: object = None) -> Any:
    """Make a call, past any proxy; gives the answer's JSON.

    :param body: sent as JSON; None: the call has none.
    """
    request = urllib.request.Request(  # noqa: S310 - our own server
        f"{aws.endpoint}{path}",
        None if body is None else json.dumps(body).encode(),
        authorization(aws.token),
        method=method,
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        return json.load(answer)
