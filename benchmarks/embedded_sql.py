"""What Redshift's functions cost on the embedded Redshift, beside what PostgreSQL's own take for the same.

    python benchmarks/embedded_sql.py [--rows 200000] [--rounds 5]

Each expression is counted over one table, in the database that knows Redshift's dialect and in one that does not, in
turn in the same run, so that the ratio hardly depends on the machine. What counts is the best round of each, in the
time that PostgreSQL's process had a processor for it. It ends with an error when one takes more than twice its
counterpart.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from elt_redshift.local.redshift import start
from elt_redshift.local.redshift.dialect import translate
from elt_redshift.local.redshift.execution import Tables

LIMIT = 2.0
TABLE = """
create table t as
select n as id, n::bigint * 7919 as k, (n * 1.37)::numeric(12, 2) as n, n * 0.731::float8 as f, n % 5 as small,
       case when n % 7 = 0 then null else n end as gap,
       ('name ' || n % 1000)::varchar(50) as v, ('  Some Text ' || n)::varchar(60) as w,
       to_char(date '2020-01-01' + n % 1500, 'YYYYMMDD')::varchar(8) as digits, n::text::varchar(12) as number,
       to_char(date '2020-01-01' + n % 1500, 'YYYY-MM-DD')::varchar(10) as iso,
       date '2020-01-01' + n % 1500 as d, timestamp '2020-01-01' + n * interval '313 seconds' as ts,
       ('{{"a": {{"b": "' || n || '"}}, "c": [1, 2]}}')::varchar(80) as j
