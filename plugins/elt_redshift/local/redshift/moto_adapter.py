"""Serves a :class:`DataApi` from moto's server.

moto knows four operations of the Data API and executes nothing. Its response class gets a method for each operation,
under the name that moto derives from the operation's.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from moto.core.utils import camelcase_to_underscores
from moto.redshiftdata.responses import RedshiftDataAPIServiceResponse

from elt_redshift.local.redshift.data_api import DataApi
from elt_redshift.local.redshift.errors import DataApiError

HttpResponse = tuple[int, dict[str, str], str]

_log = logging.getLogger(__name__)
_CONTENT_TYPE = "application/x-amz-json-1.1"


def _error(error: DataApiError) -> HttpResponse:
    """An error body of AWS's JSON protocol."""
    body = {"__type": error.code, "Message": error.message, "message": error.message, **error.members}
    headers = {"Content-Type": _CONTENT_TYPE, "x-amzn-errortype": error.code}
    headers["status"] = str(error.status)  # moto takes the status from here, not from the tuple
    return error.status, headers, json.dumps(body)


def _method(data_api: DataApi, operation: str) -> Callable[[RedshiftDataAPIServiceResponse], HttpResponse]:
    def respond(self: RedshiftDataAPIServiceResponse) -> HttpResponse:
        request: dict[str, Any] = json.loads(self.body or "{}")
        principal = f"arn:aws:iam::{self.current_account}:root"
        try:
            response = data_api.call(operation, request, principal)
        except DataApiError as error:
            return _error(error)
        except Exception as error:
            _log.exception("%s failed", operation)
            return _error(DataApiError("InternalServerException", f"{type(error).__name__}: {error}", 500))
        return 200, {"Content-Type": _CONTENT_TYPE}, json.dumps(response)

    return respond


def install(data_api: DataApi) -> None:
    """Let moto's Redshift Data API answer from ``data_api``, in every account and region."""
    for operation in data_api.operations:
        setattr(RedshiftDataAPIServiceResponse, camelcase_to_underscores(operation), _method(data_api, operation))
