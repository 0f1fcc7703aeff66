"""What users give :class:`~elt_redshift.operators.redshift_sql.RedshiftSqlOperator`, in all the forms that it may have.

It is judged twice: when the DAG file is parsed, as far as it stands there, and when templates and XComs are filled in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from elt_redshift.aws.statements import Submission
from elt_redshift.exceptions import EltError
from elt_redshift.job import sql as scripts
from elt_redshift.job.findings import Findings
from elt_redshift.job.parameters import check_values, rendered
from elt_redshift.job.parameters import values as job_values
from elt_redshift.job.parts import Parameter, SqlStatement

#: A session lasts for a day at most, in seconds.
MAX_KEEP_ALIVE = 86_400

#: What stands for a value of SQL as Python writes it.
_PLAIN = (str, int, float, Decimal, datetime, date, time, UUID)
_SESSION = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class InputError(EltError):
    """What was given is not what it must be; another try would end alike."""


def is_late(value: object) -> bool:
    """Whether a value is only known when the task runs: an XComArg, or what a mapped task is given."""
    return hasattr(value, "resolve")


def sources(sql: Any) -> tuple[str, ...]:
    """What messages call each script: its file's name as long as that is still to be seen, before it is rendered."""
    if isinstance(sql, str):
        return (sql if sql.endswith(".sql") else "sql",)
    if isinstance(sql, (list, tuple)):
        return tuple(
            item if isinstance(item, str) and item.endswith(".sql") else f"sql[{n}]" for n, item in enumerate(sql)
        )
    return ()


def statements(sql: Any, names: Sequence[str]) -> tuple[SqlStatement, ...]:
    """The statements of a script, or of a list of them.

    :param names: of :func:`sources`.
    :raises InputError: it is no text, or no SQL.
    """
    if sql is None:
        raise InputError("sql is None: the task that gives it has returned nothing.")
    texts = _items("sql", sql)
    if len(names) != len(texts):
        names = ["sql"] if isinstance(sql, str) else [f"sql[{n}]" for n in range(len(texts))]
    found = tuple(statement for name, text in zip(names, texts, strict=True) for statement in _split(name, text))
    if not found:
        raise InputError(f"{', '.join(names) or 'sql'} holds no SQL statement.")
    return found


def _items(name: str, given: Any) -> list[Any]:
    if isinstance(given, str):
        return [given]
    if isinstance(given, Mapping) or not isinstance(given, Sequence):
        raise InputError(f"{name} is {_kind(given)}; give a text, or a list of texts.")
    return list(given)


def _split(name: str, text: Any) -> list[SqlStatement]:
    if not isinstance(text, str):
        raise InputError(f"{name} is {_kind(text)}, not text.")
    try:
        return [SqlStatement(text=found.text, place=f"{name}:{found.line}") for found in scripts.split(text)]
    except scripts.SqlSyntaxError as error:
        raise InputError(f"{name}: {error}") from error


def values(parameters: Any) -> dict[str, str | None]:
    """The values of ``:name`` parameters, from a mapping or from Amazon's list of ``name`` and ``value``.

    :raises InputError: it has another form, or a value is no value of SQL.
    """
    return {name: _text(name, value) for name, value in _pairs(parameters).items()}


def _pairs(parameters: Any) -> dict[str, Any]:
    if parameters is None or isinstance(parameters, Mapping):
        return dict(parameters or {})
    wanted = 'give {"name": value, …} or [{"name": "…", "value": …}, …]'
    if isinstance(parameters, (str, bytes)) or not isinstance(parameters, Sequence):
        raise InputError(f"parameters is {_kind(parameters)}; {wanted}.")
    found: dict[str, Any] = {}
    for number, one in enumerate(parameters):
        if not isinstance(one, Mapping) or set(one) != {"name", "value"}:
            raise InputError(f"parameters[{number}] is {one!r}; {wanted}.")
        if one["name"] in found:
            raise InputError(f"parameters holds '{one['name']}' twice.")
        found[one["name"]] = one["value"]
    return found


def _text(name: str, value: Any) -> str | None:
    if value is None or is_late(value):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, _PLAIN):
        raise InputError(f"The value of parameter '{name}' is {_kind(value)}; give a text, a number, a date or None.")
    return str(value)


