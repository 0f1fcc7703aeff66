"""ListDatabases, ListSchemas, ListTables and DescribeTable, from PostgreSQL's catalog."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import psycopg

from elt_redshift.local.redshift.errors import DataApiError, invalid
from elt_redshift.local.redshift.postgres import Postgres
from elt_redshift.local.redshift.results import Column
from elt_redshift.local.redshift.roles import DATABASE, FUNCTION_SCHEMA
from elt_redshift.local.redshift.validation import validate_target

Response = dict[str, Any]

_HIDDEN = ("postgres", "template0", "template1")
_TABLES = """
    select c.relname, n.nspname, case c.relkind when 'v' then 'VIEW' when 'm' then 'VIEW' else 'TABLE' end
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'v', 'm') and n.nspname not like 'pg_%%' and n.nspname not in ('information_schema', %s)
      and n.nspname like %s and c.relname like %s
    order by n.nspname, c.relname"""
_COLUMNS = """
    select a.attname, a.atttypid::bigint, a.atttypmod, a.attnotnull, pg_get_expr(d.adbin, d.adrelid)
    from pg_attribute a
    join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where n.nspname = %s and c.relname = %s and a.attnum > 0 and not a.attisdropped
    order by a.attnum"""


def _paged(name: str, items: list[Any], request: Response) -> Response:
    try:
        start = int(base64.urlsafe_b64decode(request.get("NextToken") or "") or 0)
    except (ValueError, binascii.Error):
        raise invalid("NextToken is not valid.") from None
    limit = request.get("MaxResults") or 1000
    response: Response = {name: items[start : start + limit]}
    if len(items) > start + limit:
        response["NextToken"] = base64.urlsafe_b64encode(str(start + limit).encode()).decode()
    return response


class Catalog:
    """Answers what there is in the database.

    :param postgres: the running database.
    """

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def _rows(self, request: Response, query: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """:raises DataApiError: ``DatabaseConnectionException``: there is no such database."""
        validate_target({"Database": DATABASE, **request})
        database = request.get("ConnectedDatabase") or request.get("Database") or DATABASE
        try:
            with psycopg.connect(self._postgres.uri(database)) as connection:
                return connection.execute(query.encode(), parameters).fetchall()
        except psycopg.OperationalError as error:
            raise DataApiError("DatabaseConnectionException", str(error).strip(), 500) from error

    def list_databases(self, request: Response, _principal: str) -> Response:
        rows = self._rows(
            request, "select datname from pg_database where datname <> all(%s) order by 1", (list(_HIDDEN),)
        )
        return _paged("Databases", [name for (name,) in rows], request)

    def list_schemas(self, request: Response, _principal: str) -> Response:
        query = "select nspname from pg_namespace where nspname <> %s and nspname like %s order by 1"
        rows = self._rows(request, query, (FUNCTION_SCHEMA, request.get("SchemaPattern") or "%"))
        return _paged("Schemas", [name for (name,) in rows], request)

    def list_tables(self, request: Response, _principal: str) -> Response:
        patterns = (request.get("SchemaPattern") or "%", request.get("TablePattern") or "%")
        rows = self._rows(request, _TABLES, (FUNCTION_SCHEMA, *patterns))
        members = [{"name": name, "schema": schema, "type": kind} for name, schema, kind in rows]
        return _paged("Tables", members, request)

    def describe_table(self, request: Response, _principal: str) -> Response:
        table, schema = request.get("Table", ""), request.get("Schema", "public")
        columns = []
        for name, oid, modifier, required, default in self._rows(request, _COLUMNS, (schema, table)):
            member = Column(name, oid, modifier).metadata()
            member |= {"nullable": 0 if required else 1, "schemaName": schema, "tableName": table}
            columns.append({**member, **({"columnDefault": default} if default else {})})
        return {"TableName": table, **_paged("ColumnList", columns, request)}
