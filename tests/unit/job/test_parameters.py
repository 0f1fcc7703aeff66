"""The values of a job's parameters."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from elt_redshift import EltJob, Parameter
from elt_redshift.exceptions import JobError
from elt_redshift.job.parameters import as_text, in_utc, rendered
from elt_redshift.job.parts import PARAMETER_TYPES

NOON = datetime(1998, 1, 1, 12, tzinfo=UTC)

#: Of each type: a value, and the text by which it reaches the SQL.
FITTING: dict[str, list[tuple[object, str]]] = {
    "text": [("1998", "1998"), ("True", "True"), (" ", " ")],
    "integer": [("1998", "1998"), (1998, "1998"), ("-007", "-007"), ("+5", "+5"), (0, "0")],
    "number": [("1.50", "1.50"), (1.5, "1.5"), (2, "2"), ("-.5", "-.5"), (1e-7, "1e-7"), ("3.", "3.")],
    "boolean": [(True, "true"), ("False", "false"), ("true", "true")],
    "date": [
        ("1998-12-31", "1998-12-31"),
        (date(1998, 12, 31), "1998-12-31"),
        (datetime(1998, 12, 31, tzinfo=UTC), "1998-12-31"),
    ],
    "timestamp": [
        ("1998-12-31T23:59:59Z", "1998-12-31T23:59:59Z"),
        ("1998-12-31 23:59", "1998-12-31 23:59"),
        (datetime(1998, 12, 31, 1, tzinfo=UTC), "1998-12-31T01:00:00+00:00"),
    ],
}
#: Of each type: what is none of it.
UNFITTING: dict[str, list[object]] = {
    "text": [1998, True, None, date(1998, 1, 1)],
    "integer": ["", "1.0", 1.5, 10**15, True, "1e3", "1 ", "١", 10**400, None],
    "number": ["", "nan", float("nan"), float("inf"), True, "1,5", None],
    "boolean": ["", "yes", 1, 0, None],
    "date": [
        "",
        "1998-13-01",
        "19981231",
        "1998-W01-1",
        "1998-12-31T00:00",
        datetime(1998, 1, 1, 12, tzinfo=UTC),
        1998,
        None,
    ],
    "timestamp": ["", "1998-12-31", "1998-12-31T25:00", "now", date(1998, 1, 1), 1998, None],
}


def test_the_tables_have_every_type() -> None:
    """No type goes untested."""
    assert set(FITTING) == set(UNFITTING) == set(PARAMETER_TYPES)


@pytest.mark.parametrize(("kind", "value", "text"), [(k, v, t) for k, all_ in FITTING.items() for v, t in all_])
def test_a_value_reaches_the_sql_as_text(kind: Any, value: object, text: str) -> None:
    """Texts and native objects of a type become the same text, which is of that type too."""
    assert as_text(kind, value) == text
    assert as_text(kind, text) == text


@pytest.mark.parametrize(("kind", "value"), [(k, v) for k, all_ in UNFITTING.items() for v in all_])
def test_what_is_not_of_a_type_has_no_text(kind: Any, value: object) -> None:
    """Nothing is guessed, cut or rounded to make a value fit."""
    assert as_text(kind, value) is None


def _job() -> EltJob:
    region = Parameter(name="region", default="ASIA", choices=("AFRICA", "ASIA"))
    parameters = [region, Parameter(name="year", type="integer"), Parameter(name="full", type="boolean")]
    job = EltJob(job_id="1", name="small", parameters=parameters)
    job.task("a", statement="select :region, :year, :full")
    return job.validate()


def test_values_come_as_text() -> None:
    """A start gets texts, whatever was given."""
    assert _job().values({"year": 1998, "full": True}) == {"region": "ASIA", "year": "1998", "full": "true"}


def test_values_that_do_not_fit_are_told_at_once() -> None:
    """A wrong type and a value that is no choice are refused by name, all in one."""
    with pytest.raises(JobError) as raised:
        _job().values({"year": "next", "full": "yes", "region": "ASIEN"})
    assert [str(problem) for problem in raised.value.problems] == [
        "job small: parameters.region: The value of 'region' is 'ASIEN', not one of its choices. Did you mean 'ASIA'?",
        "job small: parameters.year: The value of 'year' is 'next', not an integer. Give digits, such as 1998.",
        "job small: parameters.full: The value of 'full' is 'yes', not a boolean. Give true or false.",
    ]


def test_templates_that_render_native_objects_give_texts() -> None:
    """What a native template made a number of is text again where the parameter is text, and nowhere else."""
    given = rendered(_job().parameters, {"region": 7, "year": 1998, "unknown": None})
    assert given == {"region": "7", "year": 1998, "unknown": None}


def test_a_timestamp_without_offset_is_in_utc() -> None:
    """As Redshift's sessions take it by default."""
    assert in_utc("1998-12-31 23:59") == "1998-12-31T23:59:00+00:00"
    assert in_utc("1998-12-31T23:59:00+02:00") == "1998-12-31T23:59:00+02:00"


VECTORS = json.loads(Path(__file__).with_name("parameter_values.json").read_text())


def test_the_vectors_have_every_type() -> None:
    """What Python and the state machine are both held to covers all that there is."""
    assert set(VECTORS) == set(PARAMETER_TYPES)


@pytest.mark.parametrize("kind", PARAMETER_TYPES)
def test_values_of_a_start_are_judged_by_the_vectors(kind: Any) -> None:
    """What JSON gives is bound as the vectors say, or refused."""
    parameter = Parameter(name="p", type=kind)
    job = EltJob(job_id="1", name="small", parameters=[parameter])
    assert [(value, job.values({"p": value})["p"]) for value, _ in VECTORS[kind]["text"]] == [
        (value, text) for value, text in VECTORS[kind]["text"]
    ]
    for value in VECTORS[kind]["refused"]:
        with pytest.raises(JobError):
            job.values({"p": value})


def test_numbers_in_a_job_keep_their_digits() -> None:
    """Nobody has rounded what stands in a job; only a number that was sent may have lost digits."""
    job = EltJob(job_id="1", name="small", parameters=[Parameter(name="p", type="integer", default=10**20)])  # type: ignore[arg-type]
    assert job.values() == {"p": str(10**20)}
    with pytest.raises(JobError, match="a number that JSON may have rounded"):
        job.values({"p": 10**15})


def test_parameters_are_names_and_values() -> None:
    """A list is no mapping, whoever gives it."""
    with pytest.raises(JobError, match="Give names and values"):
        _job().values(["year"])  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [["a"], {"a": 1}, None])
def test_objects_are_no_texts(value: object) -> None:
    """A list that a template gave is refused, and not written out as Python would."""
    assert rendered(_job().parameters, {"region": value}) == {"region": value}
    with pytest.raises(JobError):
        _job().values(rendered(_job().parameters, {"region": value, "year": 1, "full": True}))
