"""Checks of the Data API: statements that read and write nothing of anybody's; one makes a table of its own, and drops
it."""

from __future__ import annotations

import secrets
from typing import Any

from elt_redshift.aws.verification.bench import Bench, NotShownError, expect
from elt_redshift.protocol import errors
from elt_redshift.protocol.statements import FAILED, FINISHED


def same_token(bench: Bench) -> str:
    """A ClientToken that was used answers with the same id."""
    request = {**bench.where, "Sql": "select 1", "ClientToken": secrets.token_hex(16)}
    first, second = (bench.data.execute_statement(**request)["Id"] for _ in range(2))
    bench.ended(first)
    expect(first == second, f"{first}, then {second}")
    return f"{first} both times"


def listed(bench: Bench) -> str:
    """By the beginning of their names, and by one status, statements of the caller's role are found."""
    found = _listed(bench, bench.run("select 1", StatementName=(name := _name(bench)))["Id"], name)
    return f"{found['StatementName']} is {found['Status']}"


def listed_batch(bench: Bench) -> str:
    """By the beginning of their names, batches are found as statements are."""
    found = _listed(bench, bench.run("select 1", "select 2", StatementName=(name := _name(bench)))["Id"], name)
    return f"{found['StatementName']} is {found['Status']}"


def _name(bench: Bench) -> str:
    return f"{bench.name}/{secrets.token_hex(4)}/1"


def _listed(bench: Bench, statement: str, name: str) -> dict[str, Any]:
    prefix = name.removesuffix("1")
    listing = bench.data.get_paginator("list_statements")

    def look() -> list[dict[str, Any]] | None:
        pages = listing.paginate(StatementName=prefix, Status=FINISHED, RoleLevel=True)
        return [one for page in pages for one in page["Statements"]] or None

    found = bench.until(look, f"No finished statement begins with {prefix}")
    expect([one["Id"] for one in found] == [statement], f"{len(found)} statements begin with {prefix}")
    return dict(found[0])


def committed_behind_a_failure(bench: Bench) -> str:
    """With AUTO_COMMIT, the statements behind a failed one run."""
    parts = bench.run("select 1", "select 1/0", "select 3", ExecutionMode="AUTO_COMMIT")["SubStatements"]
    statuses = [one["Status"] for one in parts]
    expect(statuses == [FINISHED, FAILED, FINISHED], ", ".join(statuses))
    return ", ".join(statuses)


def failed_batch(bench: Bench) -> str:
    """Of a failed batch, DescribeStatement tells the part that failed."""
    told = bench.run("select 1", "select 1/0")
    failed = [one for one in told["SubStatements"] if one["Status"] == FAILED]
    expect(told["Status"] == FAILED and len(failed) == 1, f"{told['Status']}, {len(failed)} parts FAILED")
    expect(failed[0]["Id"] == f"{told['Id']}:2", failed[0]["Id"])
    return f"{failed[0]['Id']} FAILED"


def failed_first(bench: Bench) -> str:
    """Of a batch whose first statement fails, the first part has failed, with Redshift's message."""
    first = bench.run("select 1/0", "select 2")["SubStatements"][0]
    expect((first["Status"], first["Id"][-2:]) == (FAILED, ":1"), f"{first['Status']} {first['Id']}")
    expect("by zero" in first.get("Error", ""), first.get("Error", "no error"))
    return str(first["Error"])


def names_of_parameters(bench: Bench) -> str:
    """DescribeStatement gives the text with the names of parameters, and their values beside it."""
    told = bench.run("select :year", Parameters=[{"name": "year", "value": "1998"}])
    expect(":year" in told["QueryString"], told["QueryString"])
    expect(told.get("QueryParameters") == [{"name": "year", "value": "1998"}], told.get("QueryParameters"))
    return str(told["QueryString"])


def result_of_a_part(bench: Bench) -> str:
    """DescribeStatement and GetStatementResult take the id of a batch's statement."""
    part = f"{bench.run('select 1', 'select 2')['Id']}:2"
    told, records = bench.data.describe_statement(Id=part), bench.data.get_statement_result(Id=part)["Records"]
    expect(records == [[{"longValue": 2}]], records)
    return f"{part}: HasResultSet {told['HasResultSet']}, {records}"


def read_behind_a_write(bench: Bench) -> str:
    """The last statement of a batch sees what those before it have written; each counts its own rows."""
    told = bench.run(
        "create temp table elt_verify (n int)",
        "insert into elt_verify values (1), (5)",
        "update elt_verify set n = 2 where n = 1",
        "select n from elt_verify where n < 5",
    )
    rows = [one.get("ResultRows") for one in told.get("SubStatements", ())][2:]
    records = bench.data.get_statement_result(Id=f"{told['Id']}:4")["Records"]
    expect((rows, records) == ([1, 1], [[{"longValue": 2}]]), (rows, records))
    return "1 row changed, and read as it is then"


def counted_rows(bench: Bench) -> str:
    """ResultRows counts what was inserted, updated and deleted."""
    told = bench.run(
        "create temp table elt_verify (n int)",
        "insert into elt_verify values (1), (2), (3)",
        "update elt_verify set n = n + 1 where n > 1",
        "delete from elt_verify where n = 1",
    )
    rows = [one.get("ResultRows") for one in told.get("SubStatements", ())][1:]
    expect(rows == [3, 2, 1], f"{rows}, {told.get('Error', 'no error')}")
    return "3 inserted, 2 updated, 1 deleted"


#: So many writers want to be the one that changes a row.
WRITERS = 8


def one_writer(bench: Bench) -> str:
    """Of UPDATEs of one row at once one changes it; the others change nothing, or fail with error 1023."""
    table = f"elt_verify_{secrets.token_hex(8)}"
    made = bench.run(f"create table {table} (n int)", f"insert into {table} values (0)")  # noqa: S608 - ours
    if made["Status"] != FINISHED:
        raise NotShownError(f"No table can be made in {bench.where['Database']}: {made.get('Error')}")
    try:
        request = {**bench.where, "Sql": f"update {table} set n = n + 1 where n = 0"}  # noqa: S608 - ours
        ids = [bench.data.execute_statement(**request)["Id"] for _ in range(WRITERS)]
        written = [_written(bench.ended(one)) for one in ids]
    finally:
        bench.run(f"drop table {table}")
    counts = {one: written.count(one) for one in dict.fromkeys(written)}
    expect(counts.get(_CHANGED) == 1 and {*counts} <= {_CHANGED, _UNCHANGED, _CONFLICT}, counts)
    return ", ".join(f"{count} {one}" for one, count in counts.items())


_CHANGED, _UNCHANGED, _CONFLICT = "changed it", "found it changed", "failed with error 1023"


def _written(told: dict[str, Any]) -> str:
    if told["Status"] == FINISHED:
        return {0: _UNCHANGED, 1: _CHANGED}.get(told["ResultRows"], f"changed {told['ResultRows']} rows")
    said = str(told.get("Error"))
    return _CONFLICT if errors.kind("", said) == "conflict" else said
