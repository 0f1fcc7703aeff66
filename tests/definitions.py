"""Writes every definition of the tests into a folder, for the independent validator of `make validate`.

    python -m tests.definitions FOLDER

The jobs of the golden files; the machines that answer to events, follow ends and start by schedule; all those of jobs
whose statements are followed to their ends, and of jobs in parts; the same jobs, compiled for a Step Functions that
does not know long polling; jobs so wide that they pace themselves; the jobs under sql/; and random graphs, most of
which need joins.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from elt_redshift.asl.compiler import compile_job
from elt_redshift.asl.target import Target
from elt_redshift.job.model import EltJob, Schedule
from elt_redshift.testing.subject import Version
from tests.unit.asl import large
from tests.unit.asl.jobs import JOBS, job, task

ROOT = Path(__file__).parents[1]

RANDOM_GRAPHS = 20

#: What differs between jobs in parts, beside their graphs.
IN_PARTS = ("models", "batch_auto_commit", "events", "retries_and_timeout", "fence", "finish_independent", "two_lanes")
IN_PARTS += ("wait_for_the_lock", "parameters", "audit_in_redshift")


def definitions() -> Iterator[tuple[str, Any]]:
    """Each with a name of its own."""
    for name, golden in JOBS.items():
        yield name, compile_job(golden).definition()
    yield "answering", compile_job(JOBS["event"]).answering()
    yield "ending", compile_job(JOBS["one_task"]).ending()
    scheduled = job(task("a"), schedule=Schedule(rate="1 day"))
    yield "starting", compile_job(scheduled).starting("${StateMachine}", "${Queue}")
    many = {"followed": large.FOLLOWED, "parts": large.IN_PARTS}
    many |= {f"parts_{name}": Version(JOBS[name], cut_at=4) for name in IN_PARTS}
    for name, version in many.items():
        yield from ((f"{name}_{which}", definition) for which, definition in large.of(version))
    for name, golden in JOBS.items():
        yield f"polling_{name}", compile_job(golden, Target(long_polling=False)).definition()
    roots = [task(f"t{number}") for number in range(60)]
    yield "turns", compile_job(job(*roots, layout="map")).definition()
    yield "capped", compile_job(job(*(task(f"t{number}") for number in range(501)), layout="map")).definition()
    yield "crowd", compile_job(job(*roots, layout="unrolled")).definition()
    yield (
        "crowd_behind_one",
        compile_job(job(task("first"), *(task(one.name, "first") for one in roots), layout="map")).definition(),
    )
    for file in sorted((ROOT / "sql").glob("*/job.yaml")):
        yield f"sql_{file.parent.name}", compile_job(EltJob.load(file)).definition()
    for seed in range(RANDOM_GRAPHS):
        yield f"random_{seed}", compile_job(_random(seed)).definition()


def _random(seed: int) -> EltJob:
    """Each task waits for up to three of those before it."""
    rng = Random(seed)
    names = [f"t{number}" for number in range(rng.randint(2, 40))]
    ups = [rng.sample(names[:index], min(index, rng.randint(0, 3))) for index in range(len(names))]
    return job(*(task(name, *up) for name, up in zip(names, ups, strict=True)))


def one_line(value: Any) -> Any:
    """The same with every text on one line: asl-validator takes a text of several lines, such as SQL, for no text."""
    match value:
        case str():
            return value.replace("\n", " ")
        case list():
            return [one_line(item) for item in value]
        case dict():
            return {key: one_line(item) for key, item in value.items()}
    return value


def main(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, definition in definitions():
        (folder / f"{name}.json").write_text(json.dumps(one_line(definition)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
