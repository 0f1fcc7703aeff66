"""From what a task tells to the facets and datasets that OpenLineage's provider sends.

It imports the provider: only processes that send events do so.
https://openlineage.io/docs/spec/facets/
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import attr
from airflow.providers.openlineage.extractors import OperatorLineage
from airflow.providers.openlineage.sqlparser import SQLParser, from_table_meta
from openlineage.client.event_v2 import Dataset
from openlineage.client.facet_v2 import JobFacet, RunFacet, external_query_run, extraction_error_run, sql_job

if TYPE_CHECKING:
    from elt_redshift.lineage.told import Told, Warehouse

#: Where names without a schema are looked up, unless a user has another search_path.
DEFAULT_SCHEMA = "public"

#: A table whose name begins so lives as long as its session, and is nobody's dataset.
TEMPORARY = "#"


@attr.define
class EltJobFacet(JobFacet):
    """The job that an Airflow task belongs to, and its tasks that this one stands for."""

    jobId: str | None = None  # noqa: N815 - as OpenLineage writes names
    name: str | None = None
    tasks: list[str] = attr.Factory(list)


@attr.define
class EltRunFacet(RunFacet):
    """The execution and the statement of an Airflow task."""

    executionArn: str | None = None  # noqa: N815
    statementId: str | None = None  # noqa: N815
    rows: int | None = None
    seconds: float | None = None


def lineage(told: Told) -> OperatorLineage[Any, Any]:
    """The facets of a task, with the tables of its SQL as OpenLineage's parser finds them."""
    found = OperatorLineage[Any, Any](job_facets=_job(told), run_facets=_run(told))
    warehouse, sqls = told.statement.warehouse, told.statement.sqls
    return found.merge(_tables(sqls, warehouse)) if warehouse and sqls else found


def _job(told: Told) -> dict[str, JobFacet]:
    facets: dict[str, JobFacet] = {"eltRedshift_job": EltJobFacet(told.job_id, told.job_name, list(told.tasks))}
    if told.statement.sqls:
        facets["sql"] = sql_job.SQLJobFacet(query=";\n\n".join(told.statement.sqls), dialect="redshift")
    return facets


def _run(told: Told) -> dict[str, RunFacet]:
    statement = told.statement
    elt = EltRunFacet(told.execution_arn, statement.id, statement.rows, statement.seconds)
    facets: dict[str, RunFacet] = {"eltRedshift_run": elt}
    if statement.warehouse and statement.id:
        source = statement.warehouse.namespace
        facets["externalQuery"] = external_query_run.ExternalQueryRunFacet(statement.id, source)
    return facets


def _tables(sqls: Sequence[str], warehouse: Warehouse) -> OperatorLineage[Any, Any]:
    """The tables that the SQL reads and writes, and what the parser did not understand.

    The parser's columns are left out: it names them after the query, and not after the table that an INSERT fills.
    """
    parsed = SQLParser(dialect="redshift", default_schema=DEFAULT_SCHEMA).parse(list(sqls))
    if parsed is None:
        return OperatorLineage()
    return OperatorLineage(
        inputs=_datasets(parsed.in_tables, warehouse),
        outputs=_datasets(parsed.out_tables, warehouse),
        run_facets=_errors(parsed.errors, len(sqls)),
    )


def _datasets(tables: Iterable[Any], warehouse: Warehouse) -> list[Dataset]:
    """Redshift folds names to lower case, also quoted ones, so that two spellings are one table."""
    lasting = [table for table in tables if not table.name.startswith(TEMPORARY)]
    named = (from_table_meta(table, warehouse.database, warehouse.namespace, is_uppercase=False) for table in lasting)
    names = dict.fromkeys(dataset.name.lower() for dataset in named)
    return [Dataset(namespace=warehouse.namespace, name=name) for name in names]


def _errors(errors: Sequence[Any], statements: int) -> dict[str, RunFacet]:
    if not errors:
        return {}
    told = [extraction_error_run.Error(error.message, None, error.origin_statement, error.index) for error in errors]
    return {"extractionError": extraction_error_run.ExtractionErrorRunFacet(statements, len(told), told)}
