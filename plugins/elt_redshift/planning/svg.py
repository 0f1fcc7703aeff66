"""What pictures of graphs are drawn with: lines, heads of arrows, boxes and names, as pieces of an SVG document."""

from __future__ import annotations

from unicodedata import east_asian_width

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
PAPER, INK, LINE, CRITICAL, PART = "#ffffff", "#1e293b", "#64748b", "#c2410c", "#e0f2fe"
#: Letters of a name that are shown.
LONGEST = 26


def letters(text: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def shortened(name: str) -> str:
    """Both ends of a long name: names of tables often begin alike."""
    if letters(name) <= LONGEST:
        return name
    half = LONGEST // 2 if letters(name) == len(name) else LONGEST // 4
    return f"{name[:half]}…{name[-half + 1 :]}"


def line(points: list[tuple[int, int]], colour: str, thick: bool = False, dashed: bool = False) -> str:
    """Through ``points``, all turns of which are square; the corners are rounded."""
    path = f"M{points[0][0]} {points[0][1]}"
    for before, corner, behind in zip(points, points[1:], points[2:], strict=False):
        path += f"L{_towards(corner, before)}Q{corner[0]} {corner[1]} {_towards(corner, behind)}"
    path += f"L{points[-1][0]} {points[-1][1]}"
    kind, dash = ("join", ' stroke-dasharray="6 3"') if dashed else ("edge", "")
    return f'<path class="{kind}" d="{path}" stroke="{colour}" stroke-width="{3 if thick else 1.5}"{dash}/>'


def edge_line(points: list[tuple[int, int]], hot: bool) -> str:
    return line(points, CRITICAL if hot else LINE, hot)


def _towards(corner: tuple[int, int], other: tuple[int, int], radius: int = 4) -> str:
    x, y = (at + max(-radius, min(radius, (to - at) // 2)) for at, to in zip(corner, other, strict=True))
    return f"{x} {y}"


def head(end: tuple[int, int], hot: bool, colour: str | None = None) -> str:
    size = 5 if hot else 4
    return (
        f'<path d="M{end[0]} {end[1]}l{-2 * size} {-size}v{2 * size}z" fill="{colour or (CRITICAL if hot else LINE)}"/>'
    )


def box(left: int, top: int, width: int, height: int, hot: bool, paper: str = PAPER) -> str:
    look = f'fill="#ffedd5" stroke="{CRITICAL}" stroke-width="3"' if hot else f'fill="{paper}" stroke="{LINE}"'
    return f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="5" {look}/>'


def note(end: tuple[int, int], text: str) -> str:
    return f'<text x="{end[0] + 8}" y="{end[1] + 5}" fill="{INK}">{text}</text>'
