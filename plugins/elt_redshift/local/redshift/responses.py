"""The Data API's responses, made from the records."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from elt_redshift.local.redshift.errors import invalid, missing
from elt_redshift.local.redshift.sessions import Session
from elt_redshift.local.redshift.statements import Query, Statement, Status

Response = dict[str, Any]

#: Rows per page of a result.
PAGE_ROWS = 1000
_TARGET = ("ClusterIdentifier", "WorkgroupName", "Database", "DbUser", "SecretArn")


def seconds(moment: datetime) -> float:
    """A time as JSON carries it."""
    return round(moment.timestamp(), 3)


def _target(members: dict[str, Any], names: Sequence[str] = _TARGET) -> Response:
    return {name: members[name] for name in names if members.get(name)}


def submitted(statement: Statement, *, waited: bool) -> Response:
    """The answer to ExecuteStatement and BatchExecuteStatement; with the status only when the caller waited for it."""
    response = {"Id": statement.id, "CreatedAt": seconds(statement.created), **_target(statement.request)}
    if statement.session_id:
        response["SessionId"] = statement.session_id
    if waited:
        response["Status"] = statement.status
        response["HasResultSet"] = statement.has_result_set
        response["RedshiftPid"] = statement.pid
    return response


def _outcome(query: Query) -> Response:
    """What DescribeStatement and SubStatements both say about one SQL text."""
    response: Response = {
        "Id": query.id,
        "Status": query.status,
        "CreatedAt": seconds(query.created),
        "UpdatedAt": seconds(query.updated),
        "Duration": query.duration,
        "HasResultSet": query.has_result_set,
        "QueryString": query.sql,
        "RedshiftQueryId": query.number or -1,
        "ResultRows": -1 if query.result is None else query.result.affected,
        "ResultSize": -1 if query.result is None else query.result.size,
    }
    return response if query.error is None else {**response, "Error": query.error}


def _batch(statement: Statement) -> Response:
    last = statement.queries[-1]
    return {
        "HasResultSet": statement.has_result_set,
        "RedshiftQueryId": last.number or -1,
        "ResultRows": -1,
        "ResultSize": -1,
        "SubStatements": [_outcome(query) for query in statement.queries],
        "ExecutionMode": statement.request.get("ExecutionMode", "TRANSACTION"),
    }


def described(statement: Statement, query: Query | None) -> Response:
    """The answer to DescribeStatement.

    :param query: one statement of a batch, when its id was asked for.
    """
    with statement.lock:
        response: Response = {"RedshiftPid": statement.pid, **_target(statement.request)}
        response["ResultFormat"] = statement.request.get("ResultFormat", "JSON")
        if "Parameters" in statement.request:
            response["QueryParameters"] = statement.request["Parameters"]
        if statement.session_id:
            response["SessionId"] = statement.session_id
        if query is not None:
            return {**response, **_outcome(query)}
        response |= _batch(statement) if statement.is_batch else _outcome(statement.queries[0])
        response |= {
            "Id": statement.id,
            "Status": statement.status,
            "CreatedAt": seconds(statement.created),
            "UpdatedAt": seconds(statement.updated),
            "Duration": statement.duration,
        }
        if statement.error:
            response["Error"] = statement.error
    return response


def _page(token: str | None) -> int:
    """The position that a NextToken stands for."""
    if not token:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token))
    except (ValueError, binascii.Error):
        raise invalid("NextToken is not valid.") from None


def _token(position: int) -> str:
    return base64.urlsafe_b64encode(str(position).encode()).decode()


def result(statement: Statement, query: Query | None, token: str | None, *, as_csv: bool) -> Response:
    """The answer to GetStatementResult, or with ``as_csv`` to GetStatementResultV2: one page.

    :raises DataApiError: there is no result (yet), or it is in the other format.
    """
    asked = query or (None if statement.is_batch else statement.queries[0])
    ready = statement.status is Status.FINISHED or (statement.auto_commit and query is not None)
    if asked is None or not ready or asked.result is None or asked.result.columns is None:
        raise missing(
            "Query does not have result. Please check query status with DescribeStatement.",
            statement.id if asked is None else asked.id,
        )
    if as_csv is not (statement.request.get("ResultFormat") == "CSV"):
        other = "GetStatementResult" if as_csv else "GetStatementResultV2"
        raise invalid(f"The result of this query is in another format. Use {other}.")
    start = _page(token)
    stop = start + PAGE_ROWS
    response: Response = {
        "ColumnMetadata": [column.metadata() for column in asked.result.columns],
        "TotalNumRows": len(asked.result.rows),
    }
    if as_csv:
        response |= {"Records": [{"CSVRecords": asked.result.csv(start, stop)}], "ResultFormat": "CSV"}
    else:
        response["Records"] = asked.result.records(start, stop)
    if stop < len(asked.result.rows):
        response["NextToken"] = _token(stop)
    return response


def _listed(statement: Statement) -> Response:
    texts = [query.sql for query in statement.queries]
    response: Response = {
        "Id": statement.id,
        "Status": statement.status,
        "CreatedAt": seconds(statement.created),
        "UpdatedAt": seconds(statement.updated),
        "IsBatchStatement": statement.is_batch,
        "ResultFormat": statement.request.get("ResultFormat", "JSON"),
        **({"QueryStrings": texts} if statement.is_batch else {"QueryString": texts[0]}),
        **_target(statement.request, ("SecretArn", "StatementName")),
    }
    if "Parameters" in statement.request:
        response["QueryParameters"] = statement.request["Parameters"]
    if statement.session_id:
        response["SessionId"] = statement.session_id
    return response


def _matches(members: dict[str, Any], request: Response) -> bool:
    """Whether something runs where the request's filters say."""
    filters = ("ClusterIdentifier", "WorkgroupName", "Database")
    return all(not request.get(name) or members.get(name) == request[name] for name in filters)


