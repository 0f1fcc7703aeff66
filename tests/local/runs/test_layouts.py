"""A job that is, or becomes, so large or so small that it gets another layout, with a run under way."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from elt_redshift.asl.compiler import compile_job
from elt_redshift.aws.moving import MovingError
from elt_redshift.job.model import EltJob, LockPolicy
from elt_redshift.job.parts import SqlTask
from tests.cases import exhaustive
from tests.local.runs.conftest import Barrier
from tests.unit.asl.jobs import job, task

from .test_following import _end_under_another_layout
from .test_layouts_read import CHANGES, in_layout
from .test_resuming import resume
from .test_tasks import Deploy


def _pair(barrier: Barrier, ledger: str, **more: Any) -> EltJob:
    """The second task waits for the first, which waits for the barrier."""
    noted = f"insert into {ledger} values ('b')"
    return job(task("a", sql=(barrier.pass_,)), task("b", "a", sql=(noted,)), **more)


def test_a_run_of_the_map_layout_ends_well_when_its_stack_gets_parts(
    deploy: Deploy, barrier: Barrier, ledger: str
) -> None:
    """The next run is one in parts."""
    waiting = LockPolicy(when_locked="wait")
    deployed = deploy(_pair(barrier, ledger, layout="map", lock=waiting))
    before, after = _end_under_another_layout(deployed, barrier, _pair(barrier, ledger, layout="parts", lock=waiting))
    assert ("part 1" in before, "part 1" in after) == (False, True)
    assert deployed.ran(ledger) == Counter(b=2)


@pytest.mark.parametrize(("before", "after"), exhaustive(CHANGES, [("parts", "map"), ("map", "unrolled")]))
def test_a_failed_run_goes_on_when_its_stack_has_got_another_layout(
    deploy: Deploy, ledger: str, before: str, after: str
) -> None:
    """What its tasks did is found by the statements where the machines that ran them are gone: each task runs once."""
    missing = f"{ledger}_missing"

    def tasks(table: str) -> list[SqlTask]:
        into = {"a": ledger, "b": table, "c": ledger}
        return [
            task(name, *ups, sql=(f"insert into {into[name]} values ('{name}')",)) for name, *ups in ("a", "ba", "cb")
        ]

    with in_layout(before, *tasks(missing)) as made:
        deployed = deploy(made)
    failed = deployed.run()
    assert (failed.status, deployed.ran(ledger)) == ("FAILED", Counter("a"))
    deployed.kept(failed.arn)
    with in_layout(after, *tasks(ledger)) as made:
        deployed.redeploy(made)
        ended, _ = resume(deployed, failed)
    assert ended.status == "SUCCEEDED", ended.cause
    assert deployed.ran(ledger) == Counter("abc")


def test_what_a_run_calls_is_not_taken_from_it(deploy: Deploy, barrier: Barrier, ledger: str) -> None:
    """A deployment that would leave it without is refused while it runs; at its end it is made."""
    deployed = deploy(_pair(barrier, ledger, layout="parts"))
    arn = deployed.start()
    deployed.until_submitted(arn, "a")
    small = job(task("a", sql=("select 1",)))
    told = r"cannot lose machines of parts.* while execution .* runs\. Wait for its end, or stop it"
    with pytest.raises(MovingError, match=told):
        deployed.redeploy(small)
    barrier.open()
    assert deployed.end(arn).status == "SUCCEEDED"
    deployed.redeploy(small)
    assert deployed.run().status == "SUCCEEDED"


@pytest.mark.exhaustive
def test_a_job_too_large_to_be_unrolled_runs_in_parts(deploy: Deploy, ledger: str) -> None:
    """Without being asked, 150 tasks with 4 KB of SQL each, each once."""
    names = [f"t{number}" for number in range(150)]
    padding = f"-- {'x' * 4000}\n"
    tasks = [
        task(
            name,
            *(names[max(0, index - 2) : index] if index % 5 else ()),
            sql=(f"{padding}insert into {ledger} values ('{name}')",),
        )
        for index, name in enumerate(names)
    ]
    made = EltJob(job_id="101", name="sample", tasks=tasks)
    assert len(compile_job(made).parts) == 2
    deployed = deploy(made)
    execution = deployed.run()
    assert (execution.status, execution.cause) == ("SUCCEEDED", None)
    assert {run.status for run in deployed.tasks(execution.arn).values()} == {"succeeded"}
    assert deployed.ran(ledger) == Counter(names)
