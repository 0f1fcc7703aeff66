"""The demo's job computes what it says: its tables, on the embedded AWS, against DuckDB over the same TPC-H files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from elt_redshift import EltJob
from elt_redshift.demo import data
from tests.local.conftest import ClientFactory

JOB_FOLDER = Path(__file__).parents[3] / "sql" / "yearly_sales"
SETUP = JOB_FOLDER / "setup"
#: A database of its own: other tests share the server.
DATABASE = "yearly_sales_test"
TARGET = {"ClusterIdentifier": "demo", "Database": DATABASE, "DbUser": "awsuser"}
BUCKET, PREFIX = "elt-redshift-demo", "tpch"
SUBSTITUTIONS = {
    "Bucket": BUCKET,
    "Prefix": PREFIX,
    "RedshiftIAMRoleARN": "arn:aws:iam::123456789012:role/demo-redshift",
}
WAIT_SECONDS = 30

#: The queries of the AWS article, word for word.
ARTICLE_QUERY = """
select 'customer',count(*) from public.customer
union all
select 'fact_yearly_sale',count(*) from public.fact_yearly_sale
union all
select 'lineitem',count(*) from public.lineitem
union all
select 'nation',count(*) from public.nation
union all
select 'orders',count(*) from public.orders
union all
select 'supplier',count(*) from public.supplier
"""
ARTICLE_VALIDATION = """
select 'customer',count(*) from public.customer
union all
select 'fact_yearly_sale',count(*) from public.fact_yearly_sale
union all
select 'supplier',count(*) from public.supplier
"""

FACT = """
select customer_key, supplier_key, customer_nation, supplier_nation, order_count, line_count, quantity, gross_amount,
       net_amount, tax_amount
from public.fact_yearly_sale where sale_year = {year} order by customer_key, supplier_key
"""
#: The same by another road: the year by extraction, nations straight from the source, TPC-H's own decimals.
EXPECTED_FACT = """
select o_custkey, l_suppkey, cn.n_name, sn.n_name, count(distinct o_orderkey), count(*), sum(l_quantity),
       sum(l_extendedprice),
       round(sum(l_extendedprice * (1 - l_discount)), 4),
       round(sum(l_extendedprice * (1 - l_discount) * l_tax), 4)
from lineitem, orders, customer, supplier, nation cn, nation sn
where l_orderkey = o_orderkey and o_custkey = c_custkey and l_suppkey = s_suppkey
  and c_nationkey = cn.n_nationkey and s_nationkey = sn.n_nationkey and year(o_orderdate) = {year}
group by all order by o_custkey, l_suppkey
"""
DECIMALS = ("c_acctbal", "s_acctbal", "o_totalprice", "l_quantity", "l_extendedprice", "l_discount", "l_tax")


class StatementFailedError(Exception):
    """A statement did not finish; the message is what the Data API says about it."""


@dataclass(frozen=True)
class Warehouse:
    """The demo's database, spoken to as any user does: through the Redshift Data API."""

    client: Any

    def run(self, statements: list[str], parameters: dict[str, str] | None = None) -> str:
        """Run one statement, or several as a batch, to the end, as state machines do; gives the id."""
        extra = {"Parameters": [{"name": n, "value": v} for n, v in parameters.items()]} if parameters else {}
        if len(statements) == 1:
            submitted = self.client.execute_statement(**TARGET, Sql=statements[0], **extra)
        else:
            submitted = self.client.batch_execute_statement(**TARGET, Sqls=statements, **extra)
        described = self.client.describe_statement(Id=submitted["Id"], WaitTimeSeconds=WAIT_SECONDS)
        if described["Status"] != "FINISHED":
            raise StatementFailedError(described.get("Error", described["Status"]))
        return str(submitted["Id"])

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query; numerics, which the Data API gives as text, stay text."""
        pages = self.client.get_paginator("get_statement_result").paginate(Id=self.run([sql]))
        return [tuple(next(iter(field.values())) for field in row) for page in pages for row in page["Records"]]

    def run_job(self, year: str = "1998") -> None:
        """Run every task in order, each as the job defines it."""
        job = EltJob.load(JOB_FOLDER)
        values = job.values({"year": year})
        for task in job.in_order():
            given = {name: values[name] for name in task.parameters}
            self.run([statement.text for statement in task.statements], given)

    def script(self, name: str) -> None:
        data.run_script(self.client, TARGET, SETUP / name, SUBSTITUTIONS)

    def fact(self, year: int) -> list[tuple[Any, ...]]:
        """A year's rows of the fact, amounts as decimals."""
        return [(*row[:6], *map(Decimal, row[6:])) for row in self.rows(FACT.format(year=year))]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return data.generate(tmp_path_factory.mktemp("tpch"))


