"""From what scripts do with tables to the edges between them, and what their SQL leaves open.

Who makes a table comes before whoever uses it, and who changes it before whoever reads it. Nothing is chosen where both
orders may be meant::

    two make it, or two change it           no edge, unless one of them also reads it and the other does not
    one drops what another uses             no edge
    edges that make a circle                all of them left out
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from elt_redshift.drafting.uses import PUBLIC, Uses, is_schema, is_system
from elt_redshift.graph.groups import grouped
from elt_redshift.graph.order import Order

#: A list for people names so many.
_MOST = 8

#: For each script those right before it, each with the names for which it waits.
Edges = Mapping[str, Mapping[str, tuple[str, ...]]]


@dataclass(frozen=True)
class Doubt:
    """What the SQL does not say.

    :param scripts: those at which somebody who reads the job is to be told: not of a circle, where each is told its own
        edges, nor where it is about too many, as with a log that all write.
    :param text: one sentence for people, which names the scripts.
    """

    scripts: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Ordering:
    """The edges between scripts.

    :param left_out: edges that are part of a circle.
    :param sources: tables that are used and that no script makes or changes.
    """

    upstream: Edges
    left_out: Edges
    doubts: tuple[Doubt, ...]
    sources: tuple[str, ...]


def ordering(scripts: Mapping[str, Uses]) -> Ordering:
    """The edges between scripts, by their names."""
    by_name = _by_name(scripts)
    found = _edges(scripts, by_name)
    graph = {script: tuple(ups) for script, ups in found.items()}
    circles = grouped(graph, {script: script for script in scripts}).circles
    circle_of = {script: circle for circle in circles for script in circle}
    upstream, left_out = (
        {
            down: {up: names for up, names in ups.items() if (down in circle_of.get(up, ())) is circular}
            for down, ups in found.items()
        }
        for circular in (False, True)
    )
    order = Order({script: tuple(ups) for script, ups in upstream.items()})
    together = [*_circular(circles, left_out), *_open(by_name, scripts, order, circle_of)]
    sources = (name for name, users in by_name.items() if not any(scripts[one].changes(name) for one in users))
    return Ordering(
        upstream,
        left_out,
        (*together, *_alone(scripts, by_name)),
        tuple(sorted(name for name in sources if not is_schema(name) and not is_system(name))),
    )


def _by_name(scripts: Mapping[str, Uses]) -> Mapping[str, list[str]]:
    """The scripts that have to do with each name."""
    found: dict[str, list[str]] = {}
    for script, uses in scripts.items():
        for name in sorted({*uses.makes, *uses.writes, *uses.reads, *uses.needs, *uses.drops}):
            found.setdefault(name, []).append(script)
    return found


def _edges(scripts: Mapping[str, Uses], by_name: Mapping[str, list[str]]) -> Edges:
    """All that are certain, in the order of the scripts."""
    names: dict[tuple[str, str], list[str]] = {}
    for name, users in by_name.items():
        for up in (one for one in users if scripts[one].changes(name)):
            for down in users:
                if up != down and _precedes(scripts[up], scripts[down], name):
                    names.setdefault((up, down), []).append(name)
    number = {script: index for index, script in enumerate(scripts)}
    found: dict[str, dict[str, tuple[str, ...]]] = {script: {} for script in scripts}
    for up, down in sorted(names, key=lambda edge: number[edge[0]]):
        found[down][up] = tuple(names[up, down])
    return found


def _precedes(up: Uses, down: Uses, name: str) -> bool:
    """Whether ``up``, which changes ``name``, certainly comes before ``down``."""
    if name in up.drops:
        return False
    if (name in up.makes) is not (name in down.makes):
        return name in up.makes and down.touches(name)
    return name in down.reads and not (name in up.reads and down.changes(name))


def _circular(circles: Iterable[tuple[str, ...]], left_out: Edges) -> Iterator[Doubt]:
    for circle in circles:
        waits = [f"{down} for {up} ({several(names)})" for down in circle for up, names in left_out[down].items()]
        yield Doubt((), f"{several(circle)} wait in a circle, whose edges are left out: {several(waits)}.")


def _open(
    by_name: Mapping[str, list[str]],
    scripts: Mapping[str, Uses],
    order: Order,
    circle_of: Mapping[str, tuple[str, ...]],
) -> Iterator[Doubt]:
    number = {script: index for index, script in enumerate(order.tasks)}

    def is_open(one: str, other: str) -> bool:
        decided = order.related(number[one]) >> number[other] & 1
        return not decided and other not in circle_of.get(one, ())

    for name, users in by_name.items():
        changing = [one for one in users if scripts[one].changes(name)]
        unordered = {one for one, other in permutations(changing, 2) if is_open(one, other)}
        if unordered:
            loose = tuple(one for one in changing if one in unordered)
            how = "make" if all(name in scripts[one].makes for one in loose) else "write"
            yield Doubt(
                loose if len(loose) <= _MOST else (),
                f"{several(loose)} {how} {name}: their SQL does not say which comes first.",
            )
        for dropping in (one for one in users if name in scripts[one].drops):
            others = (one for one in users if one != dropping and one not in unordered and scripts[one].touches(name))
            if late := tuple(one for one in others if is_open(dropping, one)):
                text = f"{dropping} drops {name}: before or after {several(late)}, for which it is there?"
                yield Doubt((dropping, *late) if len(late) < _MOST else (), text)


def _alone(scripts: Mapping[str, Uses], by_name: Mapping[str, list[str]]) -> Iterator[Doubt]:
    """What is not known of a script by itself."""
    changed = [name for name, users in by_name.items() if any(scripts[one].changes(name) for one in users)]
    alike: dict[str, list[str]] = {}
    for name in changed:
        alike.setdefault(name.rpartition(".")[2], []).append(name)
    made = dict.fromkeys(changed)
    temporary = {name: script for script, uses in scripts.items() for name in uses.temporary}
    for script, uses in scripts.items():
        if uses.unknown:
            text = f"The SQL at {several(uses.unknown)} was not understood: add to upstream what {script} waits for."
            yield Doubt((script,), text)
        for name in sorted(uses.calls):
            yield Doubt((script,), f"{script} calls {name}: what that reads and writes is not looked into.")
        for name in sorted(name for name in uses.reads if name not in made):
            if (other := temporary.get(name, script)) != script:
                text = (
                    f"{script} reads {name}, which {other} makes as a temporary table: it goes with the task's session."
                )
                yield Doubt((script, other), text)
            elif meant := [one for one in alike.get(name.rpartition(".")[2], ()) if _same_but_for_schema(one, name)]:
                yield Doubt((script,), f"{script} reads {name}, which no file writes: is {several(meant)} meant?")


def _same_but_for_schema(one: str, other: str) -> bool:
    """Whether one may be the other with less in front: a database, or a schema, for which ``public`` was put in."""
    long, short = sorted((one, other), key=lambda name: -name.count("."))
    return long.endswith(f".{short}") or short.startswith(f"{PUBLIC}.") or long.startswith(f"{PUBLIC}.")


def several(names: Sequence[str]) -> str:
    """A list for people, which is no longer than they read."""
    *first, last = names if len(names) <= _MOST else (*names[: _MOST - 1], f"{len(names) - _MOST + 1} more")
    return f"{', '.join(first)} and {last}" if first else last
