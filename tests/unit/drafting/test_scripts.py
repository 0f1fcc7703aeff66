"""What a script does with tables is read from its statements."""

from __future__ import annotations

import pytest

from elt_redshift.drafting import scripts
from elt_redshift.drafting.uses import Uses
from elt_redshift.job import sql
from elt_redshift.job.parts import SqlStatement


def read(script: str) -> Uses:
    statements = [
        SqlStatement(text=one.text, parameters=one.parameters, place=f"a.sql:{one.line}") for one in sql.split(script)
    ]
    return scripts.uses(statements)


def told(script: str) -> dict[str, set[str]]:
    """What a script does, without what each use of a table needs of its schema."""
    uses = read(script)
    found = {kind: getattr(uses, kind) for kind in ("makes", "writes", "reads", "needs", "drops", "calls")}
    found["needs"] = {name for name in uses.needs if not name.startswith("schema ")}
    assert uses.unknown == []
    return {kind: names for kind, names in found.items() if names}


@pytest.mark.parametrize(
    ("script", "does"),
    [
        ("select * from s.a join b on a.x = b.x(+)", {"reads": {"s.a", "public.b"}}),
        (
            "select * from a where x in (select y from b) union select 1 from c",
            {"reads": {"public.a", "public.b", "public.c"}},
        ),
        ("select * from t, t.items as i, i as element, generate_series(1, 2)", {"reads": {"public.t"}}),
        ("insert into s.t (a) select a from s.u", {"writes": {"s.t"}, "reads": {"s.u"}}),
        ("insert into t values (:a, :b::int)", {"writes": {"public.t"}}),
        ("update t set a = u.a from u where t.i = u.i", {"writes": {"public.t"}, "reads": {"public.u"}}),
        ("delete from t using u where t.i = u.i", {"writes": {"public.t"}, "reads": {"public.u"}}),
        ("-- the old ones\ndelete t where a = 1", {"writes": {"public.t"}}),
        ("merge into t using u on t.i = u.i when matched then delete", {"writes": {"public.t"}, "reads": {"public.u"}}),
        ("merge into t using u on t.i = u.i remove duplicates", {"writes": {"public.t"}, "reads": {"public.u"}}),
        ("copy t (a, b) from 's3://x/' iam_role '${RedshiftIAMRoleARN}' csv", {"writes": {"public.t"}}),
        ("unload ('select * from a where b = ''x''') to 's3://x/'", {"reads": {"public.a"}}),
        ("unload ($$select * from a where b = 'x'$$) to 's3://x/'", {"reads": {"public.a"}}),
        ("create table t distkey (a) sortkey (a) as select a from u", {"makes": {"public.t"}, "reads": {"public.u"}}),
        (
            "create table t (a int not null distkey encode az64 references u (a), b super) sortkey auto",
            {"makes": {"public.t"}, "needs": {"public.u"}},
        ),
        ("create table t (like u)", {"makes": {"public.t"}, "needs": {"public.u"}}),
        ("select a into t from u", {"makes": {"public.t"}, "reads": {"public.u"}}),
        (
            "create or replace view t as select * from u with no schema binding",
            {"makes": {"public.t"}, "reads": {"public.u"}},
        ),
        (
            "create materialized view t auto refresh yes as select * from u",
            {"makes": {"public.t"}, "reads": {"public.u"}},
        ),
        ("create external table x.t (a int) partitioned by (d date) location 's3://x/'", {"makes": {"x.t"}}),
        ("refresh materialized view t", {"writes": {"public.t"}}),
        ("truncate table t", {"writes": {"public.t"}}),
        ("alter table t add column a int", {"writes": {"public.t"}}),
        ("alter table t append from u", {"writes": {"public.t"}, "reads": {"public.u"}}),
        ("alter table s.t rename to u", {"makes": {"s.u"}, "reads": {"s.t"}, "drops": {"s.t"}}),
        ("drop table if exists t, s.u cascade", {"drops": {"public.t", "s.u"}}),
        ("call sp(:a)", {"calls": {"public.sp()"}, "reads": {"public.sp()"}}),
        ("create procedure sp() as $$ begin delete from t; end $$ language plpgsql", {"makes": {"public.sp()"}}),
        ("vacuum sort only t", {"reads": {"public.t"}}),
        ("analyze t", {"reads": {"public.t"}}),
        ("grant select on t to reporting", {"needs": {"public.t"}}),
        ("grant select on all tables in schema s to reporting; set x to 1; begin; commit", {}),
        ("comment on table t is 'x'", {"needs": {"public.t"}}),
    ],
)
def test_each_kind_of_statement(script: str, does: dict[str, set[str]]) -> None:
    """Tables that are made, changed, read, only needed, and gone."""
    assert told(script) == does


def test_names_are_folded() -> None:
    """Redshift keeps names in lower case, quoted ones too; a name without a schema is in public."""
    assert told('select * from "Sales"."Orders", PUBLIC.Guests, guests') == {"reads": {"sales.orders", "public.guests"}}


def test_a_search_path_leads_names() -> None:
    """From where it is set."""
    assert told("select 1 from a; set search_path to '$user', sales, public; select 1 from b") == {
        "reads": {"public.a", "sales.b"}
    }


def test_names_of_with_are_no_tables() -> None:
    """They hold in their query, and in those behind them; ``with t as (select … from t)`` reads the table t."""
    reads = {"reads": {"public.orders", "public.guests"}}
    assert told("with orders as (select * from orders), o as (select * from orders) select * from o, guests") == reads
    recursive = "with recursive tree as (select 1 from roots union all select 1 from tree) select 1 from tree"
    assert told(recursive) == {"reads": {"public.roots"}}


def test_temporary_tables_are_nobodys() -> None:
    """They go with their session."""
    script = """
        create temp table news (like u); insert into news select * from v; create table #more as select 1 from news;
        select 1 into temp x from y; insert into t select * from #more, x; drop table news
    """
    reads = {"public.v", "public.y"}
    assert told(script) == {"writes": {"public.t"}, "reads": reads, "needs": {"public.u"}}


def test_what_a_script_reads_of_its_own_is_not_read() -> None:
    """What it made, or emptied before; other rows of a table that it changes are somebody else's."""
    assert told("create table t as select 1; select * from t") == {"makes": {"public.t"}}
    assert told("truncate t; insert into t select 1; select * from t") == {"writes": {"public.t"}}
    assert told("delete from t; select * from t") == {"writes": {"public.t"}}
    assert told("delete from t where a = 1; select * from t") == {"writes": {"public.t"}, "reads": {"public.t"}}


def test_a_swap_makes_the_table() -> None:
    """A table built aside and renamed into place is made; what is made anew is not gone."""
    swap = "create table t_new as select 1 from u; drop table if exists t; alter table t_new rename to t"
    assert told(swap) == {"makes": {"public.t", "public.t_new"}, "reads": {"public.u"}, "drops": {"public.t_new"}}
    assert told("drop table if exists t; create table t (a int)") == {"makes": {"public.t"}}


def test_a_table_needs_its_schema() -> None:
    """Whoever makes that comes first."""
    assert read("create schema if not exists s").makes == {"schema s"}
    assert read("select 1 from s.t").needs == {"schema s"}


def test_what_nobody_understands_is_told_by_its_place() -> None:
    """And the rest of the script is read; of such a statement the table that it is about is known."""
    uses = read("select 1 from a;\ncreate table t as select @@ from;\nexecute plan;\nselect 1 from b")
    assert uses.unknown == ["a.sql:2", "a.sql:3"]
    assert (uses.makes, uses.reads) == ({"public.t"}, {"public.a", "public.b"})