@pytest.fixture(scope="module")
def source(files: dict[str, Path]) -> Iterator[duckdb.DuckDBPyConnection]:
    """The same files in DuckDB."""
    with duckdb.connect() as connection:
        for table, path in files.items():
            types = {column: "decimal(15,2)" for column in DECIMALS if column[0] == table[0]}
            connection.read_csv(str(path), delimiter="|", header=True, dtype=types).create(table)
        yield connection


@pytest.fixture(scope="module")
def prepared(factories: Callable[[str], ClientFactory], files: dict[str, Path]) -> Warehouse:
    """A warehouse as the demo's set-up leaves it."""
    client = factories("embedded")
    created = client("redshift-data").execute_statement(
        **{**TARGET, "Database": "dev"}, Sql=f"create database {DATABASE}", WaitTimeSeconds=WAIT_SECONDS
    )
    assert created["Status"] == "FINISHED"
    data.upload(client("s3"), BUCKET, PREFIX, files)
    warehouse = Warehouse(client("redshift-data"))
    data.setup(warehouse.client, TARGET, SETUP, SUBSTITUTIONS)
    return warehouse


@pytest.fixture
def warehouse(prepared: Warehouse) -> Warehouse:
    """The same, with nothing loaded by the job yet."""
    targets = ("customer", "supplier", "fact_yearly_sale", "etl_error_log")
    prepared.run([f"delete from public.{table}" for table in targets])
    return prepared


def counts(source: duckdb.DuckDBPyConnection, *tables: str) -> dict[str, int]:
    return {table: source.table(table).count("*").fetchall()[0][0] for table in tables}


def test_set_up_loads_every_row_of_the_files(warehouse: Warehouse, source: duckdb.DuckDBPyConnection) -> None:
    """Before the first run the article's query shows the source data, and empty tables where the job will load."""
    loaded = counts(source, "lineitem", "nation", "orders")
    assert dict(warehouse.rows(ARTICLE_QUERY)) == {**loaded, "customer": 0, "supplier": 0, "fact_yearly_sale": 0}


@pytest.mark.exhaustive
def test_set_up_can_be_repeated(warehouse: Warehouse, source: duckdb.DuckDBPyConnection) -> None:
    """Setting up again neither fails nor doubles a row."""
    data.setup(warehouse.client, TARGET, SETUP, SUBSTITUTIONS)
    staged = warehouse.rows("select count(*) from public.stg_customer union all select count(*) from public.orders")
    assert [count for (count,) in staged] == list(counts(source, "customer", "orders").values())


def test_the_articles_validation_query_counts_what_was_loaded(
    warehouse: Warehouse, source: duckdb.DuckDBPyConnection
) -> None:
    """After a run the article's query shows all customers and suppliers and the year's sales."""
    warehouse.run_job()
    expected = {
        **counts(source, "customer", "supplier"),
        "fact_yearly_sale": len(source.sql(EXPECTED_FACT.format(year=1998)).fetchall()),
    }
    assert dict(warehouse.rows(ARTICLE_VALIDATION)) == expected


def test_the_fact_equals_an_independent_computation(warehouse: Warehouse, source: duckdb.DuckDBPyConnection) -> None:
    """Every row, count and amount of the year is what DuckDB computes from the files."""
    warehouse.run_job()
    assert warehouse.fact(1998) == source.sql(EXPECTED_FACT.format(year=1998)).fetchall()