def problems(operator: Any) -> list[str]:
    """Whatever is wrong with the arguments of an operator, as far as the DAG file tells."""
    return [problem for check in (_where, _what, _how, _results) for problem in check(operator)]


def _where(of: Any) -> list[str]:
    given = [getattr(of, name) for name in ("cluster_identifier", "workgroup_name", "session_id")]
    if sum(one is not None for one in given) != 1:
        return ["Give one of cluster_identifier, workgroup_name and session_id."]
    if of.database is None and of.session_id is None:
        return ["database is missing; only a session_id does without."]
    return []


def _what(of: Any) -> list[str]:
    if (of.sql is None) == (not of.statements):
        return ["Give either sql or statements."]
    found = []
    if not (of.sql is None or is_late(of.sql)):
        items = [of.sql] if isinstance(of.sql, str) else of.sql
        texts = isinstance(items, (list, tuple)) and all(isinstance(one, str) or is_late(one) for one in items)
        if not texts or not items:
            found.append(f"sql is {_kind(of.sql)}; give a text, a list of texts, or the output of a task.")
    if not (is_late(of.parameters) or isinstance(of.parameters, str)):  # a template may give a list or a dict
        found += _problem(lambda: values(of.parameters))
    return found


def _problem(call: Any) -> list[str]:
    try:
        call()
    except InputError as error:
        return [str(error)]
    return []


def _how(of: Any) -> list[str]:
    found = []
    if not of.poll_interval > 0:
        found.append(f"poll_interval is {of.poll_interval!r}; give seconds above 0.")
    keep = of.session_keep_alive_seconds
    if keep is not None and not (isinstance(keep, int) and 0 <= keep <= MAX_KEEP_ALIVE):
        found.append(f"session_keep_alive_seconds is {keep!r}; give 0 to {MAX_KEEP_ALIVE}.")
    return found


def _results(of: Any) -> list[str]:
    if of.return_result and of.return_sql_result:
        return ["return_result gives the last statement's rows, return_sql_result all results: give one of them."]
    if not of.wait_for_completion and (of.return_result or of.return_sql_result):
        return ["Without wait_for_completion there is no result to return."]
    return []


def check_session(session_id: str | None) -> None:
    """:raises InputError: what a template made of ``session_id`` is no session's id."""
    if session_id is not None and not _SESSION.fullmatch(str(session_id)):
        raise InputError(f"session_id is {session_id!r}, which is no session's id; a task has it as XCom session_id.")


def of_job(declared: Sequence[Parameter], parameters: Any) -> dict[str, str | None]:
    """The values of a job's parameters, as the texts of their types.

    :raises InputError: one is none of its type or of its choices, None or empty: a job's state machine could not bind
        it either.
    """
    found = job_values(declared, rendered(declared, _pairs(parameters)))
    findings = Findings("job")
    check_values(declared, found, findings)
    if findings.problems:
        raise InputError(" ".join(f"{problem.message} {problem.remedy}" for problem in findings.problems))
    return {name: str(value) for name, value in found.items()}


def _kind(value: object) -> str:
    return "empty" if value in ([], ()) else f"of type {type(value).__name__}"


def submission(given: Any, sqls: list[str], name: str, token: str) -> Submission:
    """What is sent to the Data API.

    :param given: the operator, with templates and XComs filled in.
    :param sqls: its statements.
    :raises InputError: a session is none, or a parameter's value none that SQL has.
    """
    check_session(given.session_id)
    named = {parameter for sql in sqls for parameter in scripts.parameters(sql)}
    bound = of_job(given.declared, given.parameters) if given.declared else values(given.parameters)
    where = {
        "Database": given.database,
        "ClusterIdentifier": given.cluster_identifier,
        "WorkgroupName": given.workgroup_name,
        "SessionId": given.session_id,
        "DbUser": given.db_user,
        "SecretArn": given.secret_arn,
    }
    return Submission(
        sqls=sqls,
        warehouse={key: value for key, value in where.items() if value},
        name=name,
        token=token,
        parameters={key: value for key, value in bound.items() if key in named},
        transaction=given.transaction,
        with_event=given.with_event,
        keep_alive=given.session_keep_alive_seconds,
    )
