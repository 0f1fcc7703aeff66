"""The events' facets and datasets, by OpenLineage's own parser, where its provider is installed."""

from __future__ import annotations

from typing import Any

import pytest

from elt_redshift.lineage.told import Told, ToldStatement, Warehouse

pytest.importorskip("airflow.providers.openlineage")

from elt_redshift.lineage.facets import lineage

CLUSTER = Warehouse("warehouse", "eu-west-1", "dev")
NAMESPACE = "redshift://warehouse.eu-west-1:5439"


def _of(*sqls: str, **more: Any) -> Any:
    return lineage(Told("7", "sales", ("load",), statement=ToldStatement(sqls, CLUSTER, **more)))


def _names(datasets: list[Any]) -> list[str]:
    assert {dataset.namespace for dataset in datasets} <= {NAMESPACE}
    return [dataset.name for dataset in datasets]


def test_tables_have_the_names_of_openlineages_specification() -> None:
    """Namespace by cluster and region, name by database, schema and table; without a schema it is public's. Two
    spellings of a name are one table."""
    found = _of(
        'insert into "Fact" select * from STAGING.supplier s join public.customer c on s.k = c.k where s.y = :year',
        "delete from fact using Public.Customer c where fact.k = c.k",
        "insert into other.sch.t select * from fact",
    )
    assert sorted(_names(found.inputs)) == ["dev.public.customer", "dev.public.fact", "dev.staging.supplier"]
    assert sorted(_names(found.outputs)) == ["dev.public.fact", "other.sch.t"]


def test_temporary_tables_are_nobodys_datasets() -> None:
    """What ends with the session is neither read nor written for others."""
    found = _of("create temp table #news (like source)", "insert into t select n from #news")
    assert (_names(found.inputs), _names(found.outputs)) == (["dev.public.source"], ["dev.public.t"])


def test_the_sql_is_told_as_it_was_sent() -> None:
    """Comments and parameters' names are kept, with the statement, its rows and its source."""
    texts = ("-- yearly\ninsert into t select :year", "truncate table s")
    found = _of(*texts, id="s-1", rows=7, seconds=1.5)
    assert found.job_facets["sql"].query == ";\n\n".join(texts)
    run = found.run_facets["eltRedshift_run"]
    assert (run.statementId, run.rows, run.seconds, run.executionArn) == ("s-1", 7, 1.5, None)
    query = found.run_facets["externalQuery"]
    assert (query.externalQueryId, query.source) == ("s-1", NAMESPACE)
    job = found.job_facets["eltRedshift_job"]
    assert (job.jobId, job.name, job.tasks) == ("7", "sales", ["load"])


def test_what_the_parser_does_not_understand_is_told() -> None:
    """The other statements' tables are told all the same."""
    found = _of("create table t (a int encode az64)", "insert into t select * from s")
    (error,) = found.run_facets["extractionError"].errors
    assert (error.taskNumber, error.task) == (0, "create table t (a int encode az64)")
    assert (_names(found.inputs), _names(found.outputs)) == (["dev.public.s"], ["dev.public.t"])


@pytest.mark.parametrize("sqls", [(), ("copy t from 's3://b/k' iam_role default",), ("",)])
def test_sql_without_tables_gives_no_datasets(sqls: tuple[str, ...]) -> None:
    """A task without SQL, or with SQL of which the parser knows no tables, still has its other facets."""
    found = _of(*sqls)
    assert (found.inputs, found.outputs, "eltRedshift_job" in found.job_facets) == ([], [], True)


def test_no_dataset_is_guessed_where_the_warehouse_is_not_known() -> None:
    """The SQL alone is told, without a source."""
    found = lineage(Told(statement=ToldStatement(("insert into t select 1",), id="s-1")))
    assert (found.outputs, set(found.job_facets)) == ([], {"sql", "eltRedshift_job"})
    assert set(found.run_facets) == {"eltRedshift_run"}
