"""SQL runs as a user who may do what a job needs, and has neither files nor programs of the machine."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql as pgsql

from elt_redshift.local.psql import psql_command
from elt_redshift.local.redshift import EmbeddedRedshift
from elt_redshift.local.redshift.roles import EXCHANGE_ROLE, SQL_USER, SUPERUSER

from .conftest import run, values

CANNOT = "permission denied"
HERE = Path(f"/tmp/elt-redshift-was-here-{uuid.uuid4().hex}")
REFUSED = {
    "copy from a program": ("copy t from program 'id'", CANNOT),
    "copy to a program": ("copy (select 1) to program 'cat'", CANNOT),
    "copy from a file": ("copy t from '/etc/passwd'", CANNOT),
    "copy to a file": (f"copy (select 1) to '{HERE}'", CANNOT),
    "read a file": ("select pg_read_file('/etc/passwd')", CANNOT),
    "read bytes": ("select pg_read_binary_file('/etc/passwd')", CANNOT),
    "read the server's own file": ("select pg_read_file('pg_hba.conf', true)", CANNOT),
    "list a folder": ("select pg_ls_dir('/')", CANNOT),
    "look at a file": ("select pg_stat_file('/etc/passwd')", CANNOT),
    "import a large object": ("select lo_import('/etc/passwd')", CANNOT),
    "export a large object": (f"select lo_export(lo_from_bytea(0, 'x'), '{HERE}')", CANNOT),
    "load a library": ("load '/tmp/library.so'", "access to library"),
    "write a function in C": ("create function evil() returns int language c as '/tmp/library.so', 'evil'", CANNOT),
    "name an internal function": ("create function evil(text) returns text language internal as 'x'", CANNOT),
    "add a language": ("create language plpython3u handler plpgsql_call_handler", "must be superuser"),
    "add an extension that reads files": ("create extension file_fdw", "is not available"),
    "be the superuser": (f"set role {SUPERUSER}", CANNOT),
    "log in as the superuser": (f"set session authorization {SUPERUSER}", CANNOT),
    "be who reads answers": (f"set role {EXCHANGE_ROLE}", CANNOT),
    "rise": (f"alter user {SQL_USER} superuser", CANNOT),
    "make a superuser": ("create user evil superuser", CANNOT),
    "be given programs": (f"grant pg_execute_server_program to {SQL_USER}", CANNOT),
    "be given files": (f"grant pg_read_server_files to {SQL_USER}", CANNOT),
    "be given the reader": (f"grant {EXCHANGE_ROLE} to {SQL_USER}", CANNOT),
    "make a user who has files": ("create user evil in role pg_write_server_files", CANNOT),
    "let the superuser in": (f"alter user {SUPERUSER} login", CANNOT),
    "replace the reader": (
        "create or replace function redshift.answer(request uuid) returns text language sql as 'select 1'",
        CANNOT,
    ),
    "redirect the reader": ("alter function redshift.answer(uuid) set search_path to public", "must be owner"),
    "add to the functions": ("create function redshift.evil() returns int language sql as 'select 1'", CANNOT),
}
PLAIN = {
    "change the server": ("alter system set archive_command to 'id'", "ALTER SYSTEM is not emulated"),
    "make a tablespace": ("create tablespace here location '/tmp'", "not supported on Redshift"),
    **{name: REFUSED[name] for name in ("read a file", "import a large object", "be the superuser")},
}


def in_a_block(statement: str) -> str:
    """``statement`` as PostgreSQL meets it, past the translation of Redshift's dialect."""
    return f"do $$ begin execute {pgsql.Literal(statement).as_string()}; end $$"


@pytest.mark.parametrize("attempt", REFUSED)
def test_what_leads_out_of_the_database_is_refused(client: Any, schema: str, attempt: str) -> None:
    """Programs, files, untrusted languages and the rights to them are refused, by PostgreSQL itself."""
    statement, reason = REFUSED[attempt]
    run(client, f"create table {schema}.t (line varchar(max))")
    described = run(client, f"set search_path to {schema}; {in_a_block(statement)}")
    assert (described["Status"], reason in described["Error"]) == ("FAILED", True), described["Error"]
    assert not HERE.exists()


@pytest.mark.parametrize("attempt", PLAIN)
def test_a_plain_statement_is_refused_too(client: Any, attempt: str) -> None:
    """The same without a block around it."""
    statement, reason = PLAIN[attempt]
    described = run(client, statement)
    assert (described["Status"], reason in described["Error"]) == ("FAILED", True), described["Error"]


