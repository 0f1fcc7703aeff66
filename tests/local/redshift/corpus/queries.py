"""Queries."""

from __future__ import annotations

from .case import Case
from .tables_used import PAIR, SALES

QUERIES = [
    Case(
        "the average of integers is an integer",
        "select avg(id), avg(distinct id::bigint), avg(amount), avg(id::float), "
        "(select avg(id) over () from sales limit 1) from sales",
        setup=SALES,
        rows=[(2, 2, "20.00", 2.5, 2)],
    ),
    Case("select top", "select top 2 id from sales order by id desc", setup=SALES, rows=[(4,), (3,)]),
    Case(
        "select top in a subquery",
        "select count(*) from (select top 3 * from sales order by id)",
        setup=SALES,
        rows=[(3,)],
    ),
    Case("select into a temporary table", "select id into #few from sales where id < 3", setup=SALES, count=2),
    Case("minus", "select region from sales minus select 'north'", setup=SALES, rows=[("south",)]),
    Case(
        "qualify",
        "select region, id from sales qualify row_number() over (partition by region order by id desc) = 1 order by region",
        setup=SALES,
        rows=[("north", 2), ("south", 4)],
    ),
    Case(
        "qualify with a star",
        "select * from sales s where id < 4 qualify rank() over (order by amount desc nulls last) = 1",
        setup=SALES,
        rows=[(2, "north", "30.00", "2024-02-29")],
    ),
    Case(
        "qualify in a subquery",
        "select count(*) from (select id from sales qualify row_number() over (partition by region order by id) = 1)",
        setup=SALES,
        rows=[(2,)],
    ),
    Case(
        "window functions",
        "select id, lag(id) over (order by id), sum(amount) over (order by id rows unbounded preceding) from sales "
        "where id < 4 order by id",
        setup=SALES,
        rows=[(1, None, "10.00"), (2, 1, "40.00"), (3, 2, "60.00")],
    ),
    Case(
        "a common table expression",
        "with r as (select region, sum(nvl(amount, 0)) t from sales group by region) select * from r order by t desc",
        setup=SALES,
        rows=[("north", "40.00"), ("south", "20.00")],
    ),
    Case(
        "names that look like keywords of ours", "select top, minus from (select 1 as top, 2 as minus) x", rows=[(1, 2)]
    ),
    Case("a backslash escapes in a string", r"select 'it\'s', 'a\\b', length('\\')", rows=[("it's", "a\\b", 1)]),
    Case(
        "strings and comments are left alone",
        "select 'sysdate #t nvl(1)' /* top 5 #x */ -- minus select\n",
        rows=[("sysdate #t nvl(1)",)],
    ),
    Case("delete without from", "delete sales where region = 'north'", setup=SALES, count=2),
    Case("delete using", "delete from target using source where target.id = source.id", setup=PAIR, count=2),
    Case(
        "update from",
        "update target set name = source.name from source where target.id = source.id",
        setup=PAIR,
        count=2,
    ),
    Case("insert from a select", "insert into target (select * from source)", setup=PAIR, count=3),
    Case(
        "merge updates and inserts",
        "merge into target using source on target.id = source.id when matched then update set id = source.id, name = source.name "
        "when not matched then insert values (source.id, source.name)",
        setup=PAIR,
        check="select * from target order by id",
        rows=[(101, "Bob"), (102, "Tony"), (103, "Alice"), (104, "Bill")],
    ),
    Case(
        "merge deletes and inserts",
        "merge into target using source on target.id = source.id when matched then delete when not matched then insert values (source.id, 'new')",
        setup=PAIR,
        check="select * from target order by id",
        rows=[(101, "Bob"), (104, "new")],
    ),
    Case(
        "merge removes duplicates",
        "merge into target using source s on target.id = s.id remove duplicates",
        setup=(*PAIR, "insert into target values (103, 'Twice')"),
        check="select * from target order by id",
        rows=[(101, "Bob"), (102, "Tony"), (103, "Alice"), (104, "Bill")],
    ),
    Case(
        "merge with two matches",
        "merge into target using source on target.id = source.id when matched then update set name = source.name "
        "when not matched then insert values (source.id, source.name)",
        setup=(*PAIR, "insert into source values (102, 'Again')"),
        error="ERROR: Found multiple matches to update the same tuple.",
    ),
    Case("truncate", "truncate table target", setup=PAIR, check="select count(*) from target", rows=[(0,)]),
    Case("vacuum", "vacuum delete only target to 75 percent", setup=PAIR, count=0),
    Case(
        "vacuum in a transaction",
        "begin; vacuum target; end",
        setup=PAIR,
        error="ERROR: VACUUM cannot run inside a transaction block",
    ),
    Case("analyze", "analyze target predicate columns", setup=PAIR, count=0),
    Case(
        "session settings",
        "set query_group to 'etl'; set enable_result_cache_for_session to off; reset query_group",
        count=0,
    ),
    Case(
        "a transaction that is rolled back",
        "begin; delete from target; rollback",
        setup=PAIR,
        check="select count(*) from target",
        rows=[(3,)],
    ),
    Case(
        "a transaction that ends with end",
        "begin transaction; delete from target; end transaction",
        setup=PAIR,
        check="select count(*) from target",
        rows=[(0,)],
    ),
    Case(
        "several statements are one transaction",
        "delete from target; select 1/0",
        setup=PAIR,
        error="ERROR: division by zero",
    ),
    Case("a missing table", "select * from nowhere", error='ERROR: relation "nowhere" does not exist'),
    Case("a syntax error", "selekt 1", error='ERROR: syntax error at or near "selekt"'),
    Case("an open quote", "select 'abc", error="ERROR: line 1: the quote ' is never closed."),
]
