"""A job is kept to its number of active statements by edges, and by no more of them than that takes."""

from __future__ import annotations

from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elt_redshift.graph.lanes import limit
from elt_redshift.graph.layout import arrange
from elt_redshift.graph.of_job import graph_of
from elt_redshift.graph.order import Order
from tests.unit.asl.jobs import job, task
from tests.unit.graph.test_layout import Graph, Run, graphs


def width(graph: Graph) -> int:
    """The most tasks that have no order among them, found by trying all sets."""
    order, tasks = Order(graph), range(len(graph))
    return max(
        size
        for size in range(len(tasks) + 1)
        if any(
            all(not order.related(one) >> other & 1 for one, other in combinations(chosen, 2))
            for chosen in combinations(tasks, size)
        )
    )


def most_at_once(run: Run) -> int:
    """How many tasks of a run ran at the same moment."""
    return max(
        sum(run.starts[task] <= moment < run.ends[task] for task in run.starts) for moment in run.starts.values()
    )


@given(graphs(), st.integers(1, 9), st.none() | st.randoms(use_true_random=False))
def test_never_more_tasks_than_lanes(graph: Graph, lanes: int, random: Random | None) -> None:
    """No more tasks than lanes are without an order among them; the edges given are kept, in their places."""
    limited = limit(graph, lanes, {task: random.choice([0.0, 1.0, 2.5]) for task in graph} if random else None)
    assert width(limited) <= lanes
    assert list(limited) == list(graph)
    assert all(list(limited[task][: len(ups)]) == list(ups) for task, ups in graph.items())


@given(graphs(largest=40), st.integers(1, 6), st.integers(0, 2**32))
def test_durations_do_not_matter(graph: Graph, lanes: int, seed: int) -> None:
    """However long the tasks of the arranged job take, no more of them than lanes run at any moment."""
    rng = Random(seed)
    run = Run(arrange(limit(graph, lanes)), {task: rng.randint(1, 100) for task in graph})
    assert most_at_once(run) <= lanes
    assert all(run.ends[up] <= run.starts[task] for task, ups in graph.items() for up in ups)


@given(graphs())
def test_enough_lanes_change_nothing(graph: Graph) -> None:
    """As many lanes as the graph is wide add no edge; one fewer adds some."""
    enough = width(graph)
    unchanged = {task: tuple(ups) for task, ups in graph.items()}
    assert limit(graph, enough) == unchanged
    assert enough == 1 or limit(graph, enough - 1) != unchanged


@given(graphs(largest=20), st.integers(1, 5))
def test_no_edge_is_added_twice(graph: Graph, lanes: int) -> None:
    """What is ordered already gets no edge, and the same graph gets the same edges."""
    order, limited = Order(graph), limit(graph, lanes)
    number = {task: index for index, task in enumerate(order.tasks)}
    for name, ups in limited.items():
        added = ups[len(graph[name]) :]
        assert len(added) <= 1
        assert all(not order.related(number[name]) >> number[up] & 1 for up in added)
    assert limited == limit(dict(graph), lanes)


@pytest.mark.parametrize(
    ("graph", "seconds", "limited"),
    [
        ({"a": [], "b": [], "c": [], "d": []}, None, {"a": (), "b": (), "c": ("a",), "d": ("b",)}),
        ({"a": [], "b": [], "c": [], "d": ["c"]}, None, {"a": (), "b": ("a",), "c": (), "d": ("c",)}),
        (
            {"a": [], "b": [], "c": [], "d": []},
            {"a": 1, "b": 9, "c": 4, "d": 4},
            {"a": ("d",), "b": (), "c": (), "d": ("c",)},
        ),
    ],
    ids=["in turn", "the longest way first", "the longest task first"],
)
def test_who_stands_behind_whom(
    graph: Graph, seconds: dict[str, float] | None, limited: dict[str, tuple[str, ...]]
) -> None:
    """On two lanes, whatever has the longest way before it goes first, and stays with those that it waits for."""
    assert limit(graph, 2, seconds) == limited


def test_a_job_without_the_key_is_as_it_was_written() -> None:
    """Only ``max_active_statements`` puts a job onto lanes; the job's own edges never change."""
    tasks = (task("a"), task("b"), task("c", "a"))
    assert graph_of(job(*tasks)) == {"a": (), "b": (), "c": ("a",)}
    one = job(*tasks, max_active_statements=1)
    assert width(graph_of(one)) == 1
    assert one.task("b").upstream == ()


@pytest.mark.exhaustive
def test_large_jobs_are_quick_enough() -> None:
    """Thousands of tasks are put onto lanes without trying all their pairs; a job that fits is told from its chains."""
    rng = Random(1)
    names = [f"t{number}" for number in range(3000)]
    wide = {name: rng.sample(names[max(0, index - 50) : index], min(index, 2)) for index, name in enumerate(names)}
    narrow = {name: names[max(0, index - 5) : index] if index % 5 == 0 else [] for index, name in enumerate(names)}
    for graph, lanes in ((wide, 8), (narrow, 8)):
        run = Run(arrange(limit(graph, lanes)), {task: rng.randint(1, 100) for task in graph})
        assert most_at_once(run) <= lanes