from generate_series(1, {}) as numbers(n)"""
#: What is counted: Redshift's expression, and PostgreSQL's for the same values.
PAIRS = (
    ("dateadd(day, 3, ts)", "ts + interval '3 days'"),
    ("dateadd(month, small, d)", "d + small * interval '1 month'"),
    ("dateadd(year, 1, d)", "d + interval '1 year'"),
    ("datediff(day, d, ts)", "ts::date - d"),
    ("datediff(month, d, ts)", "extract(year from age(ts, d)) * 12 + extract(month from age(ts, d))"),
    ("datediff(second, d, ts)", "extract(epoch from ts - d)"),
    ("date_trunc('month', ts)", "date_trunc('month', ts)"),
    ("date_trunc('week', d)", "date_trunc('week', d)"),
    ("extract(year from ts)", "extract(year from ts)"),
    ("date_part(month, d)", "date_part('month', d)"),
    ("date_part(epoch, ts)", "date_part('epoch', ts)"),
    ("to_char(ts, 'YYYY-MM-DD HH24:MI')", "to_char(ts, 'YYYY-MM-DD HH24:MI')"),
    ("to_date(digits, 'YYYYMMDD')", "to_date(digits, 'YYYYMMDD')"),
    ("to_timestamp(iso, 'YYYY-MM-DD')", "to_timestamp(iso, 'YYYY-MM-DD')"),
    ("last_day(d)", "(date_trunc('month', d) + interval '1 month - 1 day')::date"),
    ("add_months(d, 1)", "(d + interval '1 month')::timestamp"),
    ("months_between(ts, d)", "extract(year from age(ts, d)) * 12 + extract(month from age(ts, d))"),
    ("convert_timezone('Europe/Berlin', ts)", "ts at time zone 'UTC' at time zone 'Europe/Berlin'"),
    ("trunc(ts)", "ts::date"),
    ("getdate()", "date_trunc('second', statement_timestamp()::timestamp)"),
    ("ts + 1", "ts + interval '1 day'"),
    ("nvl(gap, 0)", "coalesce(gap, 0)"),
    ("nvl2(gap, 1, 0)", "case when gap is not null then 1 else 0 end"),
    ("decode(small, 1, 'a', 2, 'b', 'c')", "case small when 1 then 'a' when 2 then 'b' else 'c' end"),
    ("greatest(id, small)", "greatest(id, small)"),
    ("id::varchar", "id::varchar"),
    ("number::int", "number::int"),
    ("iso::date", "iso::date"),
    ("k::decimal(18, 2)", "k::decimal(18, 2)"),
    ("round(f, 2)", "round(f::numeric, 2)::float8"),
    ("round(n, 1)", "round(n, 1)"),
    ("ceil(f)", "ceil(f)"),
    ("mod(id, 7)", "mod(id, 7)"),
    ("len(v)", "length(v)"),
    ("lower(w)", "lower(w)"),
    ("trim(w)", "trim(w)"),
    ("left(v, 3)", "left(v, 3)"),
    ("substring(v, 2, 4)", "substring(v, 2, 4)"),
    ("replace(v, 'name', 'x')", "replace(v, 'name', 'x')"),
    ("regexp_replace(v, '[0-9]+', 'n')", "regexp_replace(v, '[0-9]+', 'n', 'g')"),
    ("regexp_substr(v, '[0-9]+')", "regexp_substr(v, '[0-9]+')"),
    ("split_part(iso, '-', 2)", "split_part(iso, '-', 2)"),
    ("charindex('me', v)", "strpos(v, 'me')"),
    ("concat(v, w)", "v || w"),
    ("v || id", "v || id::text"),
    ("lpad(number, 8, '0')", "lpad(number, 8, '0')"),
    ("md5(v)", "md5(v)"),
    ("json_extract_path_text(j, 'a', 'b')", "j::json #>> '{a,b}'"),
    ("nullif(v = 'name 1', false)", "nullif(v = 'name 1', false)"),
    ("nullif(v like 'name 1%', false)", "nullif(v like 'name 1%', false)"),
    ("case when small in (1, 2) then v end", "case when small in (1, 2) then v end"),
)
#: The same of whole queries.
QUERIES = (
    ("select avg(id), avg(k) from t", "select trunc(avg(id))::bigint, trunc(avg(k))::bigint from t"),
    ("select sum(n), min(v), max(v) from t", "select sum(n), min(v), max(v) from t"),
    ("select count(distinct v) from t", "select count(distinct v) from t"),
    ("select v, count(*) from t group by v", "select v, count(*) from t group by v"),
    (
        "select small, listagg(v, ',') within group (order by id) from t group by small",
        "select small, string_agg(v, ',' order by id) from t group by small",
    ),
    ("select median(f) from t", "select percentile_cont(0.5) within group (order by f) from t"),
    (
        "select count(r) from (select row_number() over (partition by v order by id) as r from t) as ranked",
        "select count(r) from (select row_number() over (partition by v order by id) as r from t) as ranked",
    ),
    (
        "select count(r) from (select lag(id) over (partition by v order by id) as r from t) as ranked",
        "select count(r) from (select lag(id) over (partition by v order by id) as r from t) as ranked",
    ),
    (
        "select id from t qualify row_number() over (partition by v order by id desc) = 1",
        "select id from (select id, row_number() over (partition by v order by id desc) as r from t) as x where r = 1",
    ),
    (
        "select count(*) from t join t as u on t.v = u.v and u.id <= 1000",
        "select count(*) from t join t as u on t.v = u.v and u.id <= 1000",
    ),
)


def clock(connection: psycopg.Connection) -> float:
    """Seconds that the connection's process has worked; by the wall's clock where the system does not count them."""
    counted = Path(f"/proc/{connection.info.backend_pid}/schedstat")
    return int(counted.read_text().split()[0]) / 1e9 if counted.exists() else time.perf_counter()


def timed(connection: psycopg.Connection, query: str) -> float:
    """Seconds that ``query`` takes."""
    begin = clock(connection)
    connection.execute(query.encode())
    return clock(connection) - begin


def _counted(expression: str) -> str:
    return f"select count({expression}) from t"  # noqa: S608 - the expressions are those above


def compare(embedded: psycopg.Connection, plain: psycopg.Connection, rounds: int) -> list[tuple[str, float, float]]:
    """Redshift's expression or query, and the seconds that it and its counterpart take at best."""
    found = []
    for name, counterpart in (*PAIRS, *QUERIES):
        ours, theirs = (text if text.startswith("select ") else _counted(text) for text in (name, counterpart))
        written = translate(ours, Tables(embedded)).sql
        times = [(timed(embedded, written), timed(plain, theirs)) for _ in range(rounds)]
        found.append((name, min(time for time, _ in times), min(time for _, time in times)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        running = start(Path(folder) / "postgres", "http://127.0.0.1:1")
        try:
            with psycopg.connect(running.postgres.uri("dev"), autocommit=True) as embedded:
                embedded.execute("create database plain template template0")
                with psycopg.connect(running.postgres.uri("plain"), autocommit=True) as plain:
                    for connection in (embedded, plain):
                        connection.execute((TABLE.format(options.rows)).encode())
                        connection.execute("analyze t")
                    found = compare(embedded, plain, options.rounds)
        finally:
            running.stop()
    write = sys.stdout.write
    write(f"{'on ' + str(options.rows) + ' rows':60} {'Redshift s':>12} {'PostgreSQL s':>12} {'ratio':>6}\n")
    for name, ours, theirs in sorted(found, key=lambda row: row[2] / row[1]):
        write(f"{name[:60]:60} {ours:12.3f} {theirs:12.3f} {ours / theirs:6.2f}\n")
    slow = [name for name, ours, theirs in found if ours > LIMIT * theirs]
    if slow:
        sys.exit(f"\nMore than {LIMIT:g} times what PostgreSQL takes: {'; '.join(slow)}")


if __name__ == "__main__":
    main()
