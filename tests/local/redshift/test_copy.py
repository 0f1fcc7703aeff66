"""COPY and UNLOAD with the embedded S3."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from .conftest import run, run_batch, values

NATION = "create table {}.nation (n_nationkey int, n_name char(25), n_regionkey int, n_comment varchar(152))"
LINES = b"0|ALGERIA|0| haggle. carefully|\n1|ARGENTINA|1|al foxes promise|\n"


@pytest.fixture
def nation(client: Any, schema: str) -> str:
    run(client, NATION.format(schema))
    return f"{schema}.nation"


def put(s3: Any, bucket: str, **objects: bytes) -> None:
    for key, body in objects.items():
        s3.put_object(Bucket=bucket, Key=key.replace("__", "/").replace("_dot_", "."), Body=body)


def test_lines_of_tpch(client: Any, s3: Any, bucket: str, nation: str) -> None:
    """A delimiter at the end of each line, as in TPC-H's files, is no further column; all objects of a prefix load."""
    put(s3, bucket, tpch__nation_dot_tbl_dot_1=LINES, tpch__nation_dot_tbl_dot_2=b"2|BRAZIL|1||\n", tpch__other=b"x")
    described = run(
        client,
        f"copy {nation} from 's3://{bucket}/tpch/nation.tbl' iam_role 'arn:aws:iam::123456789012:role/r' "
        "region 'us-east-1'",
    )
    assert described["Status"] == "FINISHED", described
    assert described["ResultRows"] == 3
    assert values(client, f"select n_nationkey, trim(n_name), n_comment from {nation} order by 1") == [
        (0, "ALGERIA", " haggle. carefully"),
        (1, "ARGENTINA", "al foxes promise"),
        (2, "BRAZIL", ""),
    ]


def test_csv_with_header_quotes_and_columns(client: Any, s3: Any, bucket: str, nation: str) -> None:
    """CSV with a header, quoted fields and a column list; an empty number is NULL."""
    body = b'name,key,comment\n"FRANCE, land",6,"two\nlines ""quoted"""\nPERU,,\n'
    put(s3, bucket, n_dot_csv=body)
    options = "iam_role default format as csv ignoreheader 1 acceptinvchars"
    sql = f"copy {nation} (n_name, n_nationkey, n_comment) from 's3://{bucket}/n.csv' {options}"
    assert run(client, sql)["ResultRows"] == 2
    assert values(client, f"select n_nationkey, trim(n_name), n_comment, n_regionkey from {nation} order by 2") == [
        (6, "FRANCE, land", 'two\nlines "quoted"', None),
        (None, "PERU", "", None),
    ]


def test_gzip_delimiter_and_null(client: Any, s3: Any, bucket: str, nation: str) -> None:
    """Compressed objects, another delimiter, another word for NULL."""
    put(s3, bucket, n_dot_gz=gzip.compress(b"1;NULL;2;c\n"))
    options = "credentials 'aws_iam_role=r' delimiter ';' gzip null as 'NULL' maxerror 10 compupdate off"
    sql = f"copy {nation} from 's3://{bucket}/n.gz' {options}"
    assert run(client, sql)["Status"] == "FINISHED"
    assert values(client, f"select * from {nation}") == [(1, None, 2, "c")]


def test_json_auto(client: Any, s3: Any, bucket: str, nation: str) -> None:
    """JSON objects one after another, members by column name."""
    objects = [{"n_nationkey": 1, "n_name": "X", "more": [1]}, {"n_nationkey": 2, "n_comment": "y"}]
    put(s3, bucket, n_dot_json="\n".join(map(json.dumps, objects)).encode())
    assert run(client, f"copy {nation} from 's3://{bucket}/n.json' iam_role default json 'auto'")["ResultRows"] == 2
    assert values(client, f"select n_nationkey, trim(n_name), n_comment from {nation} order by 1") == [
        (1, "X", None),
        (2, None, "y"),
    ]


