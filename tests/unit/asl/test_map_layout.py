"""Which layout a job gets, and what stands in the job file."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from elt_redshift.asl import assembly, bounds, jobfile
from elt_redshift.asl.bounds import MAX_WAITERS
from elt_redshift.asl.compiler import compile_job
from elt_redshift.asl.target import Target
from elt_redshift.exceptions import JobError
from elt_redshift.job.model import EltJob, SqlTask

from .jobs import JOBS, task


def sized(count: int, timeout: timedelta | None = None, **more: Any) -> EltJob:
    """A job of so many tasks beside each other."""
    tasks = [task(f"t{number}", timeout=timeout) for number in range(count)]
    return EltJob(job_id="101", name="sample", tasks=tasks, **more)


#: As long as a statement may nearly be.
LONG = f"select '{'x' * 95_000}'"


@pytest.mark.parametrize(
    ("job", "layout"),
    [
        (sized(80), "unrolled"),
        (sized(1), "unrolled"),
        (sized(50, on_task_failure="finish_independent"), "unrolled"),
        (sized(100, on_task_failure="finish_independent"), "parts"),
        (sized(1, layout="map"), "map"),
        (sized(200), "unrolled"),
        (sized(400), "parts"),
        (sized(400, fence=True), "parts"),
        (sized(501), "map"),
        (EltJob(job_id="1", name="long", tasks=[task(f"t{number}", sql=(LONG,)) for number in range(10)]), "parts"),
        (
            EltJob(
                job_id="1", name="slow", tasks=[task(f"t{number}", timeout=timedelta(hours=24)) for number in range(2)]
            ),
            "unrolled",
        ),
        (sized(2, on_task_failure="finish_independent", timeout=timedelta(hours=24)), "parts"),
        (sized(200, audit_store="redshift"), "parts"),
        (sized(200, runtime="lambda", timeout=timedelta(minutes=5)), "map"),
    ],
    ids=[
        *(
            "eighty",
            "one",
            "held_back",
            "many_held_back",
            "asked_for",
            "many",
            "too_many",
            "too_many_with_a_fence",
            "crowded",
            "long_sql",
            "long_running",
        ),
        *("long_running_held_back", "audit_in_redshift", "functions"),
    ],
)
def test_a_job_is_unrolled_while_that_fits(job: EltJob, layout: str) -> None:
    """Definition and history decide, unless the job does; what fits only with statements that are followed is. What
    fits no definition is cut into parts, unless it asks for what these do not do."""
    machine = compile_job(job)
    assert bool(machine.parts) == (layout == "parts")
    assert bool(machine.job_file) == (layout == "map")


def test_what_would_be_too_many_parts_gets_the_map_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is told by few of its tasks: the states of the others are never made."""
    made: list[str] = []
    one = assembly._Assembly.one

    def noted(self: Any, name: str, following: str | None) -> Any:
        made.append(name)
        return one(self, name, following)

    monkeypatch.setattr(assembly._Assembly, "one", noted)
    monkeypatch.setattr(bounds, "MAX_PARTS", 1)
    large = sized(450)
    assert compile_job(large).job_file
    assert len(made) < 10
    monkeypatch.setattr(bounds, "MAX_PARTS", 2)
    assert len(compile_job(large).parts) == 2


@pytest.mark.parametrize(
    ("job", "follows"),
    [
        (sized(80), False),
        (sized(200), True),
        (sized(2, timeout=timedelta(hours=24)), True),
        (sized(400), True),
        (sized(501), False),
    ],
    ids=["eighty", "many", "long_running", "too_many", "crowded"],
)
def test_statements_are_followed_where_the_job_fits_only_so(job: EltJob, follows: bool) -> None:
    """Because of its definition, or of its history; a small job has all its states itself. The stack of a job that has
    outgrown that keeps the follower, for the runs that are under way then."""
    machine = compile_job(job)
    assert machine.follows == follows
    assert machine.has_follower == (follows or machine.job_file is not None)


@pytest.mark.parametrize("job", [sized(130), sized(200), JOBS["models"]], ids=["limit", "many", "models"])
def test_the_layout_does_not_depend_on_the_target(job: EltJob) -> None:
    """A template, a validation and a reader of the same job see the same layout."""
    long = Target(partition="aws-us-gov", long_polling=False)
    assert (compile_job(job).job_file is None) == (compile_job(job, long).job_file is None)


