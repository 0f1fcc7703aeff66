"""Draws a plan as SVG: branches as lanes, joins as dashed edges, the critical path emphasized.

A task's column is its level in the graph, and its lane that of its branch, so no two boxes share a place. Every text
is cut to fit its place; what was cut is in the tooltip.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from html import escape
from itertools import pairwise

from elt_redshift.asl.plan import Plan, PlannedTask

#: Pixels: the box's height, the gaps between columns and lanes, the margin, the head, and the foot for the legend.
BOX, COLUMN_GAP, LANE_GAP, MARGIN, HEAD, FOOT = 36, 48, 12, 16, 56, 32

#: A character of the font, and the most of them that a box shows.
CHARACTER, LONGEST = 7.0, 24

#: The picture is at least so wide, for its head and legend.
LEAST_WIDTH = 560

_INK, _QUIET, _CRITICAL = "#24292f", "#8c959f", "#cf222e"
_FONT = 'font-family="ui-monospace, DejaVu Sans Mono, Menlo, Consolas, monospace"'


def draw(plan: Plan) -> str:
    """The picture of ``plan`` as an SVG document."""
    return "\n".join([*_Picture(plan).lines(), ""])


class _Picture:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.tasks = {task.name: task for task in plan.tasks}
        self.box = CHARACTER * (min(LONGEST, max([10, *map(len, self.tasks)])) + 2)
        path = plan.critical_tasks
        self.critical = set(pairwise(path))

    def lines(self) -> Iterator[str]:
        columns = max(task.level for task in self.plan.tasks) + 1
        rows = max(task.lane for task in self.plan.tasks) + 1
        width = max(LEAST_WIDTH, 2 * MARGIN + columns * (self.box + COLUMN_GAP) - COLUMN_GAP)
        height = HEAD + rows * (BOX + LANE_GAP) + FOOT
        size = f'width="{width:.0f}" height="{height}" viewBox="0 0 {width:.0f} {height}"'
        yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" {_FONT} font-size="11">'
        yield f"<title>{escape(self._title())}</title>"
        yield f'<rect width="{width:.0f}" height="{height}" fill="#ffffff"/>'
        yield from self._head(width)
        yield from self._edges()
        for task in self.plan.tasks:
            yield from self._task(task)
        yield from self._legend(height)
        yield "</svg>"

    def _title(self) -> str:
        return f"Plan of job {self.plan.job}"

    def _head(self, width: float) -> Iterator[str]:
        plan = self.plan
        yield _text(MARGIN, 22, _cut(plan.job, int((width - 2 * MARGIN) / 9)), 'font-size="14" font-weight="bold"')
        facts = (
            f"tasks: {len(plan.tasks)}, joins: {plan.joins}; expected {_time(plan.makespan)}, "
            f"critical path {_time(plan.critical_path)}, ratio {plan.ratio:.3f}"
        )
        yield _text(MARGIN, 42, facts, f'fill="{_QUIET}"')

    def _edges(self) -> Iterator[str]:
        """Quiet ones first, so that the critical path lies on top."""
        edges = [(up, task.name, up in task.joins) for task in self.plan.tasks for up in (*task.behind, *task.joins)]
        for up, down, join in sorted(edges, key=lambda edge: edge[:2] in self.critical):
            on_path = (up, down) in self.critical
            look = f'stroke="{_CRITICAL}" stroke-width="2.5"' if on_path else f'stroke="{_QUIET}" stroke-width="1.2"'
            dashes = ' stroke-dasharray="5 4"' if join else ""
            yield f'<path d="{self._curve(self.tasks[up], self.tasks[down])}" fill="none" {look}{dashes}/>'

    def _curve(self, up: PlannedTask, down: PlannedTask) -> str:
        (left, top), (right, bottom) = self._place(up), self._place(down)
        begin, end = left + self.box, right
        bend = min(COLUMN_GAP, (end - begin) / 2)
        start, stop = top + BOX / 2, bottom + BOX / 2
        return (
            f"M{begin:.0f} {start:.0f} C{begin + bend:.0f} {start:.0f} {end - bend:.0f} {stop:.0f} {end:.0f} {stop:.0f}"
        )

    def _place(self, task: PlannedTask) -> tuple[float, float]:
        """The upper left corner of a task's box."""
        return MARGIN + task.level * (self.box + COLUMN_GAP), HEAD + task.lane * (BOX + LANE_GAP)

    def _task(self, task: PlannedTask) -> Iterator[str]:
        left, top = self._place(task)
        line = f'stroke="{_CRITICAL}" stroke-width="2.5"' if task.critical else f'stroke="{_QUIET}"'
        fill = "#ffebe9" if task.critical else "#f6f8fa"
        times = f"{_time(task.start)} to {_time(task.end)} ({task.source})"
        waits = f"; joins {', '.join(task.joins)}" if task.joins else ""
        yield f"<g><title>{escape(f'{task.name}: {times}{waits}')}</title>"
        yield f'<rect x="{left:.0f}" y="{top:.0f}" width="{self.box:.0f}" height="{BOX}" rx="4" fill="{fill}" {line}/>'
        weight = ' font-weight="bold"' if task.critical else ""
        yield _text(left + CHARACTER, top + 15, _cut(task.name, LONGEST), f'fill="{_INK}"{weight}')
        yield _text(left + CHARACTER, top + 29, _time(task.seconds), f'fill="{_QUIET}" font-size="10"')
        yield "</g>"

    def _legend(self, height: float) -> Iterator[str]:
        y, x = height - 14, MARGIN
        looks = (
            ("behind, in its branch", f'stroke="{_QUIET}" stroke-width="1.2"'),
            ("waits by a join", f'stroke="{_QUIET}" stroke-width="1.2" stroke-dasharray="5 4"'),
            ("critical path", f'stroke="{_CRITICAL}" stroke-width="2.5"'),
        )
        for words, look in looks:
            yield f'<path d="M{x} {y - 4} h24" fill="none" {look}/>'
            yield _text(x + 30, y, words, f'fill="{_INK}"')
            x += 54 + int(CHARACTER * len(words))


def _text(x: float, y: float, words: str, look: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" {look}>{escape(words)}</text>'


def _cut(words: str, length: int) -> str:
    return words if len(words) <= length else f"{words[: length - 1]}…"


def _time(seconds: float) -> str:
    """Hours, minutes and seconds, such as 1:05:00; below a minute, seconds."""
    return f"{seconds:.3g} s" if seconds < 60 else str(timedelta(seconds=round(seconds)))