def test_a_manifest_names_the_objects(client: Any, s3: Any, bucket: str, nation: str) -> None:
    """With MANIFEST the location is a list of objects."""
    manifest = {"entries": [{"url": f"s3://{bucket}/a", "mandatory": True}]}
    put(s3, bucket, a=LINES, b=LINES, list_dot_manifest=json.dumps(manifest).encode())
    assert run(client, f"copy {nation} from 's3://{bucket}/list.manifest' iam_role default manifest")["ResultRows"] == 2


def test_dates_and_times(client: Any, s3: Any, bucket: str, schema: str) -> None:
    """A date format of one's own and epoch seconds."""
    run(client, f"create table {schema}.t (d date, at timestamp)")
    put(s3, bucket, t=b"31.12.2024|1704067200\n")
    sql = f"copy {schema}.t from 's3://{bucket}/t' iam_role default dateformat 'DD.MM.YYYY' timeformat 'epochsecs'"
    assert run(client, sql)["Status"] == "FINISHED"
    assert values(client, f"select * from {schema}.t") == [("2024-12-31", "2024-01-01 00:00:00")]


def test_identity_columns_are_left_out(client: Any, s3: Any, bucket: str, schema: str) -> None:
    """Without EXPLICIT_IDS an identity column fills itself."""
    run(client, f"create table {schema}.t (id int identity(1,1), v varchar(5))")
    put(s3, bucket, t=b"a\nb\n")
    assert run(client, f"copy {schema}.t from 's3://{bucket}/t' iam_role default")["ResultRows"] == 2
    assert values(client, f"select id, v from {schema}.t order by id") == [(1, "a"), (2, "b")]


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        (
            "copy {table} from 's3://{bucket}/absent/' iam_role default",
            "ERROR: The specified S3 prefix 'absent/' does not exist",
        ),
        (
            "copy {table} from 's3://{bucket}x/a' iam_role default",
            "ERROR: S3ServiceException:The specified bucket does not exist",
        ),
        ("copy {table} from 's3://{bucket}/short' iam_role default", "Delimiter not found"),
        ("copy {table} from 's3://{bucket}/long' iam_role default", "Extra column(s) found"),
        ("copy {table} from 's3://{bucket}/word' iam_role default", "ERROR: Load into table '{table}' failed."),
        ("copy {table} from 's3://{bucket}/word' iam_role default parquet", "COPY from PARQUET is not emulated"),
        ("copy {table} from 's3://{bucket}/word' iam_role default nonsense", 'syntax error at or near "nonsense"'),
        ("copy nowhere from 's3://{bucket}/word' iam_role default", 'relation "nowhere" does not exist'),
        ("copy {table} (absent) from 's3://{bucket}/word' iam_role default", 'column "absent" of relation'),
    ],
)
def test_copies_that_fail(client: Any, s3: Any, bucket: str, nation: str, sql: str, error: str) -> None:
    """A COPY that cannot load says why, in Redshift's words where they are known, and loads nothing."""
    put(s3, bucket, short=b"1|x\n", long=b"1|x|2|y|z\n", word=b"1|x|2|y\none|x|2|y\n")
    described = run(client, sql.format(table=nation, bucket=bucket))
    assert described["Status"] == "FAILED"
    assert error.format(table=nation) in described["Error"]
    assert values(client, f"select count(*) from {nation}") == [(0,)]


def test_a_copy_belongs_to_its_batch(client: Any, s3: Any, bucket: str, nation: str) -> None:
    """What a COPY loaded is rolled back with its batch."""
    put(s3, bucket, n=LINES)
    copy = f"copy {nation} from 's3://{bucket}/n' iam_role default"
    assert run_batch(client, [copy, "select 1/0"])["Status"] == "FAILED"
    assert values(client, f"select count(*) from {nation}") == [(0,)]
    described = run_batch(client, [f"truncate {nation}", copy, f"insert into {nation} select * from {nation}"])
    assert [sub["ResultRows"] for sub in described["SubStatements"]] == [0, 2, 2]


