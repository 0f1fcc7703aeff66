"""Tasks begin no faster, and no more of them at a time, than what runs them takes."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elt_redshift.graph.order import Order
from elt_redshift.graph.pacing import Pace, interval, starts, widest
from tests.unit.graph.test_layout import Graph, graphs


def flat(count: int) -> Graph:
    return {f"t{number}": [] for number in range(count)}


def begun(graph: Graph, pace: Pace, seconds: float = 0.0, kinds: list[str] | None = None) -> list[float]:
    given = kinds or ["one"] * len(graph)
    return sorted(starts(Order(graph), pace, given, [seconds] * len(graph)).values())


def test_at_a_rate() -> None:
    """One behind the other."""
    assert begun(flat(5), Pace({"one": 4}, 100)) == pytest.approx([0, 0.25, 0.5, 0.75, 1.0])


def test_of_two_kinds() -> None:
    """Each kind at its own rate, side by side."""
    found = begun(flat(6), Pace({"one": 1, "two": 2}, 100), kinds=["one", "two"] * 3)
    assert found == pytest.approx([0, 0, 0.5, 1, 1, 2])


def test_so_many_at_a_time() -> None:
    """The next begins once one has surely ended: a second and a little later than expected."""
    assert begun(flat(5), Pace({"one": 1000}, 2), seconds=100) == pytest.approx([0, 0.001, 104, 104.001, 208], abs=0.01)


def test_who_cannot_be_told_goes_first() -> None:
    """What waits for others begins as soon as they end, and those without upstreams have what is left of the rate."""
    chains: Graph = {f"{side}{number}": [f"a{number}"] if side == "b" else [] for number in range(20) for side in "ab"}
    assert begun(chains, Pace({"one": 10}, 100))[-1] > 2.5  # alone they would have begun after 1.9


def test_the_longest_way_goes_first() -> None:
    """A task that others wait for is not the last to begin."""
    graph: Graph = {**flat(10), "after": ["t9"]}
    order = Order(graph)
    found = starts(order, Pace({"one": 1}, 100), ["one"] * 11, [0.0] * 11)
    assert found[order.tasks.index("t9")] == 0


@given(graphs(), st.integers(1, 5), st.randoms(use_true_random=False))
def test_every_task_without_upstreams_has_its_start(graph: Graph, active: int, random: Random) -> None:
    """Whatever the graph, and however long its tasks take."""
    order = Order(graph)
    found = starts(order, Pace({"one": 7}, active), ["one"] * len(graph), [9 * random.random() for _ in graph])
    assert found.keys() == {number for number, ups in enumerate(order.direct) if not ups}
    moments = sorted(found.values())
    assert all(later - earlier > 1 / 7 - 1e-9 for earlier, later in pairwise(moments))


@pytest.mark.parametrize(("crowd", "seconds"), [(1, 1), (30, 1), (57, 1), (58, 2), (80, 2), (300, 10), (9000, 55)])
def test_second_tries_are_spread(crowd: int, seconds: int) -> None:
    """Over as long as those take that the first second does not, and a little more."""
    assert interval(crowd, 30) == seconds


def test_the_widest_level_is_the_crowd() -> None:
    """Of tasks that are equally far from the start."""
    assert widest({"a": [], "b": ["a"], "c": ["a"], "d": ["b"], "e": ["c"], "f": ["c"]}) == 3
