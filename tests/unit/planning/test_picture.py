"""Pictures show every task once, in its place, and lines that run around the tasks.

Those of the documentation are compared with the files under docs/images/ (ELT_REDSHIFT_WRITE_GOLDEN=1
writes them anew).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elt_redshift.graph.groups import grouped
from elt_redshift.graph.layout import arrange
from elt_redshift.graph.parts import cut
from elt_redshift.planning.grid import Grid
from elt_redshift.planning.picture import draw, draw_groups, side_by_side
from elt_redshift.planning.svg import CRITICAL
from tests.unit.asl.jobs import JOBS

Graph = Mapping[str, Sequence[str]]
Box = tuple[int, int, int, int]

IMAGES = Path(__file__).parents[3] / "docs" / "images"
#: The pictures of the documentation: a job of JOBS, and its critical path.
PICTURES = {
    "diamond": ("diamond", ()),
    "joins": ("n", ()),
    "models": ("models", ("stg_customers", "int_customers", "dim_customer", "fct_sales", "mart_revenue")),
}
SVG = {"": "http://www.w3.org/2000/svg"}


def graph_of(name: str) -> Graph:
    return {task.name: task.upstream for task in JOBS[name].tasks}


def parse(document: str) -> ElementTree.Element:
    return ElementTree.fromstring(document)


def boxes(document: str) -> dict[str, Box]:
    """Left, top, right and bottom of each task, by what its tooltip says."""
    found: dict[str, Box] = {}
    for group in parse(document).findall("g[title]", SVG):
        name, rect = group.findtext("title", None, SVG), group.find("rect", SVG)
        assert name is not None
        assert rect is not None
        assert name not in found
        left, top, width, height = (int(rect.attrib[key]) for key in ("x", "y", "width", "height"))
        found[name] = left, top, left + width, top + height
    return found


def paths(document: str, kind: str) -> list[list[tuple[int, int]]]:
    """The points of each line of this kind."""
    lines = parse(document).findall(f"path[@class='{kind}']", SVG)
    numbers = [[int(number) for number in re.findall(r"-?\d+", line.attrib["d"])] for line in lines]
    return [list(zip(line[::2], line[1::2], strict=True)) for line in numbers]


def apart(one: Box, other: Box) -> bool:
    return one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


@st.composite
def graphs(draw_from: st.DrawFn) -> Graph:
    count = draw_from(st.integers(1, 14))
    return {
        f"t{task}": [f"t{up}" for up in sorted(draw_from(st.sets(st.integers(0, task - 1), max_size=3)))]
        if task
        else []
        for task in range(count)
    }


@given(graphs())
def test_each_task_has_a_box_of_its_own(graph: Graph) -> None:
    """Every task is there once, and no two overlap."""
    found = boxes(draw(arrange(graph)))
    assert set(found) == set(graph)
    assert all(apart(one, other) for one, other in combinations(found.values(), 2))


@given(graphs())
def test_time_runs_from_left_to_right(graph: Graph) -> None:
    """A task stands right of everything that it waits for."""
    found = boxes(draw(arrange(graph)))
    assert all(found[up][2] < found[task][0] for task, ups in graph.items() for up in ups)


@given(graphs())
def test_no_line_runs_through_a_task(graph: Graph) -> None:
    """Lines touch a task's border at most."""
    document = draw(arrange(graph))
    found = boxes(document).values()
    for line in paths(document, "edge") + paths(document, "join"):
        for (x, y), (to_x, to_y) in pairwise(line):
            assert all(apart((min(x, to_x), min(y, to_y), max(x, to_x), max(y, to_y)), box) for box in found)


@given(graphs())
def test_joins_lead_from_the_upstream_to_the_waiting_task(graph: Graph) -> None:
    """One dashed line for each join, between the right side of the one and the left side of the other."""
    arrangement = arrange(graph)
    document = draw(arrangement)
    found = boxes(document)
    ends = [(line[0], line[-1]) for line in paths(document, "join")]
    wanted = [(found[up], found[task]) for task, ups in arrangement.joins.items() for up in ups]
    assert len(ends) == len(wanted)
    for (start, end), (up, task) in zip(ends, wanted, strict=True):
        assert start[0] == up[2]
        assert up[1] < start[1] < up[3]
        assert end[0] == task[0]
        assert task[1] < end[1] < task[3]


@given(graphs())
def test_lines_of_different_upstreams_share_no_track(graph: Graph) -> None:
    """Upright stretches of joins lie on one another only if they tell of the same upstream."""
    arrangement = arrange(graph)
    ups = [join.up for join in Grid(arrangement).joins]
    lines = paths(draw(arrangement), "join")
    stretches = [
        (up, x, *sorted((y, to_y)))
        for up, line in zip(ups, lines, strict=True)
        for (x, y), (to_x, to_y) in pairwise(line)
        if x == to_x
    ]
    for (up, x, top, bottom), (other, other_x, other_top, other_bottom) in combinations(stretches, 2):
        assert up == other or x != other_x or bottom <= other_top or other_bottom <= top


@given(graphs())
def test_the_same_graph_gives_the_same_picture(graph: Graph) -> None:
    """Drawing is deterministic."""
    assert draw(arrange(graph), ["t0"]) == draw(arrange(graph), {"t0"})