@pytest.mark.parametrize(
    "statement",
    [
        "copy {table} from 's3://{bucket}/n' iam_role default delimiter '|';",
        "execute 'copy {table} from ''s3://{bucket}/n'' iam_role default';",
        "execute 'copy ' || t || ' from ' || quote_literal('s3://{bucket}/n') || ' iam_role default';",
    ],
)
def test_a_copy_in_a_procedure(client: Any, s3: Any, bucket: str, nation: str, schema: str, statement: str) -> None:
    """A procedure loads from S3, by a plain COPY and by EXECUTE; a failing load is the procedure's error."""
    put(s3, bucket, n=LINES)
    body = statement.format(table=nation, bucket=bucket)
    run(client, f"create procedure {schema}.load(t varchar) as $$ begin {body} end $$ language plpgsql")
    described = run(client, f"call {schema}.load('{nation}')")
    assert described["Status"] == "FINISHED", described
    assert values(client, f"select n_nationkey, n_comment from {nation} order by 1") == [
        (0, " haggle. carefully"),
        (1, "al foxes promise"),
    ]
    put(s3, bucket, n=b"x|x|x|x\n")
    assert run(client, f"call {schema}.load('{nation}')")["Error"].startswith(
        f"ERROR: Load into table '{nation}' failed."
    )
    s3.delete_object(Bucket=bucket, Key="n")
    assert "S3 prefix 'n' does not exist" in run(client, f"call {schema}.load('{nation}')")["Error"]


def test_a_copy_in_a_procedure_reads_values_as_any_copy(client: Any, s3: Any, bucket: str, schema: str) -> None:
    """Every type, NULL, quotes, tabs and line ends arrive as by a plain COPY, into identity columns too."""
    columns = (
        "id int identity(1, 1), n numeric(6, 2), c char(3), v varchar(9), d date, at timestamp, b boolean, s super"
    )
    for table in ("plain", "called"):
        run(client, f"create table {schema}.{table} ({columns})")
    first = '7,12.345,ab,"a\tb\\\n""\'",2024-02-29,2024-02-29 23:59:59.5,t,"{""k"": [1]}"'
    put(s3, bucket, n=f"{first}\n9,,,,,,,\n".encode())
    copy = f"copy {schema}.{{}} from 's3://{bucket}/n' iam_role default csv explicit_ids"
    run(
        client,
        f"create procedure {schema}.load() as $$ begin {copy.format('called')}; end $$ language plpgsql",
    )
    described = run_batch(client, [copy.format("plain"), f"call {schema}.load()"])
    assert described["Status"] == "FINISHED", described
    rows = values(client, f"select * from {schema}.called order by id")
    assert rows == values(client, f"select * from {schema}.plain order by id")
    assert rows[0][:4] == (7, "12.34", "ab ", "a\tb\\\n\"'")
    put(s3, bucket, n=b'1,1,abcd,"","2024-01-01",,,\n')
    assert "String length exceeds DDL length" in run(client, f"call {schema}.load()")["Error"]
    put(s3, bucket, n=b"")
    assert run(client, f"call {schema}.load()").get("Error") is None


def test_unload(client: Any, s3: Any, bucket: str) -> None:
    """The rows of a query become an object, which is not overwritten unless asked."""
    sql = f"unload ('select 1 as a, ''x,y'' as b') to 's3://{bucket}/out/part_' iam_role default csv header"
    assert run(client, sql)["ResultRows"] == 1
    assert s3.get_object(Bucket=bucket, Key="out/part_000")["Body"].read() == b'a,b\n1,"x,y"\n'
    assert "is not empty" in run(client, sql)["Error"]
    plain = f"unload ($$select 2, null$$) to 's3://{bucket}/out/part_' iam_role default allowoverwrite null as 'N'"
    assert run(client, plain)["Status"] == "FINISHED"
    assert s3.get_object(Bucket=bucket, Key="out/part_000")["Body"].read() == b"2|N\n"
