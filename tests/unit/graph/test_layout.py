"""Arrangements keep exactly the order of the graph, by nesting and by joins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elt_redshift.graph.layout import MAX_DEPTH, Arrangement, Nesting, One, Series, Together, arrange, tasks_of
from elt_redshift.graph.order import ends

Graph = Mapping[str, Sequence[str]]


def closure(graph: Graph) -> set[tuple[str, str]]:
    """Every (earlier, later) pair that the edges imply."""
    above: dict[str, set[str]] = {}

    def of(task: str) -> set[str]:
        if task not in above:
            above[task] = set(graph[task]).union(*(of(up) for up in graph[task]))
        return above[task]

    return {(up, task) for task in graph for up in of(task)}


def order(layout: Nesting) -> set[tuple[str, str]]:
    """Every (earlier, later) pair that running the layout enforces, without its joins."""
    match layout:
        case One():
            return set()
        case Together(parts):
            return set().union(*map(order, parts))
        case Series(parts):
            pairs = set().union(*map(order, parts))
            for index, part in enumerate(parts):
                later = [task for other in parts[index + 1 :] for task in tasks_of(other)]
                pairs |= {(task, after) for task in tasks_of(part) for after in later}
            return pairs


def depth(layout: Nesting) -> int:
    """How many parallel parts are inside one another."""
    match layout:
        case One():
            return 0
        case Series(parts):
            return max(map(depth, parts))
        case Together(parts):
            return 1 + max(map(depth, parts))


class Run:
    """Runs an arrangement as the state machine would, with known durations: when each task starts and ends."""

    def __init__(self, arrangement: Arrangement, seconds: Mapping[str, int]) -> None:
        self.joins, self.seconds = arrangement.joins, seconds
        self.starts: dict[str, int] = {}
        self.ends: dict[str, int] = {}
        self.before: dict[str, tuple[str, ...]] = {}
        self._bounds(arrangement.layout, ())
        while len(self.starts) < len(self.before):
            ready = [task for task in self.before if task not in self.starts and self._ready(task)]
            assert ready, "every task that is left waits for another one that is left"
            for task in ready:
                needed = (*self.before[task], *self.joins.get(task, ()))
                self.starts[task] = max((self.ends[up] for up in needed), default=0)
                self.ends[task] = self.starts[task] + seconds[task]

    def _ready(self, task: str) -> bool:
        return all(up in self.ends for up in (*self.before[task], *self.joins.get(task, ())))

    def _bounds(self, layout: Nesting, before: tuple[str, ...]) -> None:
        """``before`` are the tasks at whose ends ``layout`` is entered."""
        match layout:
            case One(task):
                assert task not in self.before, f"{task} stands in two places"
                self.before[task] = before
            case Together(parts):
                for part in parts:
                    self._bounds(part, before)
            case Series(parts):
                for part in parts:
                    self._bounds(part, before)
                    before = tuple(tasks_of(part))


@st.composite
def graphs(draw: st.DrawFn, largest: int = 9) -> Graph:
    """Any acyclic graph, written in any order."""
    names = [f"t{number}" for number in range(draw(st.integers(1, largest)))]
    edges = {
        name: draw(st.lists(st.sampled_from(names[:index]), unique=True, max_size=4)) if index else []
        for index, name in enumerate(names)
    }
    return {name: edges[name] for name in draw(st.permutations(names))}


@given(graphs(largest=40), st.integers(0, 2**32), st.sampled_from([2, 3, MAX_DEPTH]))
def test_each_task_starts_once_at_the_end_of_its_last_upstream(graph: Graph, seed: int, max_depth: int) -> None:
    """Whatever the durations, no task starts before an upstream has ended, and none later than its last one's end."""
    rng = Random(seed)
    arrangement = arrange(graph, max_depth)
    run = Run(arrangement, {task: rng.randint(1, 100) for task in graph})
    assert sorted(tasks_of(arrangement.layout)) == sorted(graph)
    assert run.starts == {task: max((run.ends[up] for up in ups), default=0) for task, ups in graph.items()}
    assert depth(arrangement.layout) <= max_depth


@given(graphs(largest=40), st.integers(0, 2**32))
def test_a_task_stands_behind_the_upstream_that_is_expected_to_end_last(graph: Graph, seed: int) -> None:
    """If each takes as long as is expected, no task waits for another branch once its own has come to it."""
    rng = Random(seed)
    seconds = {task: rng.randint(1, 100) for task in graph}
    arrangement = arrange(graph, len(graph) + 1, ends(graph, seconds))
    run = Run(arrangement, seconds)
    assert run.ends == ends(graph, seconds)
    for task, awaited in arrangement.joins.items():
        assert run.starts[task] == max(run.ends[up] for up in run.before[task])
        assert all(run.ends[up] <= run.starts[task] for up in awaited)


@given(graphs())
def test_a_join_is_never_implied_by_the_layout(graph: Graph) -> None:
    """Nesting and joins together enforce only the graph's order, and nesting gives no join already."""
    arrangement = arrange(graph)
    nested = order(arrangement.layout)
    joins = {(up, task) for task, ups in arrangement.joins.items() for up in ups}
    assert not nested & joins
    assert nested | joins <= closure(graph)


def _layouts() -> st.SearchStrategy[object]:
    return st.recursive(
        st.none(),
        lambda inner: st.tuples(st.sampled_from([Series, Together]), st.lists(inner, min_size=2, max_size=3)),
        max_leaves=12,
    )


def _named(shape: object, names: list[str]) -> Nesting:
    if shape is None:
        return One(names.pop())
    kind, parts = shape  # type: ignore[misc]
    return kind(tuple(_named(part, names) for part in parts))  # type: ignore[no-any-return]


@given(_layouts())
def test_a_nested_graph_needs_no_joins(shape: object) -> None:
    """A graph made by nesting comes back with its own order, and without joins."""
    layout = _named(shape, [f"t{number}" for number in range(200)])
    pairs = order(layout)
    arrangement = arrange({task: [up for up, later in pairs if later == task] for task in tasks_of(layout)})
    assert order(arrangement.layout) == pairs
    assert not arrangement.joins


@pytest.mark.parametrize(
    ("graph", "joins"),
    [
        ({"a": [], "b": [], "c": ["a", "b"], "d": ["b"]}, {"c": ("b",)}),
        ({"a": [], "b": [], "c": ["a", "b"], "d": ["b"], "e": ["b", "d"]}, {"c": ("b",)}),
        ({"a": [], "b": [], "c": [], "d": ["a", "b"], "e": ["b", "c"]}, {"d": ("b",), "e": ("c",)}),
    ],
    ids=["n", "an edge that others imply", "w"],
)
def test_as_many_joins_as_a_forest_needs(graph: Graph, joins: Mapping[str, Sequence[str]]) -> None:
    """Of the edges that no others imply, one for each task that waits is nested, the rest are joins."""
    assert len(arrange(graph).joins) == len(joins)
    assert sum(map(len, arrange(graph).joins.values())) == sum(map(len, joins.values()))


def test_a_comb_is_not_nested_too_deep() -> None:
    """A chain of a thousand tasks that forks at each one stays within the depth, at the cost of joins."""
    graph: dict[str, list[str]] = {"c0": []}
    for number in range(1, 1000):
        graph |= {f"c{number}": [f"c{number - 1}"], f"leaf{number}": [f"c{number - 1}"]}
    arrangement = arrange(graph)
    assert depth(arrangement.layout) <= MAX_DEPTH
    assert sorted(tasks_of(arrangement.layout)) == sorted(graph)
