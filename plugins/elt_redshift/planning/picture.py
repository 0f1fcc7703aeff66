"""The layout of a job as a picture: an SVG document, which browsers, editors and code hosts show.

Time runs from left to right. A light box stands for a Parallel state, with its branches below one another; a dashed
arrow is a join. Of a job in parts, each part begins with a box of its name. Where everything stands is :mod:`grid`'s
part.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import cycle, pairwise
from typing import Literal, NamedTuple
from xml.sax.saxutils import escape

from elt_redshift.graph.groups import Groups
from elt_redshift.graph.layout import Arrangement, Nesting, One, Series, Together, arrange, tasks_of
from elt_redshift.planning import svg
from elt_redshift.planning.grid import Axis, Edge, Grid, Join, Routes, Tracks, nested

#: Of joins, by their upstream. None is near the colour of critical tasks.
JOINS = ("#6d28d9", "#0e7490", "#a21caf", "#4d7c0f", "#1d4ed8")

#: In pixels. A letter is taken for as wide as a wide font's bold ones, as nobody knows which font will be there.
LETTER, HEIGHT, BORDER, LEGEND = 8, 36, 12, 30
#: How far from the middle of a task the lines of joins leave it, and between where they reach it. Apart, as a line that
#: leaves one task and a line that reaches the next may be side by side.
LEAVING, REACHING = 13, (6, 10)


class Words(NamedTuple):
    """What a picture calls a box, in the singular, and a dashed arrow."""

    box: str
    join: str


OF_TASKS = Words("task", "join")


def draw(
    arrangement: Arrangement,
    critical: Collection[str] = (),
    seconds: Mapping[str, float] | None = None,
    words: Words = OF_TASKS,
    parts: Collection[str] = (),
) -> str:
    """The SVG document of ``arrangement``.

    :param critical: tasks to be emphasized, with the edges between them: those of a critical path.
    :param seconds: how long tasks take, for the tooltips; none has to be there.
    :param parts: which boxes of it are no tasks, but begin a part: of :func:`side_by_side`.
    """
    return _Picture(arrangement, frozenset(critical), seconds or {}, words, frozenset(parts)).document()


def side_by_side(parts: Mapping[str, Arrangement]) -> Arrangement:
    """The parts of a job as one arrangement, in which a box with its name stands before the tasks of each."""
    layouts = tuple(Series((One(name), *_in_series(part.layout))) for name, part in parts.items())
    joins = {task: ups for part in parts.values() for task, ups in part.joins.items()}
    return Arrangement(layouts[0] if len(layouts) == 1 else Together(layouts), joins)


def _in_series(layout: Nesting) -> tuple[Nesting, ...]:
    return layout.parts if isinstance(layout, Series) else (layout,)


def draw_groups(groups: Groups) -> str:
    """The SVG document of groups of tasks, each with how many tasks it has."""
    called = {group: f"{group} ({len(tasks)})" for group, tasks in groups.tasks.items()}
    graph = {called[group]: [called[up] for up in ups] for group, ups in groups.upstream.items()}
    return draw(arrange(graph), words=Words("group", "also behind"))


class _Picture:
    def __init__(
        self,
        arrangement: Arrangement,
        critical: frozenset[str],
        seconds: Mapping[str, float],
        words: Words,
        parts: frozenset[str] = frozenset(),
    ) -> None:
        self.parts = parts
        self.layout, self.critical, self.seconds, self.words = arrangement.layout, critical, seconds, words
        self.grid = Grid(arrangement)
        self.routes = Routes(self.grid)
        self.x, self.y = self._axes()

    def _axes(self) -> tuple[Axis, Axis]:
        grid = self.grid
        widths = [0] * (max(grid.column.values()) + 1)
        for task, column in grid.column.items():
            widths[column] = max(widths[column], svg.letters(svg.shortened(task)) * LETTER + 20)
        heights = [HEIGHT] * (max(grid.row.values()) + 1)
        x = self._axis(widths, grid.left, grid.right, self.routes.upright, step=14, margin=18)
        return x, self._axis(heights, grid.top, grid.bottom, self.routes.level, step=7, margin=6)

    def _axis(self, cells: list[int], begin: Edge, end: Edge, tracks: Tracks, step: int, margin: int) -> Axis:
        return Axis(cells, self._most(end, cells), self._most(begin, cells), tracks, step, margin)

    def _most(self, edge: Edge, cells: list[int]) -> list[int]:
        """Of each cell along an axis, how many parts inside one another have this ``edge`` there."""
        most = [0] * len(cells)
        for part in _parallels(self.layout):
            most[edge(part)] = max(most[edge(part)], nested(part, edge))
        return most

    def document(self) -> str:
        legend = list(self._legend())
        width = max(self.x.length + 2 * BORDER, 130 * len(legend) + 2 * BORDER)
        height = self.y.length + 2 * BORDER + (LEGEND if legend else 0)
        count = len(self.grid.column) - len(self.parts)
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="{-BORDER} {-BORDER} {width} {height}" role="img" '
            f'font-family="{svg.FONT}" font-size="13" fill="none" stroke-linejoin="round">',
            f"<title>{count} {self.words.box}{'' if count == 1 else 's'} from left to right</title>",
            f'<rect x="{-BORDER}" y="{-BORDER}" width="{width}" height="{height}" fill="{svg.PAPER}"/>',
            *map(self._background, _parallels(self.layout)),
            *sorted(self._edges(self.layout), key=lambda line: svg.CRITICAL in line),  # those on top
            *sorted(self._joins(), key=lambda line: svg.CRITICAL in line),
            *map(self._task, self.grid.column),
            '<g class="legend">',
            *legend,
            "</g>",
            "</svg>",
        ]
        return "\n".join(lines) + "\n"

    def _background(self, part: Together) -> str:
        grid = self.grid
        left, right = self._fork(part) - 6, self._meet(part) + 6
        top = self.y.begin_of_part(grid.top(part), nested(part, grid.top))
        bottom = self.y.end_of_part(grid.bottom(part), nested(part, grid.bottom))
        return (
            f'<rect class="parallel" x="{left}" y="{top}" width="{right - left}" height="{bottom - top}" rx="8" '
            f'fill="{svg.LINE}" fill-opacity="0.07" stroke="{svg.LINE}" stroke-opacity="0.25"/>'
        )

    def _fork(self, part: Together) -> int:
        return self.x.begin_of_part(self.grid.left(part), nested(part, self.grid.left))

    def _meet(self, part: Together) -> int:
        return self.x.end_of_part(self.grid.right(part), nested(part, self.grid.right))

    def _edges(self, layout: Nesting) -> Iterator[str]:
        """The lines inside ``layout``."""
        match layout:
            case Series(parts):
                for part in parts:
                    yield from self._edges(part)
                for before, behind in pairwise(parts):
                    hot = self._hot(_outermost(before, -1)) and self._hot(_outermost(behind, 0))
                    yield from self._meeting(before, hot)
                    yield from self._forking(self._out(before), behind, hot)
            case Together(parts):
                for part in parts:
                    yield from self._edges(part)

    def _hot(self, tasks: Iterable[str]) -> bool:
        return not self.critical.isdisjoint(tasks)

    def _out(self, layout: Nesting) -> tuple[int, int]:
        """Where the line behind ``layout`` begins."""
        match layout:
            case One(task):
                return self.x.end(self.grid.column[task]), self._level(layout)
            case Series(parts):
                return self._out(parts[-1])
            case Together():
                return self._meet(layout), self._level(layout)

    def _level(self, layout: Nesting) -> int:
        return self.y.middle(self.grid.top(layout))

    def _forking(self, start: tuple[int, int], layout: Nesting, hot: bool) -> Iterator[str]:
        """From ``start`` to the first tasks of ``layout``."""
        level = self._level(layout)
        match layout:
            case One(task):
                end = self.x.start(self.grid.column[task]), level
                yield svg.edge_line([start, (start[0], level), end], hot) + svg.head(end, hot)
            case Series(parts):
                yield from self._forking(start, parts[0], hot)
            case Together(parts):
                fork = self._fork(layout), level
                yield svg.edge_line([start, (start[0], level), fork], hot)
                for part in parts:
                    yield from self._forking(fork, part, hot and self._hot(_outermost(part, 0)))

    def _meeting(self, layout: Nesting, hot: bool) -> Iterator[str]:
        """From the last tasks of ``layout`` to where the line behind it begins."""
        match layout:
            case Series(parts):
                yield from self._meeting(parts[-1], hot)
            case Together(parts):
                meet = self._out(layout)
                for part in parts:
                    part_hot = hot and self._hot(_outermost(part, -1))
                    yield from self._meeting(part, part_hot)
                    start = self._out(part)
                    yield svg.edge_line([start, (meet[0], start[1]), meet], part_hot)

    def _joins(self) -> Iterator[str]:
        ports = self._ports()
        colours = dict(zip({join.up: None for join in self.grid.joins}, cycle(JOINS), strict=False))
        for join in self.grid.joins:
            hot = {join.up, join.waiter} <= self.critical
            colour = svg.CRITICAL if hot else colours[join.up]
            points = self._route(join, ports[join])
            yield svg.line(points, colour, hot, dashed=True) + svg.head(points[-1], hot, colour)

    def _ports(self) -> dict[Join, int]:
        """Where joins reach their task: from above in its upper half, those of near upstreams first; else below."""
        near, far = REACHING
        ports: dict[Join, int] = {}
        for joins in self.grid.reaching():
            for index, join in enumerate(joins):
                away = near + (far - near) * index // max(len(joins) - 1, 1)
                ports[join] = self.y.middle(self.grid.row[join.waiter]) + (-away if join.down else away)
        return ports

    def _route(self, join: Join, port: int) -> list[tuple[int, int]]:
        grid, routes = self.grid, self.routes
        leaving = self.y.middle(grid.row[join.up]) + (LEAVING if join.down else -LEAVING)
        start, end = (self.x.end(grid.column[join.up]), leaving), (self.x.start(grid.column[join.waiter]), port)
        first = self.x.track(routes.first(join))
        if routes.near(join):
            return [start, (first, start[1]), (first, end[1]), end]
        second, third = self.y.track(routes.second(join)), self.x.track(routes.third(join))
        return [start, (first, start[1]), (first, second), (third, second), (third, end[1]), end]

    def _task(self, task: str) -> str:
        column, row, hot = self.grid.column[task], self.grid.row[task], task in self.critical
        left, width = self.x.start(column), self.x.end(column) - self.x.start(column)
        kind = "part" if task in self.parts else "critical task" if hot else "task"
        title = f"{task}: {self.seconds[task]:g} s" if task in self.seconds else task
        return (
            f'<g class="{kind}"><title>{escape(title)}</title>'
            + svg.box(left, self.y.start(row), width, HEIGHT, hot, svg.PART if task in self.parts else svg.PAPER)
            + f'<text x="{left + width // 2}" y="{self.y.middle(row) + 5}" text-anchor="middle" fill="{svg.INK}"'
            + (' font-weight="bold"' if hot else "")
            + f">{escape(svg.shortened(task))}</text></g>"
        )

    def _legend(self) -> Iterator[str]:
        left, level = 0, self.y.length + LEGEND // 2 + 4
        if self.grid.joins:
            end = (left + 34, level)
            yield (
                svg.line([(left, level), end], JOINS[0], dashed=True)
                + svg.head(end, False, JOINS[0])
                + svg.note(end, self.words.join)
            )
            left += 68 + 8 * len(self.words.join)
        if self._hot(self.grid.column):
            yield svg.box(left, level - 8, 34, 16, True) + svg.note((left + 34, level), "critical path")


def _parallels(layout: Nesting) -> Iterator[Together]:
    """All of ``layout``, outer ones first."""
    match layout:
        case Series(parts) | Together(parts):
            if isinstance(layout, Together):
                yield layout
            for part in parts:
                yield from _parallels(part)


def _outermost(layout: Nesting, place: Literal[0, -1]) -> Iterable[str]:
    """The tasks that ``layout`` begins (0) or ends (-1) with."""
    match layout:
        case Series(parts):
            return _outermost(parts[place], place)
        case Together(parts):
            return [task for part in parts for task in _outermost(part, place)]
    return tasks_of(layout)