def listed(statements: Sequence[Statement], request: Response) -> Response:
    """The answer to ListStatements.

    :param statements: newest first. RoleLevel changes nothing: everybody has the same role here.
    """
    before = _page(request.get("NextToken"))
    prefix, status = request.get("StatementName") or "", request.get("Status") or "ALL"
    found = [
        statement
        for statement in statements
        if (not before or statement.sequence < before)
        and statement.request.get("StatementName", "").startswith(prefix)
        and status in ("ALL", statement.status)
        and _matches(statement.request, request)
    ]
    limit = request.get("MaxResults") or 100
    response: Response = {"Statements": [_listed(statement) for statement in found[:limit]]}
    if len(found) > limit:
        response["NextToken"] = _token(found[limit - 1].sequence)
    return response


def sessions(found: Sequence[Session], request: Response) -> Response:
    """The answer to ListSessions, newest first."""
    chosen = [
        session
        for session in found
        if request.get("SessionId") in (None, session.id)
        and request.get("Status") in (None, session.status)
        and _matches(session.target, request)
    ]
    start, limit = _page(request.get("NextToken")), request.get("MaxResults") or 100
    response: Response = {"Sessions": [_session(session) for session in chosen[start : start + limit]]}
    if len(chosen) > start + limit:
        response["NextToken"] = _token(start + limit)
    return response


def _session(session: Session) -> Response:
    return {
        "SessionId": session.id,
        "Status": session.status,
        "CreatedAt": seconds(session.created),
        "UpdatedAt": seconds(session.updated),
        "SessionAliveSeconds": session.keep_alive,
        "SessionTtl": seconds(session.expires),
        **({"CurrentStatementId": session.current} if session.current else {}),
        **_target(session.target, ("ClusterIdentifier", "WorkgroupName", "Database", "DbUser")),
    }


def event(statement: Statement, expires: int) -> Response:
    """The detail of the event "Redshift Data Statement Status Change".

    https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-monitoring-events.html
    """
    return {
        "principal": statement.principal,
        "statementName": statement.request.get("StatementName", ""),
        "statementId": statement.id,
        "redshiftQueryId": -1,
        "state": str(statement.status),
        "rows": statement.rows,
        "expireAt": expires,
    }
