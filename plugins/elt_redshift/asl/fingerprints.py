"""What a task's result depends on, as a short text: one that was done and has its fingerprint still need not run again.

It covers the task's name, its statements with the names of their values, whether they are one transaction, and the
fingerprints of all tasks that it waits for. How it is run (retries, timeouts, ways of waiting) does not count.

A definition carries the fingerprints of its tasks as data: unrolled, in the comment of its last state, as the JSON text
``{"tasks": [[name, own part, [places of its upstreams in this list]], …]}``; in the map layout, in the job file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from elt_redshift.asl.language import names
from elt_redshift.job.model import EltJob, SqlTask

#: Hexadecimal digits: two of ten thousand tasks are alike by chance once in 370 million jobs.
DIGITS = 16


@dataclass(frozen=True)
class Fingerprint:
    """Of one task.

    :param own: covers the task's SQL alone.
    :param whole: covers what it waits for as well.
    """

    own: str
    upstream: tuple[str, ...]
    whole: str


Fingerprints = Mapping[str, Fingerprint]


def of_job(job: EltJob) -> dict[str, Fingerprint]:
    """The fingerprints of a valid job's tasks, in the order of the job."""
    return _chained({task.name: (_own(task), task.upstream) for task in job.tasks}, [t.name for t in job.in_order()])


def comment(prints: Fingerprints) -> str:
    """The fingerprints as an unrolled definition carries them; :func:`of_definition` reads it."""
    return json.dumps({"tasks": _listed(prints)}, separators=(",", ":"))


def of_definition(definition: Mapping[str, Any]) -> dict[str, Fingerprint] | None:
    """The fingerprints that an unrolled definition carries; None when it carries none."""
    try:
        return _read(json.loads(definition["States"][names.RELEASED]["Comment"])["tasks"])
    except (LookupError, TypeError, ValueError):
        return None


def in_job_file(prints: Fingerprints, order: Sequence[str]) -> list[dict[str, Any]]:
    """What the items of the job file say, in the order of ``order``; :func:`of_job_file` reads it."""
    place = {name: number for number, name in enumerate(order)}
    return [
        {
            "fingerprint": prints[name].whole,
            "own": prints[name].own,
            "upstream": [place[up] for up in prints[name].upstream],
        }
        for name in order
    ]


def of_job_file(items: Iterable[Mapping[str, Any]]) -> dict[str, Fingerprint] | None:
    """The fingerprints in a job file; None when it has none."""
    try:
        return _read([(item["name"], item["own"], item["upstream"]) for item in items])
    except (LookupError, TypeError, ValueError):
        return None


def _listed(prints: Fingerprints) -> list[list[Any]]:
    place = {name: number for number, name in enumerate(prints)}
    return [[name, one.own, [place[up] for up in one.upstream]] for name, one in prints.items()]


def _read(listed: Sequence[Sequence[Any]]) -> dict[str, Fingerprint]:
    order = [str(one[0]) for one in listed]
    given = {str(name): (str(own), tuple(order[up] for up in ups)) for name, own, ups in listed}
    return _chained(given, _behind_upstreams(given))


def _behind_upstreams(given: Mapping[str, tuple[str, Sequence[str]]]) -> list[str]:
    from graphlib import TopologicalSorter

    return list(TopologicalSorter({name: ups for name, (_, ups) in given.items()}).static_order())


def _chained(given: Mapping[str, tuple[str, Sequence[str]]], order: Iterable[str]) -> dict[str, Fingerprint]:
    """:param order: the tasks, each behind its upstreams."""
    found: dict[str, Fingerprint] = {}
    for name in order:
        own, ups = given[name]
        upstream = tuple(sorted(set(ups)))
        whole = _digest([name, own, [found[up].whole for up in upstream]])
        found[name] = Fingerprint(own, upstream, whole)
    return {name: found[name] for name in given}


def _own(task: SqlTask) -> str:
    texts = [statement.text for statement in task.statements]
    return _digest([texts, list(task.parameters), task.transaction or len(texts) == 1])


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, separators=(",", ":")).encode()).hexdigest()[:DIGITS]
