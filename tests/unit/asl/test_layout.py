"""Layouts keep exactly the order of the graph, or the graph is refused with the N that is in the way."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elt_redshift.asl.layout import Layout, NotSeriesParallelError, One, Series, Together, series_parallel

Graph = Mapping[str, Sequence[str]]


def closure(graph: Graph) -> set[tuple[str, str]]:
    """Every (earlier, later) pair that the edges imply."""

    def above(task: str) -> set[str]:
        return set(graph[task]).union(*(above(up) for up in graph[task]))

    return {(up, task) for task in graph for up in above(task)}


def members(layout: Layout) -> list[str]:
    match layout:
        case One(task):
            return [task]
        case Series(parts) | Together(parts):
            return [task for part in parts for task in members(part)]


def order(layout: Layout) -> set[tuple[str, str]]:
    """Every (earlier, later) pair that running the layout enforces."""
    match layout:
        case One():
            return set()
        case Together(parts):
            return set().union(*map(order, parts))
        case Series(parts):
            pairs = set().union(*map(order, parts))
            for index, part in enumerate(parts):
                later = [task for other in parts[index + 1 :] for task in members(other)]
                pairs |= {(task, after) for task in members(part) for after in later}
            return pairs


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Any acyclic graph of up to 9 tasks, written in any order."""
    names = [f"t{number}" for number in range(draw(st.integers(1, 9)))]
    edges = {
        name: draw(st.lists(st.sampled_from(names[:index]), unique=True)) if index else []
        for index, name in enumerate(names)
    }
    return {name: edges[name] for name in draw(st.permutations(names))}


def outcome(graph: Graph) -> tuple[Layout | None, NotSeriesParallelError | None]:
    """The layout, or the refusal."""
    try:
        return series_parallel(graph), None
    except NotSeriesParallelError as error:
        return None, error


@given(graphs())
def test_layout_enforces_the_order_of_the_graph_and_nothing_else(graph: Graph) -> None:
    """No edge is lost and no parallelism; a graph that cannot be nested is refused with a true reason."""
    layout, n = outcome(graph)
    if n is not None:
        pairs = closure(graph)
        assert {(n.shared, n.one), (n.shared, n.both), (n.other, n.both)} <= pairs
        unrelated = [(n.other, n.one), (n.shared, n.other), (n.one, n.both)]
        assert not any((a, b) in pairs or (b, a) in pairs for a, b in unrelated)
    else:
        assert layout is not None
        assert sorted(members(layout)) == sorted(graph)
        assert order(layout) == closure(graph)


def _graph(layout: Layout) -> Graph:
    pairs = order(layout)
    return {task: [up for up, later in pairs if later == task] for task in members(layout)}


def _layouts() -> st.SearchStrategy[object]:
    return st.recursive(
        st.none(),
        lambda inner: st.tuples(st.sampled_from([Series, Together]), st.lists(inner, min_size=2, max_size=3)),
        max_leaves=12,
    )


def _named(shape: object, names: list[str]) -> Layout:
    if shape is None:
        return One(names.pop())
    kind, parts = shape  # type: ignore[misc]
    return kind(tuple(_named(part, names) for part in parts))  # type: ignore[no-any-return]


@given(_layouts())
def test_every_nested_graph_is_accepted(shape: object) -> None:
    """A graph made by nesting is never refused, and comes back with its own order."""
    layout = _named(shape, [f"t{number}" for number in range(200)])
    assert order(series_parallel(_graph(layout))) == order(layout)


def test_the_n_is_named() -> None:
    """The error names the four tasks of the N and what to change, and survives pickling."""
    graph = {"a": [], "b": [], "c": ["a", "b"], "d": ["b"]}
    with pytest.raises(NotSeriesParallelError) as caught:
        series_parallel(graph)
    error = pickle.loads(pickle.dumps(caught.value))
    assert (error.shared, error.one, error.both, error.other) == ("b", "d", "c", "a")
    assert str(error) == (
        "tasks d and c both wait for b, but only c also waits for a, so the graph cannot be nested into parallel "
        "branches. Let d wait for a too, or c not wait for b or a."
    )
