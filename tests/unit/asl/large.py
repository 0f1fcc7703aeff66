"""Small jobs that are compiled as large ones are: with statements that are followed to their ends, and in parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from elt_redshift.testing.subject import Version

from .jobs import JOBS, job, task

#: Two parts, of which the first one awaits two tasks of the other one.
WOVEN = job(task("a"), task("b"), task("c", "a", "b"), task("d", "b"), task("e", "c", "d"))

FOLLOWED = Version(JOBS["one_task"], follows=True)
IN_PARTS = Version(WOVEN, cut_at=3)

#: Of both jobs, the definitions that have golden files, by the names of these, as :func:`of` calls them.
LARGE: dict[str, tuple[Version, str]] = {
    "followed": (FOLLOWED, "run"),
    "followed_follower": (FOLLOWED, "follower"),
    "parts": (IN_PARTS, "run"),
    "parts_part_1": (IN_PARTS, "part_1"),
    "parts_part_2": (IN_PARTS, "part_2"),
    "parts_follower": (IN_PARTS, "follower"),
}


def of(version: Version) -> Iterator[tuple[str, dict[str, Any]]]:
    """All definitions that a job's stack has, each with what its machine is for."""
    machine = version.machine
    yield "run", machine.definition()
    yield "ending", machine.ending()
    yield from ((f"part_{part.number}", part.definition()) for part in machine.parts)
    if machine.follows:
        yield "follower", machine.following()
    if machine.events:
        yield "answering", machine.answering()
