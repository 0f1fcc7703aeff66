"""The plan of a job, and its picture."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from random import Random
from xml.etree import ElementTree

import pytest

from elt_redshift.asl.compiler import compile_job
from elt_redshift.asl.estimates import Limit
from elt_redshift.asl.picture import draw
from elt_redshift.asl.plan import Plan, make_plan
from elt_redshift.job.model import EltJob

from .jobs import JOBS, job, task

IMAGES = Path(__file__).parents[3] / "docs" / "images"

#: The pictures of docs/graphs.md.
DRAWN = {
    "nested": ("a", "b a", "c a", "d b c"),
    "joins": ("a", "b", "c a b", "d b"),
    "lanes": ("a", "b", "c", "d"),
    "models": (
        "stg_orders",
        "stg_customers",
        "stg_items",
        "int_baskets stg_orders stg_items",
        "int_customers stg_customers stg_orders",
        "int_prices stg_items",
        "dim_customer int_customers",
        "dim_item int_prices",
        "fct_sales int_baskets int_prices dim_customer",
        "fct_returns int_baskets dim_item",
        "mart_revenue fct_sales dim_item",
        "mart_churn dim_customer fct_returns",
    ),
}


def planned(made: EltJob, **recorded: float) -> Plan:
    return make_plan(compile_job(made), recorded)


def drawn(name: str) -> str:
    tasks = [task(*words.split(), expected=timedelta(minutes=1 + turn % 3)) for turn, words in enumerate(DRAWN[name])]
    made = EltJob(job_id="1", name=name, tasks=tasks, max_active_statements=2 if name == "lanes" else None)
    return draw(planned(made))


def random_job(count: int) -> EltJob:
    rng, names = Random(count), [f"a_model_with_a_name_that_is_long_{number}" for number in range(count)]
    return job(
        *(
            task(name, *rng.sample(names[max(0, number - 20) : number], min(number, rng.randint(0, 3))))
            for number, name in enumerate(names)
        )
    )


def test_the_expected_times_make_the_makespan() -> None:
    """c waits for a and b; the way by b is the longest, and what nobody expects takes a minute."""
    made = job(task("a", expected=timedelta(seconds=10)), task("b"), task("c", "a", "b", expected=timedelta(hours=1)))
    plan = planned(made)
    assert (plan.makespan, plan.critical_path, plan.ratio) == (3660, 3660, 1)
    assert plan.critical_tasks == ("b", "c")
    assert [one.source for one in plan.tasks] == ["expected", "guess", "expected"]


def test_a_guess_is_not_longer_than_the_timeout() -> None:
    """A task of at most ten seconds is not guessed to take a minute."""
    assert planned(job(task("a", timeout=timedelta(seconds=10)))).makespan == 10


def test_recorded_times_win() -> None:
    """Tasks that an execution did not run keep their expected times."""
    plan = planned(JOBS["n"], a=5.0, b=100.0)
    assert plan.critical_tasks == ("b", "c")
    assert (plan.makespan, [one.source for one in plan.tasks]) == (160, ["recorded", "recorded", "guess", "guess"])


def test_a_cap_shows_as_a_ratio() -> None:
    """Four tasks of a minute on two lanes take twice the critical path."""
    assert planned(job(*map(task, "abcd"), max_active_statements=2)).ratio == 2


@pytest.mark.parametrize(
    ("name", "used", "fewest"), [("diamond", 0, 0), ("n", 1, 1), ("models", 7, 7), ("map", 4, 0), ("event", 0, 0)]
)
def test_joins_are_counted(name: str, used: int, fewest: int) -> None:
    """In the map layout every edge is one, where branches could do with fewer."""
    plan = planned(JOBS[name])
    assert (plan.joins, plan.fewest_joins) == (used, fewest)


@pytest.mark.parametrize(
    ("made", "layout", "why"),
    [
        (JOBS["chain"], "unrolled", "fits the limits"),
        (JOBS["map"], "map", "layout: map"),
        (JOBS["finish_independent"], "unrolled", "finish_independent"),
        (job(*(task(f"t{number}", sql=(f"select '{'x' * 9000}'",)) for number in range(100))), "map", "larger than"),
        (job(*(task(f"t{number}", timeout=timedelta(hours=20)) for number in range(20))), "map", "history events"),
    ],
    ids=["fits", "map", "finish_independent", "definition", "history"],
)
def test_the_plan_says_why_a_layout_was_chosen(made: EltJob, layout: str, why: str) -> None:
    """By the job, by another of its keys, or by the limit that the unrolled layout would break."""
    plan = planned(made)
    assert plan.layout == layout
    assert why in plan.why


@pytest.mark.parametrize("name", JOBS)
def test_a_plan_is_plain_data(name: str) -> None:
    """It survives JSON; costs are those of the transitions; further limits stand behind the others."""
    plan = make_plan(compile_job(JOBS[name]), more=[Limit("template", 1, 2, "bytes")])
    data = json.loads(json.dumps(plan.to_dict()))
    assert data["runs"]["best"]["usd"] == pytest.approx(data["runs"]["best"]["transitions"] * 0.000025)
    assert data["limits"][-1] == {"name": "template", "used": 1, "allowed": 2, "unit": "bytes", "where": "", "left": 1}
    assert [one["name"] for one in data["tasks"]] == list(JOBS[name].task_names)


@pytest.mark.parametrize("count", [1, 3, 40, 200])
def test_nothing_in_a_picture_overlaps(count: int) -> None:
    """Boxes have places of their own; every text fits its box and is whole in a tooltip; the XML is valid."""
    plan = planned(random_job(count))
    assert len({(one.lane, one.level) for one in plan.tasks}) == count
    groups = ElementTree.fromstring(draw(plan)).findall("{*}g")
    assert [group.findtext("{*}title", "").partition(":")[0] for group in groups] == [one.name for one in plan.tasks]
    for group in groups:
        box = group.find("{*}rect")
        assert box is not None
        assert all(len(text.text or "") * 7 < float(box.attrib["width"]) for text in group.findall("{*}text"))


def test_a_picture_shows_joins_and_the_critical_path() -> None:
    """The one join of the N is dashed, and of its edges the one from b to c is emphasized."""
    picture = draw(planned(JOBS["n"], b=90.0))
    edges = re.findall(r'<path d="M\d+ \d+ C[^>]*>', picture)
    assert [("dasharray" in edge, 'width="2.5"' in edge) for edge in edges].count((True, True)) == 1
    assert len(edges) == 3


@pytest.mark.parametrize("name", DRAWN)
def test_the_pictures_of_the_documentation_are_up_to_date(name: str) -> None:
    """docs/images holds what is drawn now; after a change, write it anew with `python -m tests.unit.asl.test_plan`."""
    assert (IMAGES / f"{name}.svg").read_text(encoding="utf-8") == drawn(name)


if __name__ == "__main__":
    for image in DRAWN:
        (IMAGES / f"{image}.svg").write_text(drawn(image), encoding="utf-8")
