"""A job is compiled in passes, each of which is done once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from elt_redshift.asl import compiler
from elt_redshift.asl.compiler import PASSES, Passes, compile_job
from elt_redshift.asl.target import Target
from elt_redshift.exceptions import JobError

from .jobs import JOBS, job, task


@pytest.mark.parametrize("name", ["diamond", "map", "finish_independent", "events"])
def test_each_pass_is_done_once_and_in_order(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the layout, and whether it had to be measured or not."""
    done: list[str] = []

    def counted(one: str) -> Any:
        def run(*given: Any) -> Any:
            done.append(one)
            return getattr(PASSES, one)(*given)

        return run

    monkeypatch.setattr(compiler, "PASSES", Passes(*(counted(one) for one in Passes._fields)))
    compile_job(JOBS[name], Target(partition="aws-cn"))
    assert done == ["read", "arrange", "assemble", "check"]


@pytest.mark.parametrize("name", JOBS)
def test_the_target_counts_from_assembling_on(name: str) -> None:
    """What was arranged once serves every target."""
    arranged = PASSES.arrange(PASSES.read(JOBS[name]))
    for target in (Target(), Target(partition="aws-cn", long_polling=False)):
        machine = PASSES.assemble(arranged, target)
        assert machine.definition() == compile_job(JOBS[name], target).definition()
        assert machine.target == target


@pytest.mark.parametrize("last", ["a", "b"])
@pytest.mark.parametrize("layout", ["unrolled", "parts"])
def test_a_task_stands_behind_the_upstream_that_is_expected_to_end_last(layout: str, last: str) -> None:
    """Then nobody has to be woken, if all take as long as is expected."""
    expected = {"a": timedelta(seconds=5), "b": timedelta(seconds=5), last: timedelta(seconds=50)}
    sources = (task(name, expected=expected[name]) for name in ("a", "b"))
    behind = (task("c", "a", "b"), task("d", "a"), task("e", "b"))
    machine = compile_job(job(*sources, *behind, layout=layout))
    (arrangement,) = [part.arrangement for part in machine.parts] or [machine.arrangement]
    assert arrangement
    assert last not in arrangement.joins["c"]


def test_a_mistake_is_told_by_the_pass_that_finds_it() -> None:
    """A job that is not valid is not read; what is too large is found when it stands there."""
    with pytest.raises(JobError, match="no tasks"):
        PASSES.read(job())
    large = job(
        *(task(f"t{number}", sql=(f"select '{number}{'x' * 90_000}'",)) for number in range(12)), layout="unrolled"
    )
    machine = PASSES.assemble(PASSES.arrange(PASSES.read(large)), Target())
    with pytest.raises(JobError, match="its definition has"):
        PASSES.check(machine)
