"""DAGs of many shapes in a real Airflow: with the audit lock, tasks and runs end as they do without one.

One scheduler runs them all, beside each other. test_shapes_by_version.py runs the same shapes on older versions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import pytest

from elt_redshift.local import process
from tests.e2e import airflow_processes
from tests.e2e.airflow_processes import Airflow, Run, wait_for
from tests.e2e.shaped import ENGINES, JOBS, NAMES, Ended, Ground, check_like_plain
from tests.local.conftest import client_factory
from tests.servers import embedded_aws

pytestmark = pytest.mark.exhaustive


def _time_out(run: Run) -> None:
    """As if the run had begun long ago."""
    run.airflow.database.execute(
        "update dag_run set start_date = '2020-01-01 00:00:00+00' where run_id = %s", run.run_id
    )


#: When somebody ends a run of the shape: once task ``a`` is in that state; and how.
DRIVEN: dict[str, tuple[str, Callable[[Run], None]]] = {
    "run_failed_in_its_first_task": ("running", Run.fail),
    "run_failed_in_its_last_task": ("running", Run.fail),
    "run_failed_before_a_retry": ("up_for_retry", Run.fail),
    "run_failed_in_sql": ("deferred", Run.fail),
    "run_succeeded": ("running", Run.succeed),
    "task_failed": ("running", partial(Run.fail_task, task_id="a")),
    "run_timed_out": ("running", _time_out),
}
PLAIN = [f"{name}_plain" for name in [*DRIVEN, *NAMES, *JOBS]]
DAGS = [*DRIVEN, *PLAIN, *NAMES, *(f"{job}_{engine}" for job in JOBS for engine in ENGINES)]


@dataclass(frozen=True)
class World:
    """Airflow with all DAGs, and the ground that it stands on."""

    airflow: Airflow
    ground: Ground

    def run(self, dag_id: str) -> Run:
        """A run that has ended."""
        run = self.airflow.trigger(dag_id)
        run.wait()
        return run


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("shapes")
    with embedded_aws() as aws:
        ground = Ground(folder, client_factory(aws.endpoint), apart=True)
        with airflow_processes.running(folder / "airflow", ground.dags, process.environment(aws)) as airflow:
            airflow.wait_for_dags(*DAGS)
            yield World(airflow, ground)


@pytest.fixture(scope="module")
def ended(world: World) -> dict[str, Ended]:
    """How the run of each DAG ended; all run beside each other."""
    runs = {name: world.airflow.trigger(name) for name in DAGS}
    _end(world.airflow, {name: run for name, run in runs.items() if name.removesuffix("_plain") in DRIVEN})
    return {name: Ended(run.wait(), run.instances()) for name, run in runs.items()}


def _end(airflow: Airflow, waiting: dict[str, Run]) -> None:
    """End runs in the way that their names tell, each when it is there; one question looks at all of them."""

    def act() -> bool:
        which = {"dag_ids": list(waiting), "task_ids": ["a"]}
        for task in airflow.call("POST", "/dags/~/dagRuns/~/taskInstances/list", which)["task_instances"]:
            state, end = DRIVEN[task["dag_id"].removesuffix("_plain")]
            if task["state"] == state:
                end(waiting.pop(task["dag_id"]))
        return not waiting

    wait_for(act, f"the tasks in which somebody ends the runs of {list(waiting)}")


@pytest.mark.parametrize("name", NAMES)
def test_a_run_with_a_lock_ends_as_one_without(ended: dict[str, Ended], name: str) -> None:
    """Its state and those of its tasks are the plain DAG's, and the lock is given back."""
    check_like_plain(ended[name], ended[f"{name}_plain"])


@pytest.mark.parametrize("name", sorted(DRIVEN.keys() - {"run_timed_out"}))
def test_a_run_that_somebody_ends_is_what_they_said(ended: dict[str, Ended], name: str) -> None:
    """Its state is theirs, those of its tasks are the plain DAG's, and the lock is given back. (Of a plain run that is
    marked as failed, the scheduler may make a success in the same moment, by its last task, which is skipped.)"""
    state = "success" if name == "run_succeeded" else "failed"
    assert ended[name].state == state
    check_like_plain(ended[name], Ended(state, ended[f"{name}_plain"].tasks))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("job", JOBS)
def test_a_job_ends_as_plain_operators(ended: dict[str, Ended], job: str, engine: str) -> None:
    """Either engine shows what a DAG of the job's SQL would show."""
    check_like_plain(ended[f"{job}_{engine}"], ended[f"{job}_plain"])


def test_a_run_that_takes_too_long_ends_as_one_without(ended: dict[str, Ended]) -> None:
    """Airflow fails it and skips what has not ended, the lock's teardown too; its lease runs out."""
    assert ended["run_timed_out"].work == ended["run_timed_out_plain"]


@pytest.mark.usefixtures("ended")
def test_no_lock_is_left_running(world: World) -> None:
    """Whatever a run came to, it gave its locks back, or holds them as failed; but for the one that took too long."""
    left = {item.job_id for item in world.ground.audit.items() if item.state == "Running"}
    assert left <= {"run_timed_out"}


@pytest.mark.usefixtures("ended")
@pytest.mark.parametrize(
    ("job_id", "task", "message"),
    [
        ("failure", "a", "ValueError: no"),
        ("mapped_failure", "a", "ValueError: no"),
        ("nested_locksinner", "b", "ValueError: no"),
        ("sql_failure", "a", "ERROR: division by zero"),
        ("templated_templated", "b", "ERROR: division by zero"),
        ("failure_before_the_lock", "extract", "its log says why"),
    ],
)
def test_the_item_says_what_failed(world: World, job_id: str, task: str, message: str) -> None:
    """The audit item names the task that failed, and what it raised or Redshift said."""
    item = world.ground.item(job_id)
    assert (item.state, item.failed_task) == ("Failed", task)
    assert item.failure_message == message


@pytest.mark.usefixtures("ended")
@pytest.mark.parametrize(
    ("dag_id", "first"), [("failure", "acquire_lock"), ("bad_native", "acquire_lock"), ("bad_mirrors", "a")]
)
def test_a_run_that_meets_a_failure_fails(world: World, dag_id: str, first: str) -> None:
    """Its first task says which failure it is; nothing behind it runs."""
    run = world.run(dag_id)
    assert run.state == "failed"
    states = run.states()
    assert states.pop(first) == "failed"
    assert {state for task, state in states.items() if task != "start_execution"} == {"upstream_failed"}
    assert "is held by a failed run: task " in run.log(first)


@pytest.mark.usefixtures("ended")
@pytest.mark.parametrize("dag_id", ["success", "good_native", "good_mirrors"])
def test_a_run_that_meets_a_running_job_is_skipped(world: World, dag_id: str) -> None:
    """All that it would do is skipped, and the run is a success."""
    job = dag_id.partition("_")[0]
    audit = world.ground.jobs["good"].audit if dag_id == "good_mirrors" else world.ground.audit
    audit.acquire(job, "another", timedelta(hours=1))
    run = world.run(dag_id)
    audit.release(job, "another")
    assert run.state == "success"
    assert {state for task, state in run.states().items() if task != "start_execution"} == {"skipped"}
