"""Where the tasks of an arrangement stand in a drawing, and where the lines of its joins run between them.

Each task has a cell: its column is the earliest at which it can start if all tasks take equally long, its row is its
branch. Between the columns and between the rows are *channels* without cells. Edges of parts and lines of joins have
*tracks* of their own in there, and a channel is as wide as its tracks need; so no line ever runs through a task or
along the track of another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from elt_redshift.graph.layout import Arrangement, Nesting, One, Series, Together, tasks_of

#: Tells the cell, along one direction, at which a layout begins or ends: :meth:`Grid.left` and its like.
Edge = Callable[[Nesting], int]

#: Of a join's line: the channel, and what has one track of its own there.
_Net = tuple[int, tuple[str, ...]]


@dataclass(frozen=True)
class Join:
    """``waiter`` waits for ``up``, in another branch; ``down`` tells whether that is further down."""

    up: str
    waiter: str
    down: bool


class Grid:
    """The cells of all tasks."""

    def __init__(self, arrangement: Arrangement) -> None:
        self.column = _columns(arrangement)
        self.row: dict[str, int] = {}
        _rows(arrangement.layout, 0, self.row)
        self.joins = tuple(
            Join(up, waiter, self.row[up] < self.row[waiter]) for waiter, ups in arrangement.joins.items() for up in ups
        )

    def reaching(self) -> Iterable[list[Join]]:
        """The joins that reach one task from one side, the near ones first."""
        groups: dict[tuple[str, bool], list[Join]] = {}
        for join in sorted(self.joins, key=lambda join: abs(self.row[join.up] - self.row[join.waiter])):
            groups.setdefault((join.waiter, join.down), []).append(join)
        return groups.values()

    def left(self, layout: Nesting) -> int:
        return min(self.column[task] for task in tasks_of(layout))

    def right(self, layout: Nesting) -> int:
        return max(self.column[task] for task in tasks_of(layout))

    def top(self, layout: Nesting) -> int:
        return min(self.row[task] for task in tasks_of(layout))

    def bottom(self, layout: Nesting) -> int:
        return max(self.row[task] for task in tasks_of(layout))


def _columns(arrangement: Arrangement) -> dict[str, int]:
    """Behind everything that a task waits for: what joins push to the right may push others, until nothing moves."""
    column: dict[str, int] = {}

    def walk(layout: Nesting, start: int) -> int:
        match layout:
            case One(task):
                column[task] = max([start, *(column.get(up, -1) + 1 for up in arrangement.joins.get(task, ()))])
                return column[task] + 1
            case Series(parts):
                for part in parts:
                    start = walk(part, start)
                return start
            case Together(parts):
                return max([walk(part, start) for part in parts])

    before = None
    while before != column:
        before = dict(column)
        walk(arrangement.layout, 0)
    return column


def _rows(layout: Nesting, row: int, rows: dict[str, int]) -> int:
    """Parts in series begin in one row; those side by side are stacked. Returns the first row below."""
    match layout:
        case One(task):
            rows[task] = row
            return row + 1
        case Series(parts):
            return max([_rows(part, row, rows) for part in parts])
        case Together(parts):
            for part in parts:
                row = _rows(part, row, rows)
            return row


def nested(layout: Nesting, edge: Edge) -> int:
    """How many parallel parts share this ``edge`` of ``layout``, itself included."""
    match layout:
        case One():
            return 0
        case Series(parts) | Together(parts):
            at = edge(layout)
            inner = max(nested(part, edge) for part in parts if edge(part) == at)
            return inner + isinstance(layout, Together)


@dataclass
class Tracks:
    """Who runs on which track of which channel; channel *i* is in front of cell *i*."""

    number: dict[_Net, int] = field(default_factory=dict)
    count: dict[int, int] = field(default_factory=dict)

    def allot(self, nets: Mapping[_Net, Sequence[int]]) -> Tracks:
        """Nets of a channel share a track where they are apart; of each the places along the channel are given."""
        ends: dict[int, list[int]] = {}
        for net, places in sorted(nets.items(), key=lambda item: (min(item[1]), max(item[1]), item[0])):
            taken = ends.setdefault(net[0], [])
            free = next((track for track, end in enumerate(taken) if end < min(places)), len(taken))
            taken[free : free + 1] = [max(places)]
            self.number[net] = free
        self.count = {channel: len(taken) for channel, taken in ends.items()}
        return self


class Routes:
    """The tracks of all joins.

    A join's line goes from its upstream into the channel right of it. If the waiting task is not in the next column,
    the line goes on in the channel below (or above) the upstream, then in the channel left of the waiting task. Lines
    of one upstream share their beginning.
    """

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        upright: dict[_Net, list[int]] = {}
        level: dict[_Net, list[int]] = {}
        for join in grid.joins:
            up, waiter = (grid.column[join.up], grid.row[join.up]), (grid.column[join.waiter], grid.row[join.waiter])
            # along a channel, cell i is at 2i and the channel in front of it at 2i - 1
            turn = 2 * waiter[1] if self.near(join) else 2 * self.corridor(join) - 1
            upright.setdefault(self.first(join), []).extend((2 * up[1], turn))
            if not self.near(join):
                level.setdefault(self.second(join), []).extend((2 * up[0] + 1, 2 * waiter[0] - 1))
                upright.setdefault(self.third(join), []).extend((turn, 2 * waiter[1]))
        self.upright, self.level = Tracks().allot(upright), Tracks().allot(level)

    def near(self, join: Join) -> bool:
        """Whether the waiting task is in the next column."""
        return self.grid.column[join.waiter] == self.grid.column[join.up] + 1

    def corridor(self, join: Join) -> int:
        return self.grid.row[join.up] + join.down

    def first(self, join: Join) -> _Net:
        return self.grid.column[join.up] + 1, (join.up, "down" if join.down else "up")

    def second(self, join: Join) -> _Net:
        return self.corridor(join), (join.up,)

    def third(self, join: Join) -> _Net:
        return self.grid.column[join.waiter], (join.up, "to", join.waiter)


class Axis:
    """Positions in pixels of cells and of what is in the channels between them, along one direction.

    :param sizes: of the cells.
    :param ends: how many parts inside one another end behind each cell …
    :param begins: … and begin in front of it.
    :param tracks: how many tracks each channel has.
    :param step: from one edge of a part to the next.
    :param margin: on both sides of a channel.
    """

    TRACK = 8

    def __init__(
        self, sizes: Sequence[int], ends: Sequence[int], begins: Sequence[int], tracks: Tracks, step: int, margin: int
    ) -> None:
        self._sizes, self._ends, self._step, self._margin = sizes, (0, *ends), step, margin
        lines = [max(tracks.count.get(channel, 0) - 1, 0) * self.TRACK for channel in range(len(sizes) + 1)]
        widths = [
            2 * margin + (behind + before) * step + line
            for behind, before, line in zip(self._ends, (*begins, 0), lines, strict=True)
        ]
        self._starts = list(accumulate(zip(widths, (*sizes, 0), strict=True), self._next, initial=(0, 0)))
        self._tracks = tracks
        self.length = self._starts[-1][1]

    @staticmethod
    def _next(place: tuple[int, int], channel_and_cell: tuple[int, int]) -> tuple[int, int]:
        start = place[1] + channel_and_cell[0]
        return start, start + channel_and_cell[1]

    def start(self, cell: int) -> int:
        return self._starts[cell + 1][0]

    def end(self, cell: int) -> int:
        return self._starts[cell + 1][1]

    def middle(self, cell: int) -> int:
        return (self.start(cell) + self.end(cell)) // 2

    def begin_of_part(self, cell: int, nested: int) -> int:
        return self.start(cell) - self._margin // 2 - nested * self._step

    def end_of_part(self, cell: int, nested: int) -> int:
        return self.end(cell) + self._margin // 2 + nested * self._step

    def track(self, net: _Net) -> int:
        channel = net[0]
        behind = self._starts[channel][1] + self._ends[channel] * self._step + self._margin
        return behind + self._tracks.number[net] * self.TRACK
