"""``python -m elt_redshift.testing``: chaos, or one schedule of it again."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial

from elt_redshift.exceptions import EltError
from elt_redshift.job.model import EltJob
from elt_redshift.testing import samples
from elt_redshift.testing.schedules import Outcome, run
from elt_redshift.testing.subject import Subject

#: So many schedules are simulated at once by a process.
_CHUNK = 200

#: So many failing schedules are shown.
_SHOWN = 10


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; 1 where a schedule broke a rule."""
    given = _parser().parse_args(arguments)
    try:
        if given.seed is not None:
            return _replay(given.job, given.seed)
        return _chaos(given)
    except EltError as error:
        print(error, file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m elt_redshift.testing", description=__doc__)
    parser.add_argument("--job", help="a job's name, folder or job.yaml (default: the sample jobs)")
    parser.add_argument("--schedules", type=int, default=1000, help="how many (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the first one's seed (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="replay the schedule of this seed, and tell what happens in it")
    parser.add_argument("--processes", type=int, default=1, help="side by side (default: %(default)s)")
    return parser


@cache
def _only(job: str) -> Subject:
    return Subject.of(EltJob.load(job))


def _subject(job: str | None, seed: int) -> Subject:
    return _only(job) if job else samples.of_seed(seed)


def _replay(job: str | None, seed: int) -> int:
    outcome = run(_subject(job, seed), seed, traced=True)
    print(*outcome.trace, *_told(outcome), sep="\n")
    return bool(outcome.findings)


def _told(outcome: Outcome) -> Iterator[str]:
    yield f"seed {outcome.seed}, job {outcome.job}: {'; '.join(map(str, outcome.moves))}"
    yield from (f"  {finding}" for finding in outcome.findings)


def _chaos(given: argparse.Namespace) -> int:
    begun, counts, schedules, broken = time.monotonic(), Counter[str](), 0, 0
    for outcome in _outcomes(given):
        schedules += 1
        counts.update({finding.rule for finding in outcome.findings})
        counts["held"] += outcome.held
        broken += bool(outcome.findings)
        if outcome.findings and broken <= _SHOWN:
            print(*_told(outcome), sep="\n")
            print(f"  python -m elt_redshift.testing{f' --job {given.job}' if given.job else ''} --seed {outcome.seed}")
    print(f"{schedules / (time.monotonic() - begun) * 60:,.0f} schedules a minute")
    print(summary(schedules, counts))
    return any(count for rule, count in counts.items() if rule != "held")


def summary(schedules: int, counts: Counter[str]) -> str:
    """The last line."""
    rules = {"double owner": "double owners", "stuck": "stuck", "lost": "lost", "twice": "twice"}
    told = [f"{word} {counts[rule]}" for rule, word in {**rules, "unrecorded": "unrecorded"}.items()]
    return ", ".join([f"schedules {schedules}", *told, f"held as unknowable {counts['held']}"])


def _outcomes(given: argparse.Namespace) -> Iterable[Outcome]:
    seeds = range(given.first, given.first + given.schedules)
    chunks = [seeds[at : at + _CHUNK] for at in range(0, len(seeds), _CHUNK)]
    simulate = partial(_simulated, given.job)
    if given.processes == 1:
        for chunk in chunks:
            yield from simulate(chunk)
        return
    with ProcessPoolExecutor(given.processes) as pool:
        for outcomes in pool.map(simulate, chunks):
            yield from outcomes


def _simulated(job: str | None, seeds: range) -> list[Outcome]:
    return [run(_subject(job, seed), seed) for seed in seeds]


if __name__ == "__main__":
    sys.exit(main())
