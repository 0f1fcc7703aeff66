"""A graph that is cut into parts keeps its order, whole, and no part is too heavy."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elt_redshift.graph.layout import tasks_of
from elt_redshift.graph.order import Order
from elt_redshift.graph.parts import Cut, cut

from .test_layout import Graph, closure, order


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Acyclic graphs of up to 24 tasks."""
    count = draw(st.integers(1, 24))
    return {
        f"t{task}": [f"t{up}" for up in sorted(draw(st.sets(st.integers(0, task - 1), max_size=3)) if task else ())]
        for task in range(count)
    }


@st.composite
def weighed(draw: st.DrawFn) -> tuple[Graph, dict[str, float], float]:
    """A graph, what its tasks weigh, and how heavy a part may be: no less than each task."""
    graph = draw(graphs())
    return graph, {task: draw(st.integers(1, 5)) for task in graph}, draw(st.integers(5, 40))


def enforced(made: Cut) -> set[tuple[str, str]]:
    """Every (earlier, later) pair that layouts and joins of all parts enforce together."""
    pairs = set().union(*(order(part.arrangement.layout) for part in made.parts))
    pairs |= {(up, task) for part in made.parts for task, ups in part.arrangement.joins.items() for up in ups}
    above: dict[str, list[str]] = {task: [] for part in made.parts for task in part.tasks}
    for up, task in pairs:
        above[task].append(up)
    return closure(above)


@given(weighed())
def test_all_parts_together_enforce_the_order_of_the_graph_and_no_more(
    given: tuple[Graph, dict[str, float], float],
) -> None:
    """So every edge is kept, and nothing waits for what it does not need."""
    graph, weights, most = given
    assert enforced(cut(graph, weights, most)) == closure(graph)


@given(weighed())
def test_every_task_is_in_one_part_none_of_which_is_too_heavy(given: tuple[Graph, dict[str, float], float]) -> None:
    """The layout of a part holds its tasks, each once."""
    graph, weights, most = given
    made = cut(graph, weights, most)
    assert sorted(task for part in made.parts for task in part.tasks) == sorted(graph)
    for part in made.parts:
        assert sorted(tasks_of(part.arrangement.layout)) == sorted(part.tasks)
        assert sum(weights[task] for task in part.tasks) <= most


@given(weighed())
def test_who_waits_is_told_by_each_that_it_awaits(given: tuple[Graph, dict[str, float], float]) -> None:
    """Of how many it awaits, all that tell it have the same number."""
    graph, weights, most = given
    made = cut(graph, weights, most)
    awaited = {task: ups for part in made.parts for task, ups in part.arrangement.joins.items()}
    told = {(up, task): number for up, tasks in made.told.items() for task, number in tasks.items()}
    assert told == {(up, task): len(ups) for task, ups in awaited.items() for up in ups}


@given(graphs())
def test_a_graph_that_is_small_enough_is_one_part(graph: Graph) -> None:
    """And has no edge across."""
    made = cut(graph, dict.fromkeys(graph, 1.0), len(graph))
    assert len(made.parts) == 1
    assert made.across == 0


@given(weighed())
def test_a_cut_is_the_same_each_time(given: tuple[Graph, dict[str, float], float]) -> None:
    """A deployment changes what the job changes."""
    assert cut(*given) == cut(*given)


@pytest.mark.parametrize("last", ["a", "b"])
def test_a_tree_holds_a_task_with_the_upstream_that_is_expected_to_end_last(last: str) -> None:
    """Whose end it is expected to wait for is in its own part, and before it."""
    graph = {"a": [], "b": [], "c": ["a", "b"], "d": ["a"], "e": ["b"]}
    made = cut(graph, dict.fromkeys(graph, 1.0), 3, {**dict.fromkeys(graph, 1.0), last: 2.0})
    (part,) = (part for part in made.parts if "c" in part.tasks)
    assert last in part.tasks
    assert last not in part.arrangement.joins["c"]


def test_a_task_that_is_too_heavy_is_a_part_of_its_own() -> None:
    """Whoever measures that part says that it is too large."""
    made = cut({"a": [], "b": ["a"], "c": ["b"]}, {"a": 1, "b": 9, "c": 1}, 4)
    assert ("b",) in [part.tasks for part in made.parts]


@pytest.mark.parametrize("seed", range(3))
def test_a_graph_like_a_warehouse_has_no_more_joins_in_parts_than_whole(seed: int) -> None:
    """Its trees are small, so none is cut, and every other edge is a join anyway."""
    random = Random(seed)
    graph = {
        f"t{task}": [f"t{up}" for up in {random.randrange(max(0, task - 75), task) for _ in range(2)}]
        if task > 60
        else []
        for task in range(300)
    }
    made = cut(graph, dict.fromkeys(graph, 1.0), 80)
    known = Order(graph)
    joins = sum(len(ups) for part in made.parts for ups in part.arrangement.joins.values())
    assert joins <= sum(map(len, known.direct)) - sum(map(bool, known.direct))
    assert len(made.parts) == 4
