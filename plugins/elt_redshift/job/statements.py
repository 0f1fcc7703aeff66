"""What the SQL of a task may hold.

Limits: https://docs.aws.amazon.com/redshift/latest/mgmt/data-api.html (100 KB a statement, 40 statements a batch).
Statements that Redshift refuses inside a transaction block are told on their own pages, such as
https://docs.aws.amazon.com/redshift/latest/dg/r_VACUUM_command.html.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from itertools import islice

from elt_redshift.job import sql
from elt_redshift.job.findings import Findings
from elt_redshift.job.parts import SqlStatement, SqlTask
from elt_redshift.job.written import unsendable
from elt_redshift.protocol.limits import MAX_BATCH, MAX_STATEMENT_BYTES

#: The one ``${Name}`` that deployment fills in.
ROLE_PLACEHOLDER = "${RedshiftIAMRoleARN}"

_TRANSACTION_CONTROL = re.compile(r"(begin|start transaction|commit|end|rollback|abort)\b")
#: From the pages of these commands, and of SVL_MULTI_STATEMENT_VIOLATIONS.
_OUTSIDE_TRANSACTIONS = re.compile(
    r"(?:vacuum|(?:create|drop) (?:database|library)|(?:create|drop|alter) external table"
    r"|(?:create|drop) tablespace|reindex database"
    r"|alter table \S+ (?:append|alter column \S+ type|(?:add|drop)(?: if (?:not )?exists)? partition)"
    r"|(?:grant|revoke) .*\bon external (?:table|column|schema))\b"
)
#: https://docs.aws.amazon.com/redshift/latest/dg/r_TRUNCATE.html
_COMMITS = re.compile(r"truncate\b")
#: Enough tokens to recognize any of these, and the words that they begin with, for a look that costs little.
_HEAD_TOKENS = 40
_FIRST_WORD = re.compile(rf"(?:[{sql.WHITE}]|--[^\n\r]*)*+(\w+)")
_TRANSACTION_WORDS = frozenset({"begin", "start", "commit", "end", "rollback", "abort", "truncate"})
_FIRST_WORDS = _TRANSACTION_WORDS | {"vacuum", "create", "drop", "reindex", "alter", "grant", "revoke"}
#: Neither holds braces, so that no text of many that are never closed takes long.
_PLACEHOLDER = re.compile(r"\$\{[^{}\s]*\}")
_TEMPLATE = re.compile(r"\{\{-?\s*[A-Za-z_][^{}]*\}\}|\{%-?\s*[a-z]+\b[^{}]*%\}")


def script(statements: Iterable[SqlStatement]) -> str:
    """The statements as one text for people, each behind a comment that tells its place."""
    return "\n\n".join(f"-- {one.place}\n{one.text};" if one.place else f"{one.text};" for one in statements)


def places(statements: Iterable[SqlStatement], fenced: bool) -> tuple[str, ...]:
    """Where each statement of a submission stands, such as ``load_fact.sql:12``.

    :param fenced: it begins with one that checks the job's fence, which stands nowhere.
    """
    return (*([""] if fenced else []), *(statement.place for statement in statements))


def check(task: SqlTask, findings: Findings) -> None:
    """Note every mistake in the statements of ``task``."""
    if len(task.statements) > MAX_BATCH:
        problem = f"The task '{task.name}' has {len(task.statements)} statements; a batch holds {MAX_BATCH}."
        remedy = "Split the task, or put the work into a stored procedure and call it."
        findings.add(("tasks", str(task.name), task.kind), problem, remedy)
    for statement in task.statements:
        try:
            _check_statement(task, statement, findings)
        except sql.SqlSyntaxError as error:
            findings.add(("tasks", str(task.name), task.kind), f"This is not SQL: {error}", "Close it.")


def _check_statement(task: SqlTask, statement: SqlStatement, findings: Findings) -> None:
    if not sql.is_plainly_one(statement.text) and (count := len(sql.split(statement.text))) != 1:
        problem = f"A statement of task '{task.name}' holds {count} statements."
        add(task, statement, 0, problem, "Make each its own SqlStatement.", findings)
    if what := unsendable(statement.text):
        problem = f"A statement of task '{task.name}' holds {what}."
        add(task, statement, 0, problem, "Take it out.", findings)
        return
    _check_size(task, statement, findings)
    _check_transaction(task, statement, findings)
    _check_placeholders(task, statement, findings)


def check_references(task: SqlTask, declared: Collection[str], findings: Findings) -> None:
    """Note each ``:name`` that the job does not declare, where it stands."""
    if findings.at("parameters") and not declared:
        return
    for statement in task.statements:
        for name in statement.parameters:
            if name not in declared:
                declare = f"Declare it: parameters: {{{name}: {{}}}}."
                remedy = f"{findings.did_you_mean(name, declared)} Or declare it." if declared else declare
                problem = f"The parameter ':{name}' of task '{task.name}' is not declared."
                add(task, statement, _use(statement.text, name), problem, remedy, findings)


def _use(text: str, parameter: str) -> int:
    """The offset at which ``text`` first refers to ``parameter``."""
    uses = (token.start for token in sql.tokenize(text) if token.kind == "parameter" and token.text == f":{parameter}")
    return next(uses, 0)


def beyond_a_transaction(statement: SqlStatement) -> str | None:
    """What of a statement cannot be rolled back with a transaction: it must not stand in one, or it commits it."""
    head = _head(statement.text)
    found = _OUTSIDE_TRANSACTIONS.match(head) or _COMMITS.match(head)
    return found[0].upper() if found else None


def add(task: SqlTask, statement: SqlStatement, offset: int, problem: str, remedy: str, findings: Findings) -> None:
    """Note a mistake at the line of ``offset`` in the statement's text, or at its key if it stands in no file."""
    key = ("tasks", str(task.name), task.kind)
    file, colon, line = statement.place.rpartition(":")
    if colon and line.isdigit():
        first = first_offset(statement.text)
        shift = sql.lines_to(statement.text, 0, offset) - sql.lines_to(statement.text, 0, first)
        findings.add_in_file(key, file, int(line) + shift, problem, remedy)
    else:
        findings.add(key, problem, remedy)


