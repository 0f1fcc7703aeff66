"""Who may speak with the embedded AWS: programs of this machine, no web page, and for management only its owner.

It takes any credentials, so a web page that the developer has open could drive it. Browsers tell such requests apart:

- ``Origin`` stands in every request of a page's script that could change something, and in every preflight;
- ``Sec-Fetch-Site`` stands in every other one too (images, forms, links; https://www.w3.org/TR/fetch-metadata/);
- ``Host`` names the page's own server when that server's name was pointed at this machine (DNS rebinding).

boto3, the AWS CLI and Airflow send neither of the first two, and a loopback name in the third. Answers carry no CORS
headers (moto adds them to all), so a browser gives no page anything to read.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable, Iterable
from typing import Any

StartResponse = Callable[..., Callable[[bytes], object]]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

OWN_PATH = "/elt-redshift/"
STATUS_PATH = f"{OWN_PATH}status"
FAULTS_PATH = f"{OWN_PATH}faults"
CLOCK_PATH = f"{OWN_PATH}clock"
RIGHTS_PATH = f"{OWN_PATH}rights"
MOTO_PATH = "/moto-api"
"""Moto's own management: reset, configuration, recorded requests (https://docs.getmoto.org/en/latest/docs/server_mode.html)."""

_LOOPBACK = re.compile(r"(127\.0\.0\.1|\[::1\]|([^\s/:@\[\]]+\.)?localhost)(:\d+)?", re.IGNORECASE)
"""Before ``localhost`` may stand a bucket: boto3 addresses S3 so. Browsers keep ``*.localhost`` on this machine."""


def authorization(token: str) -> dict[str, str]:
    """The header that a management call carries."""
    return {"Authorization": f"Bearer {token}"}


def refusal(environ: dict[str, Any], token: str) -> str | None:
    """Why a request is refused, in one line; None: it may come in.

    :param environ: the WSGI environment of the request.
    :param token: what a management call must carry.
    """
    host = environ.get("HTTP_HOST", "")
    if "HTTP_ORIGIN" in environ:
        return "The embedded AWS serves programs, not web pages: a request with an Origin header is refused."
    if environ.get("HTTP_SEC_FETCH_SITE", "none") != "none":
        return (
            "The embedded AWS serves programs, not web pages: a request that a page makes (Sec-Fetch-Site) is refused."
        )
    if not _LOOPBACK.fullmatch(host):
        return f"The embedded AWS is 127.0.0.1, localhost or [::1]: a request to the host {host!r} is refused."
    if _is_management(environ["PATH_INFO"]) and not _has_token(environ, token):
        return (
            "Managing the embedded AWS needs the token in local.json of its state folder: Authorization: Bearer TOKEN"
        )
    return None


def _is_management(path: str) -> bool:
    """Slashes before a path mean nothing to moto's routes."""
    path = f"/{path.lstrip('/')}"
    return path.startswith((OWN_PATH, MOTO_PATH))


def _has_token(environ: dict[str, Any], token: str) -> bool:
    given = environ.get("HTTP_AUTHORIZATION", "")
    return hmac.compare_digest(given.encode(), authorization(token)["Authorization"].encode())


def guarded(app: Application, token: str) -> Application:
    """``app`` behind the door: refused requests get a 403 without reaching it, its answers lose their CORS headers."""

    def enter(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        reason = refusal(environ, token)
        if reason is None:
            return app(environ, _without_cors(start_response))
        start_response("403 Forbidden", [("Content-Type", "application/json")])
        return [json.dumps({"__type": "AccessDeniedException", "message": reason}).encode()]

    return enter


def _without_cors(start_response: StartResponse) -> StartResponse:
    def start(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Callable[[bytes], object]:
        kept = [(name, value) for name, value in headers if not name.lower().startswith("access-control-")]
        return start_response(status, kept, exc_info)

    return start