def test_unrolled_by_force_is_refused_where_it_does_not_fit() -> None:
    """The error names the size, the limit and the remedy."""
    with pytest.raises(JobError, match=r"takes at most 1,048,576\. Leave out `layout: unrolled`"):
        compile_job(sized(400, layout="unrolled"))


def test_a_task_tells_so_many_others_at_most() -> None:
    """The child that tells them has a history of its own, with its own limit."""
    tasks = [task("hub"), *(task(f"t{number}", "hub") for number in range(MAX_WAITERS + 1))]
    with pytest.raises(JobError, match=r"tasks\.hub: 1,501 tasks wait for it directly, and it can tell at most 1,500"):
        compile_job(EltJob(job_id="101", name="sample", layout="map", tasks=tasks))


def file_of(*tasks: SqlTask, **more: Any) -> dict[str, jobfile.Item]:
    job = EltJob(job_id="101", name="sample", tasks=tasks, layout="map", **more)
    return {item["name"]: item for item in compile_job(job).job_file or ()}


def test_items_stand_behind_those_that_they_wait_for() -> None:
    """Of any number of children that are started first, one can always go on."""
    names = list(file_of(task("d", "b", "c"), task("c", "a"), task("b", "a"), task("a")))
    assert names[0] == "a"
    assert names[-1] == "d"


def test_edges_that_others_imply_are_no_joins() -> None:
    """c waits for b alone, which waits for a."""
    items = file_of(task("a"), task("b", "a"), task("c", "a", "b"))
    assert {name: item["awaited"] for name, item in items.items()} == {"a": 0, "b": 1, "c": 1}
    assert items["a"]["waiters"] == [{"waiter": "b", "awaited": 1}]
    assert items["c"]["waiters"] == []


def test_lanes_are_joins_like_others() -> None:
    """max_active_statements holds in the map layout too."""
    items = file_of(task("a"), task("b"), task("c"), max_active_statements=1)
    assert [item["awaited"] for item in items.values()] == [0, 1, 1]


@pytest.mark.parametrize(("few", "many"), [(1, 28), (100, 300)])
def test_the_definition_is_the_same_for_every_graph(few: int, many: int) -> None:
    """Only the job file grows; and once, where more tasks can begin at once than the Data API takes."""
    small, large = (compile_job(sized(count, layout="map")) for count in (few, many))
    assert small.definition() == large.definition()
    assert len(large.job_file or ()) == many


def test_tasks_have_turns_where_they_would_be_throttled() -> None:
    """Those of a second come at once, the others at the rate that the Data API takes, less what is left to others; with
    statements in batches, at theirs. Few tasks have none, nor has one that waits for others."""
    whole = compile_job(sized(31, layout="map")).job_file or []
    assert [item["start"] for item in whole] == [0] * 29 + [1.02, 1.05]
    assert not any("start" in item for item in compile_job(sized(28, layout="map")).job_file or [])
    batches = compile_job(sized(40, layout="map", fence=True)).job_file or []
    assert [item["start"] for item in batches[18:22]] == [0, 0, 1.05, 1.11]
    chains = file_of(*(one for number in range(40) for one in (task(f"a{number}"), task(f"b{number}", f"a{number}"))))
    assert {item["start"] for name, item in chains.items() if name.startswith("b")} == {0}
    assert max(item["start"] for item in chains.values()) > 1.4


def test_no_more_children_are_started_than_leave_as_many_statements_as_may_be_active() -> None:
    """Of tasks without upstreams; those that wait for others stand first, and never fill all places, so that one can go
    on in whichever order they are started. Where that would be no cap, or the lock has to be taken by each, there is
    none."""

    def of(roots: int, waiting: int = 0, **more: Any) -> tuple[int, list[jobfile.Item]]:
        tasks = [task(f"t{number}") for number in range(roots)]
        tasks += [task(f"w{number}", f"t{number % 400}") for number in range(waiting)]
        machine = compile_job(EltJob(job_id="101", name="sample", tasks=tasks, layout="map", **more))
        return machine.definition()["States"]["run tasks"]["MaxConcurrency"], machine.job_file or []

    assert [of(500)[0], of(501)[0], of(501, fence=True)[0]] == [10_000, 500, 10_000]
    most, file = of(600, 3)
    assert most == 503
    assert {item["name"] for item in file[:3]} == {"w0", "w1", "w2"}
    assert [item["start"] for item in file[3:]] == sorted(item["start"] for item in file)[3:]
    assert of(501, 9_500)[0] == 10_000
