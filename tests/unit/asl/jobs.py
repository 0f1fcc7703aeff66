"""Jobs whose definitions are kept under golden/: graphs of every shape, and every policy once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from elt_redshift.job.model import EltJob, LockPolicy, Parameter, SqlStatement, SqlTask
from elt_redshift.job.parts import Retries


def task(
    name: str, *upstream: str, sql: tuple[str, ...] = (), parameters: tuple[str, ...] = (), **more: object
) -> SqlTask:
    """A task with one harmless statement unless ``sql`` gives others."""
    texts = sql or (f"insert into {name} select 1",)
    statements = tuple(
        SqlStatement(text=text, parameters=parameters, place=f"{name}.sql:{line}") for line, text in enumerate(texts, 1)
    )
    return SqlTask(name=name, statements=statements, upstream=upstream, **more)  # type: ignore[arg-type]


def soon(times: int) -> Retries:
    """Retries without the pause that outlasts a conflict."""
    return Retries(times=times, delay=timedelta(seconds=1))


def job(*tasks: SqlTask, **more: Any) -> EltJob:
    return EltJob(job_id="101", name="sample", tasks=tasks, **more)


JOBS: dict[str, EltJob] = {
    "one_task": job(task("a")),
    "chain": job(task("a"), task("b", "a"), task("c", "b")),
    "two_then_one": job(task("a"), task("b"), task("c", "a", "b")),
    "one_then_two": job(task("a"), task("b", "a"), task("c", "a")),
    "side_by_side": job(task("a"), task("b")),
    "diamond": job(task("a"), task("b", "a"), task("c", "a"), task("d", "b", "c")),
    "redundant_edge": job(task("a"), task("b", "a"), task("c", "a", "b")),
    "nested": job(
        task("a"),
        task("b", "a"),
        task("c", "a"),
        task("d", "b"),
        task("e", "b"),
        task("f", "c"),
        task("g", "d", "e", "f"),
    ),
    "two_chains": job(task("a"), task("b"), task("c", "a"), task("d", "b")),
    "complete_bipartite": job(task("a"), task("b"), task("c", "a", "b"), task("d", "a", "b")),
    "written_backwards": job(task("c", "b"), task("b", "a"), task("a")),
    "n": job(task("a"), task("b"), task("c", "a", "b"), task("d", "b")),
    "w": job(task("a"), task("b"), task("c"), task("d", "a", "b"), task("e", "b", "c")),
    "join_behind_a_retry": job(
        task("a", retries=2), task("b", retries=2), task("c", "a", "b", retries=2), task("d", "b")
    ),
    "models": job(
        task("stg_orders"),
        task("stg_customers"),
        task("stg_items"),
        task("int_baskets", "stg_orders", "stg_items"),
        task("int_customers", "stg_customers", "stg_orders"),
        task("int_prices", "stg_items"),
        task("dim_customer", "int_customers"),
        task("dim_item", "int_prices", "stg_items"),
        task("fct_sales", "int_baskets", "int_prices", "dim_customer"),
        task("fct_returns", "int_baskets", "dim_item"),
        task("mart_revenue", "fct_sales", "dim_item"),
        task("mart_churn", "dim_customer", "fct_returns"),
    ),
    "batch_in_a_transaction": job(task("a", sql=("delete from t", "insert into t select 1"))),
    "batch_auto_commit": job(task("a", sql=("vacuum t", "analyze t"), transaction=False)),
    "parameters": job(
        task("a", sql=("delete from t where y = :year and r = :region",), parameters=("year", "region")),
        parameters=(Parameter(name="year", default="1998"), Parameter(name="region")),
    ),
    "retries_and_timeout": job(task("a", retries=2, timeout=timedelta(hours=2))),
    "polling": job(task("a", wait="poll")),
    "event": job(task("a", wait="event")),
    "events": job(
        task("a", wait="event", retries=1),
        task("b", wait="event", sql=("delete from t", "insert into t select 1"), timeout=timedelta(hours=2)),
        task("c", "a", "b", wait="event"),
        task("d", "b"),
    ),
    "fence": job(task("a", retries=2), fence=True),
    "wait_for_the_lock": job(task("a"), lock=LockPolicy(when_locked="wait")),
    "wait_for_a_failure": job(task("a"), lock=LockPolicy(when_locked="fail", when_held="wait")),
    "map": EltJob(
        job_id="101",
        name="sample",
        layout="map",
        parameters={"year": "1998"},
        tasks=(
            task("c", "a", "b", retries=2, timeout=timedelta(hours=2)),
            task("a", sql=("delete from t where y = :year", "insert into t select 1"), parameters=("year",)),
            task("b"),
            task("d", "b", "a"),
        ),
    ),
    "map_finish_independent": job(
        task("a"), task("b"), task("c", "a", "b"), layout="map", on_task_failure="finish_independent"
    ),
    "map_fence": EltJob(job_id="A.b", name="sample", layout="map", fence="etl", tasks=(task("a"),)),
    "map_polling": EltJob(job_id="101", name="sample", layout="map", tasks=(task("a", wait="poll"),)),
    "two_lanes": job(
        task("a"), task("b"), task("c"), task("d", "a"), task("e", "b", "c"), task("f", "c"), max_active_statements=2
    ),
    "finish_independent": job(
        task("a"),
        task("b"),
        task("c", "a", "b"),
        task("d", "b"),
        task("e", "c", "d"),
        on_task_failure="finish_independent",
    ),
    "functions": job(task("a", timeout=timedelta(minutes=5)), runtime="lambda"),
    "map_functions": job(task("a", timeout=timedelta(minutes=5)), layout="map", runtime="lambda"),
    "audit_in_redshift": job(task("a"), lock=LockPolicy(when_locked="wait"), audit_store="redshift"),
    "functions_and_audit_in_redshift": job(
        task("a", timeout=timedelta(minutes=5)), runtime="lambda", audit_store="redshift"
    ),
    "fail_when_locked": job(task("a"), lock=LockPolicy(when_locked="fail", after_failure="release")),
}