def _meaningful(text: str) -> Iterator[sql.Token]:
    return (token for token in sql.tokenize(text) if token.kind not in sql.BLANK)


def first_offset(text: str) -> int:
    return next((token.start for token in _meaningful(text)), 0)


def _head(text: str) -> str:
    """The statement's first words in lower case, one blank between them, comments gone, no blank in quoted names; the
    first one alone where no pattern begins with it."""
    first = _FIRST_WORD.match(text)
    if first and (word := first[1].lower()) not in _FIRST_WORDS:
        return word
    joined = ""
    for token in islice(_meaningful(text), _HEAD_TOKENS):
        word = token.word or "_".join(token.text.split())
        glued = not joined or word == "." or joined.endswith(".")
        joined += word if glued else f" {word}"
    return joined


def _check_size(task: SqlTask, statement: SqlStatement, findings: Findings) -> None:
    size = len(statement.text.encode())
    if size > MAX_STATEMENT_BYTES:
        problem = f"A statement of task '{task.name}' has {size:,} bytes; the Redshift Data API takes 100 KB."
        remedy = "Split it, or put it into a stored procedure or a view."
        add(task, statement, first_offset(statement.text), problem, remedy, findings)


def _check_transaction(task: SqlTask, statement: SqlStatement, findings: Findings) -> None:
    if task.transaction is not True:
        return
    head = _head(statement.text)
    if control := _TRANSACTION_CONTROL.match(head):
        problem = f"{control[1].upper()} stands in task '{task.name}', whose statements are one transaction already."
        remedy = "Take it out, or set transaction: false."
    elif len(task.statements) > 1 and (outside := _OUTSIDE_TRANSACTIONS.match(head)):
        problem = f"'{outside[0]}' of task '{task.name}' cannot run in a transaction block."
        remedy = "Give it a task of its own, or set transaction: false."
    else:
        return
    add(task, statement, first_offset(statement.text), problem, remedy, findings)


def _check_placeholders(task: SqlTask, statement: SqlStatement, findings: Findings) -> None:
    """In strings, quoted names, bodies and comments these are text like any other."""
    if not any(mark in statement.text for mark in ("${", "{{", "{%")):
        return
    code = _without(statement.text, "comment", "string", "quoted", "dollar")
    for found in _PLACEHOLDER.finditer(code):
        if found[0] != ROLE_PLACEHOLDER:
            problem = f"'{found[0]}' in task '{task.name}' would never be filled in."
            remedy = f"Use a parameter, :name. Deployment fills in {ROLE_PLACEHOLDER} only."
            add(task, statement, found.start(), problem, remedy, findings)
    for found in _TEMPLATE.finditer(code):
        problem = f"'{found[0]}' in task '{task.name}' is a template; SQL is sent as it is written."
        add(task, statement, found.start(), problem, "Use a parameter, :name.", findings)


def _without(text: str, *kinds: sql.Kind) -> str:
    """``text`` with tokens of these kinds blanked out, every offset as it was."""
    return "".join(" " * len(token.text) if token.kind in kinds else token.text for token in sql.tokenize(text))