def test_names_are_escaped() -> None:
    """A name may hold what XML gives a meaning to."""
    assert set(boxes(draw(arrange({'<a> & "b"': []})))) == {'<a> & "b"'}


def test_a_long_name_is_shortened_but_told() -> None:
    """The box shows both ends of the name, the tooltip all of it and how long the task takes."""
    name = "intermediate_customers_of_all_regions_joined_to_orders"
    document = draw(arrange({name: []}), seconds={name: 2.5, "another": 1})
    assert set(boxes(document)) == {f"{name}: 2.5 s"}
    assert parse(document).findtext("g/text", None, SVG) == "intermediate_…ed_to_orders"


def test_critical_tasks_are_marked() -> None:
    """Critical tasks have a thick border and a bold name, and only they."""
    document = draw(arrange(graph_of("diamond")), ["a", "b", "d"])
    marked = [group for group in parse(document).findall("g[title]", SVG) if "critical" in group.attrib["class"]]
    assert [group.findtext("title", None, SVG) for group in marked] == ["a", "b", "d"]
    for group in marked:
        assert group.find("rect[@stroke-width='3']", SVG) is not None
        assert group.find("text[@font-weight='bold']", SVG) is not None
    assert document.count("bold") == 3


def test_edges_between_critical_tasks_are_marked() -> None:
    """So is a join, if it is on the critical path; the edge beside it is not."""
    root = parse(draw(arrange(graph_of("n")), ["b", "c"]))
    assert {path.attrib["stroke-width"] for path in root.findall("path[@class='join']", SVG)} == {"3"}
    assert all(path.attrib["stroke"] != CRITICAL for path in root.findall("path[@class='edge']", SVG))
    root = parse(draw(arrange(graph_of("chain")), ["a", "b"]))
    assert sorted(path.attrib["stroke-width"] for path in root.findall("path[@class='edge']", SVG)) == ["1.5", "3"]


@pytest.mark.parametrize(
    ("name", "critical", "legend"),
    [("diamond", [], []), ("n", [], ["join"]), ("diamond", ["a"], ["critical path"])],
)
def test_the_legend_explains_what_is_there(name: str, critical: list[str], legend: list[str]) -> None:
    """Dashed arrows and emphasis are explained where they occur."""
    root = parse(draw(arrange(graph_of(name)), critical))
    assert [text.text for text in root.findall("g[@class='legend']/text", SVG)] == legend


def test_groups_are_drawn_with_how_many_tasks_they_have() -> None:
    """docs/images/groups.svg shows what is drawn today, of tasks in folders that all stand in one line."""
    graph = {
        **{f"stg_{name}": [] for name in ("orders", "items", "returns", "customers")},
        **{f"int_{name}": [f"stg_{name}"] for name in ("orders", "returns")},
        "fct_sales": ["int_orders", "stg_items", "int_returns"],
        "dim_customers": ["stg_customers", "stg_orders"],
        "revenue": ["fct_sales"],
        "churn": ["dim_customers", "int_returns"],
    }
    folders = {"stg": "staging", "int": "intermediate", "fct": "marts.core", "dim": "marts.core"}
    folders |= {"revenue": "marts.finance", "churn": "marts.marketing"}
    document = draw_groups(grouped(graph, {task: folders[task.split("_")[0]] for task in graph}))
    assert set(boxes(document)) == {
        "staging (4)",
        "intermediate (2)",
        "marts.core (2)",
        "marts.finance (1)",
        "marts.marketing (1)",
    }
    path = IMAGES / "groups.svg"
    if os.environ.get("ELT_REDSHIFT_WRITE_GOLDEN"):
        path.write_text(document)
    assert document == path.read_text()


def test_each_part_of_a_job_begins_with_its_name() -> None:
    """docs/images/parts.svg shows what is drawn today: all tasks, and a box more for each part."""
    made = cut(graph_of("models"), dict.fromkeys(graph_of("models"), 1.0), 4)
    parts = {f"part {number}": part.arrangement for number, part in enumerate(made.parts, 1)}
    document = draw(side_by_side(parts), PICTURES["models"][1], parts=parts)
    assert set(boxes(document)) == {*graph_of("models"), "part 1", "part 2", "part 3"}
    assert parse(document).findtext("title", None, SVG) == "12 tasks from left to right"
    assert [group.findtext("title", None, SVG) for group in parse(document).findall("g[@class='part']", SVG)] == [
        *parts
    ]
    path = IMAGES / "parts.svg"
    if os.environ.get("ELT_REDSHIFT_WRITE_GOLDEN"):
        path.write_text(document)
    assert document == path.read_text()


def test_one_part_is_drawn_as_one() -> None:
    """With no box around it."""
    arrangement = side_by_side({"part 1": arrange({"a": [], "b": ["a"]})})
    assert [*boxes(draw(arrangement, parts=["part 1"]))] == ["part 1", "a", "b"]


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_of_the_documentation_are_up_to_date(name: str) -> None:
    """docs/images/ shows what is drawn today."""
    job, critical = PICTURES[name]
    path = IMAGES / f"{name}.svg"
    document = draw(arrange(graph_of(job)), critical)
    if os.environ.get("ELT_REDSHIFT_WRITE_GOLDEN"):
        path.write_text(document)
    assert document == path.read_text()
