"""Groups keep every task, and the order among groups as far as there is one."""

from __future__ import annotations

from graphlib import TopologicalSorter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from elt_redshift.graph.groups import grouped
from elt_redshift.graph.of_job import groups_of
from elt_redshift.job.model import EltJob
from tests.unit.graph.test_layout import closure


def test_groups_stand_in_the_order_of_their_tasks() -> None:
    """What comes before a task of a group comes before the group; what other edges imply is left out."""
    graph = {"s1": (), "s2": (), "i1": ("s1",), "m1": ("i1", "s2"), "other": ()}
    found = grouped(graph, {"s1": "stage", "s2": "stage", "i1": "between", "m1": "marts", "other": "other"})
    assert found.tasks == {"stage": ("s1", "s2"), "between": ("i1",), "marts": ("m1",), "other": ("other",)}
    assert found.upstream == {"stage": (), "between": ("stage",), "marts": ("between",), "other": ()}
    assert found.circles == ()


def test_groups_of_a_circle_stand_side_by_side() -> None:
    """They keep what comes before the circle, and what comes behind it."""
    graph = {"raw": (), "a1": ("raw",), "b1": ("a1",), "a2": ("b1",), "end": ("b1",)}
    found = grouped(graph, {"raw": "raw", "a1": "a", "a2": "a", "b1": "b", "end": "end"})
    assert found.upstream == {"raw": (), "a": ("raw",), "b": (), "end": ("b",)}
    assert found.circles == (("a", "b"),)


@given(st.randoms(use_true_random=False), st.integers(1, 14), st.integers(1, 6))
def test_any_grouping_keeps_its_promise(rng: Random, tasks: int, groups: int) -> None:
    """No task is lost or doubled; edges make no circle; two groups have the order that their tasks give them, unless
    each comes before the other."""
    names = [f"t{number}" for number in range(tasks)]
    graph = {name: tuple(up for up in names[:at] if rng.random() < 0.3) for at, name in enumerate(names)}
    group_of = {name: f"g{rng.randrange(groups)}" for name in names}
    found = grouped(graph, group_of)
    assert {task: group for group, members in found.tasks.items() for task in members} == group_of
    assert sum(map(len, found.tasks.values())) == tasks
    tuple(TopologicalSorter(found.upstream).static_order())
    wanted = {
        group: {group_of[up] for task in found.tasks[group] for up in graph[task]} - {group} for group in found.tasks
    }
    reach = _reach(wanted)
    circle = {pair for pair in reach if pair[::-1] in reach}
    assert {frozenset(pair) for pair in circle if pair[0] != pair[1]} == {
        frozenset((one, other)) for members in found.circles for one in members for other in members if one != other
    }
    kept = closure(found.upstream)
    assert {(up, group) for group, ups in wanted.items() for up in ups} - circle <= kept <= reach - circle


def _reach(edges: dict[str, set[str]]) -> set[tuple[str, str]]:
    """Every (earlier, later) pair of a graph that may have circles."""
    pairs = {(up, node) for node, ups in edges.items() for up in ups}
    while more := {(a, d) for a, b in pairs for c, d in pairs if b == c} - pairs:
        pairs |= more
    return pairs


def test_the_group_of_a_task_is_its_own_or_its_folder() -> None:
    """Slashes are dots, and what no task of Airflow may be called is an underscore; what has neither is the job's."""
    job = EltJob(job_id="1", name="shop")
    for name, sql in {"a": "marts/core data/a.sql", "b": "../shared/b.sql", "c": "c.sql", "d": "marts/d.sql"}.items():
        job.task(name, sql=sql, **({"group": "own"} if name == "d" else {}))
    job.task("e", statement="select 1")
    assert groups_of(job).tasks == {"marts.core_data": ("a",), "shared": ("b",), "shop": ("c", "e"), "own": ("d",)}
