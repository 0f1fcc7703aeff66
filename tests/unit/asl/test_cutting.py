"""A job is cut into parts that are small enough, by what a few of its tasks tell."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from elt_redshift.asl import assembly, bounds, cutting
from elt_redshift.asl.compiler import PASSES, compile_job
from elt_redshift.exceptions import JobError
from elt_redshift.job.model import EltJob

from .jobs import job, task


def _woven(count: int, **more: Any) -> EltJob:
    """Tasks with SQL and names of many lengths, most of which wait for several."""
    made = [
        task(
            f"t{number}{'_long' * (number % 9)}",
            *(f"t{up}{'_long' * (up % 9)}" for up in {number // 2, number // 3} if number > 9),
            sql=(f"insert into t select {number}\n" * (1 + number % 40),),
        )
        for number in range(count)
    ]
    return job(*made, layout="parts", **more)


@pytest.mark.parametrize("count", [60, 200])
def test_weights_are_about_what_the_states_take(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all tasks together, though the states of a few were made only; and no part is too large by that."""
    monkeypatch.setattr(cutting, "AUTO_DEFINITION", 300_000)
    reading = PASSES.read(_woven(count))
    weights = cutting.weights(reading.job, reading.graph, reading.prints, None)
    machines = compile_job(reading.job).parts
    sizes = [bounds.size(machine.definition()) for machine in machines]
    assert max(sizes) <= 300_000
    assert sum(weights.values()) == pytest.approx(sum(sizes) / 300_000, rel=0.1)
    assert len(machines) < cutting.parts_of(weights) + 2


def test_the_states_of_a_task_are_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Besides those of the few that tell how large they are."""
    made: Counter[str] = Counter()
    one = assembly._Assembly.one

    def counted(self: Any, name: str, following: str | None) -> Any:
        made[name] += 1
        return one(self, name, following)

    monkeypatch.setattr(assembly._Assembly, "one", counted)
    assert len(compile_job(_woven(200)).parts) > 1
    assert len(made) == 200
    assert made.total() < 300


def test_what_parts_do_not_do_is_refused_with_a_way_out() -> None:
    """By the name of the job, the key and what to leave out."""
    with pytest.raises(JobError) as refused:
        compile_job(job(task("a", timeout=timedelta(minutes=5)), layout="parts", runtime="lambda"))
    assert str(refused.value) == (
        "job sample: layout: jobs in parts have no `runtime: lambda`. "
        "Leave it out; or leave out `layout: parts`, so that another layout is chosen, which has it."
    )
