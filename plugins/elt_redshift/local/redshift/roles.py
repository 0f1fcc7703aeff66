"""Who is who in the embedded PostgreSQL, and the databases that everybody finds.

Whatever reaches the Data API is executed, so it is executed as :data:`SQL_USER`, who may create databases, schemas,
users and all that belongs into them, as a job needs it, and has neither the files nor the programs of the machine. The
superuser is there for as long as this module works; then nobody can be it, by no connection and no SET ROLE.

One function has other rights than its caller's: ``redshift.answer`` reads this process's answers to what SQL asks it
(see ``exchange.py``), from one folder, by their ids, and belongs to a role that can do nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import psycopg
from psycopg import sql

SUPERUSER = "postgres"
SQL_USER = "awsuser"
"""As Redshift calls the user that a cluster begins with."""
DATABASE = "dev"
FUNCTION_SCHEMA = "redshift"
"""Where the functions live that Redshift has and PostgreSQL lacks or has otherwise; every search path ends with it."""
#: The files of sql/, in the order in which they need each other.
FILES = (
    *("conversions", "collations", "super", "dates", "strings", "numbers", "aggregates", "statements", "catalog"),
    "views",
)
#: Before PostgreSQL's own, so that a function that Redshift has otherwise hides PostgreSQL's.
SYSTEM_PATH = f"{FUNCTION_SCHEMA}, pg_catalog"
SEARCH_PATH = f'"$user", public, {SYSTEM_PATH}'
EXCHANGE_ROLE = "elt_exchange"

_ROLES = f"""
create role {SQL_USER} login createdb createrole;
-- Users whom it creates are its to act as, as they are a Redshift superuser's.
alter role {SQL_USER} set createrole_self_grant to 'set, inherit';
create role {EXCHANGE_ROLE} nologin in role pg_read_server_files;
"""

#: In template1, which every new database copies. {folder} is fixed here, because a setting could be set by anybody.
_EXCHANGE = f"""
grant usage on schema {FUNCTION_SCHEMA} to public;
grant execute on function pg_read_file(text, boolean) to {EXCHANGE_ROLE};
create function {FUNCTION_SCHEMA}.answer(request uuid) returns text language sql volatile strict
security definer set search_path to pg_catalog, pg_temp
return pg_read_file({{folder}} || '/' || request::text || '.answer', true);
alter function {FUNCTION_SCHEMA}.answer(uuid) owner to {EXCHANGE_ROLE};
"""


def create_all(uri: Callable[[str, str], str], exchange: Path) -> None:
    """Create the roles, Redshift's functions and the database ``dev``, and give up the superuser.

    :param uri: the address of a database for a user.
    :param exchange: the folder of the answers to COPYs in procedures.
    """
    folder = files(__package__).joinpath("sql")
    with psycopg.connect(uri("template1", SUPERUSER), autocommit=True, prepare_threshold=None) as connection:
        connection.execute(_ROLES.encode())
        connection.execute(f"set allow_system_table_mods to on; set search_path to {SYSTEM_PATH}".encode())
        for name in FILES:
            connection.execute(folder.joinpath(f"{name}.sql").read_text(encoding="utf-8").encode())
        connection.execute(sql.SQL(_EXCHANGE).format(folder=sql.Literal(str(exchange))))
    with psycopg.connect(uri("postgres", SUPERUSER), autocommit=True, prepare_threshold=None) as connection:
        connection.execute(f"alter system set search_path to {SEARCH_PATH}".encode())
        connection.execute("select pg_reload_conf()")
        connection.execute(f"create database {DATABASE} owner {SQL_USER}".encode())
        connection.execute(f"alter role {SUPERUSER} nologin".encode())