def test_the_dimensions_carry_the_nations_name(warehouse: Warehouse, source: duckdb.DuckDBPyConnection) -> None:
    """Customers (by SQL script) and suppliers (by procedure) equal the source joined with nation."""
    warehouse.run_job()
    for table, key, letter in (("customer", "custkey", "c"), ("supplier", "suppkey", "s")):
        loaded = warehouse.rows(
            f"select {table}_key, {table}_name, nation_name, account_balance from public.{table} order by {table}_key"
        )
        expected = source.sql(
            f"select {letter}_{key}, {letter}_name, n_name, {letter}_acctbal from {table} "
            f"join nation on n_nationkey = {letter}_nationkey order by {letter}_{key}"
        ).fetchall()
        assert [(*row[:3], Decimal(row[3])) for row in loaded] == expected


def test_a_second_run_changes_nothing(warehouse: Warehouse) -> None:
    """The job is idempotent: the same year again gives the same rows."""
    warehouse.run_job()
    first = warehouse.fact(1998), warehouse.rows(ARTICLE_QUERY)
    warehouse.run_job()
    assert (warehouse.fact(1998), warehouse.rows(ARTICLE_QUERY)) == first


def test_another_year_is_added(warehouse: Warehouse, source: duckdb.DuckDBPyConnection) -> None:
    """Loading 1995 leaves the rows of 1998 alone."""
    warehouse.run_job()
    before = warehouse.fact(1998)
    warehouse.run_job("1995")
    assert warehouse.fact(1998) == before
    assert warehouse.fact(1995) == source.sql(EXPECTED_FACT.format(year=1995)).fetchall()


@pytest.mark.exhaustive
def test_a_changed_customer_is_updated_and_a_vanished_one_stays(warehouse: Warehouse) -> None:
    """The dimension shows the newest state of each customer, and keeps those that facts may refer to."""
    warehouse.run_job()
    warehouse.run(
        [
            "update public.stg_customer set c_mktsegment = 'NEW' where c_custkey = 1",
            "delete from public.stg_customer where c_custkey = 2",
        ]
    )
    try:
        warehouse.run_job()
        changed = "select customer_key, market_segment = 'NEW' from public.customer where customer_key < 3 order by 1"
        assert warehouse.rows(changed) == [(1, True), (2, False)]
    finally:
        warehouse.script("copy_staging.sql")


def test_the_broken_table_fails_the_fact_and_its_repair_lets_it_run(warehouse: Warehouse) -> None:
    """The demo's failure: without its table the fact's load fails with Redshift's words; mended, it loads."""
    warehouse.script("break.sql")
    try:
        with pytest.raises(StatementFailedError, match=r'relation "public\.fact_yearly_sale" does not exist'):
            warehouse.run_job()
    finally:
        warehouse.script("mend.sql")
    assert warehouse.rows("select count(*) from public.supplier") == [(100,)]
    warehouse.run_job()
    assert len(warehouse.fact(1998)) > 0


def test_a_failing_procedure_leaves_a_line_in_the_log_and_fails(warehouse: Warehouse) -> None:
    """The procedure's handler records the error, which reaches the caller all the same; the dimension is untouched."""
    warehouse.run_job()
    warehouse.run(["alter table public.nation rename to nation_away"])
    try:
        with pytest.raises(StatementFailedError, match="nation"):
            warehouse.run(["call public.sp_load_supplier()"])
    finally:
        warehouse.run(["alter table public.nation_away rename to nation"])
    logged = warehouse.rows("select procedure_name, error_state from public.etl_error_log")
    assert logged == [("sp_load_supplier", "42P01")]
    assert warehouse.rows("select count(*) from public.supplier") == [(100,)]


def test_a_failed_script_is_told_with_the_databases_words(warehouse: Warehouse, tmp_path: Path) -> None:
    """A set-up script that fails raises an error that names the script and says why."""
    script = tmp_path / "wrong.sql"
    script.write_text("select * from public.no_such_table;")
    with pytest.raises(data.DemoDataError, match=r"wrong\.sql: .*no_such_table"):
        data.run_script(warehouse.client, TARGET, script)