def test_a_function_that_runs_as_its_owner_gains_nothing(client: Any, schema: str) -> None:
    """SECURITY DEFINER, out of the translation's sight, is the same unprivileged user, who has no dangerous role."""
    created = (
        f"create function {schema}.who() returns text language sql security definer as 'select current_user::text'"
    )
    assert run(client, in_a_block(created))["Status"] == "FINISHED"
    assert values(client, f"select {schema}.who()") == [(SQL_USER,)]
    rights = (
        "select count(*) from pg_roles where pg_has_role(current_user, oid, 'member') "
        "and (rolsuper or rolname like 'pg\\\\_%' or rolname = 'elt_exchange') and rolname <> 'pg_database_owner'"
    )
    assert values(client, rights) == [(0,)]


def test_nobody_can_be_the_superuser(redshift: EmbeddedRedshift) -> None:
    """After the start the owner cannot log in as the superuser, nor as a role that reads files."""
    for role in (SUPERUSER, EXCHANGE_ROLE):
        with pytest.raises(psycopg.OperationalError, match=r"not permitted to log in|authentication failed"):
            psycopg.connect(redshift.postgres.uri(user=role))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_another_user_of_the_machine_cannot_connect(redshift: EmbeddedRedshift) -> None:
    """The socket is in a folder of its owner's, and PostgreSQL asks the kernel who is there."""
    command = psql_command(redshift.postgres.uri(), ["-c", "select 1"])
    home = redshift.postgres.exchange.parent
    mode = home.stat().st_mode
    assert mode & 0o077 == 0
    for opened in (False, True):
        home.chmod(mode | (0o055 if opened else 0))
        (home / ".s.PGSQL.5432").chmod(0o777 if opened else 0o700)
        tried = subprocess.run(command, user="nobody", cwd="/", capture_output=True, text=True, check=False)
        (home / ".s.PGSQL.5432").chmod(0o700)
        home.chmod(mode)
        assert tried.returncode != 0
        assert ("Peer authentication failed" if opened else "Permission denied") in tried.stderr


@pytest.mark.parametrize("name", ["outside", "x", 7, None])
def test_a_forged_request_for_rows_writes_nothing(
    client: Any, redshift: EmbeddedRedshift, schema: str, name: Any
) -> None:
    """A procedure's notice that asks for rows names no file of its own choice."""
    exchange = redshift.postgres.exchange
    before = set(exchange.iterdir())
    name = f"../../..{HERE}" if name == "outside" else name
    detail = json.dumps({"id": name, "kind": "copy", "statement": "copy t from 's3://b/k'", "columns": []})
    body = f"begin raise notice 'elt.ask' using detail = {pgsql.Literal(detail).as_string()}; end"
    run(client, f"create procedure {schema}.forge() language plpgsql as $$ {body} $$")
    assert run(client, f"call {schema}.forge()")["Status"] == "FINISHED"
    assert set(exchange.iterdir()) == before
    assert not list(HERE.parent.glob(f"{HERE.name}*"))


def test_the_reader_gives_answers_and_nothing_else(client: Any) -> None:
    """The one function that reads files takes ids only, and finds nothing under one that was never asked for."""
    assert values(client, f"select redshift.answer('{uuid.uuid4()}')") == [(None,)]
    assert "invalid input syntax" in run(client, "select redshift.answer('../data/pg_hba.conf')")["Error"]


def test_jobs_create_what_they_need(client: Any) -> None:
    """Databases, schemas, users, groups, rights and owners are the user's to make, use and drop."""
    name = f"r{uuid.uuid4().hex[:12]}"
    statements = [
        f"create user {name}_ann password 'Secret12'",
        f"create group {name}_staff with user {name}_ann",
        f"create schema {name} authorization {name}_ann",
        f"create table {name}.t (i int identity(1, 1), v varchar(5))",
        f"grant all on {name}.t to group {name}_staff",
        f"alter table {name}.t owner to {name}_ann",
        f"alter default privileges for user {name}_ann in schema {name} grant select on tables to group {name}_staff",
        f"set session authorization {name}_ann; insert into {name}.t (v) values ('a'); reset session authorization",
        f"create procedure {name}.p() language plpgsql as $$ begin insert into {name}.t (v) values ('b'); end $$",
        f"call {name}.p()",
        f"create materialized view {name}.m as select * from {name}.t",
        f"refresh materialized view {name}.m",
        f"analyze {name}.t",
        f"vacuum {name}.t",
        f"create database {name}",
        f"drop database {name}",
    ]
    for statement in statements:
        described = run(client, statement)
        assert described["Status"] == "FINISHED", (statement, described["Error"])
    assert values(client, f"select v, current_user from {name}.m order by v") == [("a", SQL_USER), ("b", SQL_USER)]
    for statement in (f"drop schema {name} cascade", f"drop group {name}_staff", f"drop user {name}_ann"):
        described = run(client, statement)
        assert described["Status"] == "FINISHED", (statement, described["Error"])
