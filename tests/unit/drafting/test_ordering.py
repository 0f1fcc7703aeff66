"""Edges are those that the SQL makes certain; what it leaves open is told, and nothing is chosen."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from elt_redshift.drafting.ordering import Ordering, ordering
from tests.unit.drafting.test_scripts import read


def ordered(**scripts: str) -> Ordering:
    return ordering({name: read(script) for name, script in scripts.items()})


def edges(found: Ordering) -> set[tuple[str, str]]:
    return {(up, down) for down, ups in found.upstream.items() for up in ups}


def doubts(found: Ordering) -> list[str]:
    return [doubt.text for doubt in found.doubts]


def test_who_reads_a_table_waits_for_who_writes_it() -> None:
    """And for who made it; tables that nobody writes are sources."""
    found = ordered(
        load="insert into t select * from raw, pg_class",
        report="select * from t, stl_query",
        create="create table t (a int)",
    )
    assert found.upstream == {
        "load": {"create": ("public.t",)},
        "report": {"load": ("public.t",), "create": ("public.t",)},
        "create": {},
    }
    assert (found.sources, found.doubts) == (("public.raw",), ())


def test_of_two_that_write_a_table_none_is_first() -> None:
    """Both come before whoever reads it, and that their order is open is told."""
    found = ordered(a="insert into t values (1)", b="insert into t values (2)", c="select * from t")
    assert edges(found) == {("a", "c"), ("b", "c")}
    assert doubts(found) == ["a and b write public.t: their SQL does not say which comes first."]
    assert found.doubts[0].scripts == ("a", "b")


def test_of_two_that_write_a_table_one_that_reads_it_comes_last() -> None:
    """What it reads is the other one's; if both read it, nobody knows."""
    merging = "insert into t select * from s where not exists (select 1 from t)"
    found = ordered(b=merging, a="insert into t values (1)")
    assert (edges(found), found.doubts) == ({("a", "b")}, ())
    assert edges(both := ordered(b=merging, a=merging)) == set()
    assert doubts(both) == ["b and a write public.t: their SQL does not say which comes first."]


def test_an_order_that_other_edges_give_is_no_doubt() -> None:
    """Two write a table, and one of them waits for the other one for another table."""
    found = ordered(a="insert into t values (1)", m="insert into u select 1 from t", b="insert into t select 1 from u")
    assert found.left_out["b"] == {"m": ("public.u",)}
    chain = ordered(a="insert into t values (1); insert into u values (1)", b="insert into t select 1 from u")
    assert (edges(chain), chain.doubts) == ({("a", "b")}, ())


def test_two_that_make_a_table_are_told() -> None:
    """Which of them is the one that holds?"""
    found = ordered(a="create table t (a int)", b="create table t as select 1", c="select * from t")
    assert edges(found) == {("a", "c"), ("b", "c")}
    assert doubts(found) == ["a and b make public.t: their SQL does not say which comes first."]


def test_a_circle_is_left_out_and_told() -> None:
    """Its scripts keep what leads into it and out of it."""
    found = ordered(
        raw="insert into r values (1)",
        a="insert into x select 1 from y, r",
        b="insert into y select 1 from x",
        end="select 1 from y",
    )
    assert edges(found) == {("raw", "a"), ("b", "end")}
    assert found.left_out["a"] == {"b": ("public.y",)}
    told = "a for b (public.y) and b for a (public.x)"
    assert doubts(found) == [f"a and b wait in a circle, whose edges are left out: {told}."]


def test_who_drops_a_table_has_no_place() -> None:
    """It may clear the way, or away; one that reads what it drops comes behind who made it."""
    found = ordered(a="create table t (a int)", b="select * from t", end="drop table t")
    assert edges(found) == {("a", "b")}
    assert doubts(found) == ["end drops public.t: before or after a and b, for which it is there?"]
    published = ordered(
        build="create table t_new as select 1", publish="alter table t_new rename to t", use="select 1 from t"
    )
    assert (edges(published), published.doubts) == ({("build", "publish"), ("publish", "use")}, ())


def test_what_is_gone_at_the_end_leads_nowhere() -> None:
    """A table that a script makes and drops is there for nobody else."""
    found = ordered(a="create table s as select 1; drop table s", b="select * from s")
    assert edges(found) == set()
    assert doubts(found) == ["a drops public.s: before or after b, for which it is there?"]


def test_procedures_and_schemas_come_before_their_use() -> None:
    """What a procedure does is not looked into, and that is told."""
    found = ordered(
        c="call s.sp()", p="create procedure s.sp() as $$ begin end $$ language plpgsql", s="create schema s"
    )
    assert edges(found) == {("p", "c"), ("s", "p"), ("s", "c")}
    assert doubts(found) == ["c calls s.sp(): what that reads and writes is not looked into."]


def test_a_name_may_be_anothers_with_more_in_front() -> None:
    """A schema that was left out, or a database; no edge comes of a guess. Another schema's table is another table."""
    found = ordered(a="insert into sales.t values (1)", b="select * from t", c="select * from dev.sales.t, other.t")
    assert edges(found) == set()
    assert doubts(found) == [
        "b reads public.t, which no file writes: is sales.t meant?",
        "c reads dev.sales.t, which no file writes: is sales.t meant?",
    ]


def test_a_temporary_table_of_another_task_is_told() -> None:
    """Each task has a session of its own."""
    found = ordered(a="create temp table t as select 1", b="select * from t")
    assert edges(found) == set()
    told = "b reads public.t, which a makes as a temporary table: it goes with the task's session."
    assert doubts(found) == [told]


def test_long_lists_are_cut() -> None:
    """A log that all write is told once, and not at each of them."""
    found = ordered(**{f"a{number}": "insert into log values (1)" for number in range(20)})
    assert doubts(found) == [
        "a0, a1, a2, a3, a4, a5, a6 and 13 more write public.log: their SQL does not say which comes first."
    ]
    assert found.doubts[0].scripts == ()


FORMS = (
    "create table {t} as select 1 from {sources}",
    "insert into {t} select 1 from {sources}",
    "update {t} set a = 1 from {sources}",
    "merge into {t} using (select 1 from {sources}) x on true when matched then delete",
    "create table {t}_new as select 1 from {sources}; drop table if exists {t}; alter table {t}_new rename to {t}",
    "create temp table x as select 1 from {sources}; delete from {t} where a = 1; insert into {t} select * from x",
)


@given(st.integers(0, 2**32))
def test_any_graph_written_as_sql_gives_back_its_edges(seed: int) -> None:
    """Each task writes a table of its own from those of its upstreams, whatever the form and the order of the files."""
    random = Random(seed)
    names = [f"t{number}" for number in range(random.randint(1, 12))]
    upstream = {name: random.sample(names[:at], random.randint(0, min(at, 3))) for at, name in enumerate(names)}
    files = random.sample(names, len(names))
    found = ordered(**{name: _written(name, upstream, random) for name in files})
    assert {name: set(ups) for name, ups in found.upstream.items()} == {
        name: set(ups) for name, ups in upstream.items()
    }
    assert found.doubts == ()
    assert found.sources == (("public.raw",) if any(not ups for ups in upstream.values()) else ())


def _written(name: str, upstream: Mapping[str, list[str]], random: Random) -> str:
    sources = [random.choice([one, one.upper(), f"public.{one}", f'"{one}"']) for one in upstream[name]] or ["raw"]
    return random.choice(FORMS).format(t=name, sources=", ".join(sources))
