"""Whatever a job.yaml holds, it is read or refused in words; nothing else happens."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from hypothesis import given
from hypothesis import strategies as st

from elt_redshift import EltJob, LockPolicy
from elt_redshift.exceptions import JobError
from elt_redshift.job import keys, schema
from elt_redshift.job.parts import PARAMETER_TYPES
from elt_redshift.protocol.notices import KINDS

_SCRIPT = "select 1; select ':b', :a"
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 10**30),
    st.floats(),
    st.dates(),
    st.text(st.sampled_from("ab:;'\"$/.{}%-\\ \n1h"), max_size=8),
    st.sampled_from(["a", "b", "1h", "select 1", "select :a", "p(:a)", "a.sql", "../a.sql", "skip", "poll"]),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(_SCALARS.filter(lambda key: key == key), inner, max_size=3)
    ),
    max_leaves=6,
)


def _mappings(names: Collection[str], values: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.dictionaries(st.sampled_from([*names]), values, max_size=len(names)) | _VALUES


_TIMES = st.sampled_from(
    ["5 minutes", "0 5 * * ? *", "rate(1 day)", "cron(0 5 * * ? *)", "cron(0 5)", "UTC", "date", "year"]
)
_NAMES = ("a", "b", "c", "A", "release_lock", "x-y")
_KEYS: dict[str, st.SearchStrategy[object]] = {
    "job_id": st.just("101") | _SCALARS,
    "name": st.just("sales") | _SCALARS,
    "description": st.just("What it does") | _VALUES,
    "owner": st.just("ann") | _VALUES,
    "tags": st.just(["sales"]) | _VALUES,
    "parameters": _mappings(_NAMES, _mappings(keys.PARAMETER, _VALUES | st.sampled_from(PARAMETER_TYPES))),
    "tasks": _mappings(_NAMES, _mappings(keys.TASK, _VALUES | _mappings(keys.RETRIES, _VALUES))),
    "lock": _mappings(keys.LOCK, _VALUES),
    "wait": _VALUES,
    "layout": _VALUES,
    "on_task_failure": _VALUES,
    "max_active_statements": _VALUES,
    "schedule": _mappings(keys.SCHEDULE, _VALUES | _TIMES | _mappings(_NAMES, _mappings(["scheduled"], _TIMES)))
    | _TIMES,
    "notify": _mappings(keys.NOTIFY, _VALUES | st.lists(st.sampled_from(KINDS)) | st.just("new")),
    "history_days": _VALUES,
    "fence": st.booleans() | _VALUES,
    "runtime": st.sampled_from(["data_api", "lambda"]) | _VALUES,
    "audit_store": st.sampled_from(["dynamodb", "redshift"]) | _VALUES,
}
_SCHEMA = jsonschema.Draft7Validator(schema.schema())
_JOBS = st.fixed_dictionaries({}, optional=_KEYS)


def _outcome(text: str) -> EltJob | tuple[str, ...]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "job.yaml").write_text(text, "utf-8")
        Path(folder, "a.sql").write_text(_SCRIPT)
        try:
            return EltJob.load(Path(folder))
        except JobError as error:
            return tuple(str(problem) for problem in error.problems)


def _marked(data: dict[str, object]) -> list[object]:
    """What an editor would mark. To it, dates are texts."""
    return list(_SCHEMA.iter_errors(json.loads(json.dumps(data, default=str))))


def test_the_keys_here_are_the_keys_of_a_job() -> None:
    """The property below tries every key that there is."""
    assert set(_KEYS) == set(keys.JOB)


@given(_JOBS)
def test_any_values_make_a_job_or_problems(data: dict[str, object]) -> None:
    """Wrong types in any place are told, each mistake once."""
    outcome = _outcome(yaml.safe_dump(data))
    if isinstance(outcome, EltJob):
        assert not _marked(data)
    else:
        assert outcome
        assert len(set(outcome)) == len(outcome)


@st.composite
def _good_tasks(draw: st.DrawFn) -> dict[str, dict[str, object]]:
    """Tasks without mistakes, in any order, on any graph without circles."""
    names = draw(st.permutations("abcdef"))[: draw(st.integers(1, 6))]
    tasks: dict[str, dict[str, object]] = {}
    for name in names:
        source = draw(st.sampled_from([{"statement": "select :a"}, {"call": "p(:a, :b)"}, {"sql": "a.sql"}]))
        options = draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "upstream": st.lists(st.sampled_from([*tasks] or ["a"]), unique=True) if tasks else st.just([]),
                    "retries": st.integers(0, 10),
                    "timeout": st.sampled_from(["90m", "1h30m", "24h"]),
                    "expected": st.sampled_from(["1s", "90m"]),
                    "transaction": st.booleans(),
                    "wait": st.sampled_from(["poll", "long_poll"]),
                },
            )
        )
        tasks[name] = {**source, **options}
    return {name: tasks[name] for name in draw(st.permutations(names))}


@given(_good_tasks(), st.sampled_from(["poll", "long_poll"]), st.sampled_from(["skip", "wait", "fail"]))
def test_yaml_python_and_json_make_equal_jobs(tasks: dict[str, dict[str, Any]], wait: Any, when_locked: Any) -> None:
    """However a job was written, it is the same job, and its tasks come in an order that runs."""
    parameters = {"a": "1", "b": None}
    # One task uses both parameters, since none may be declared for nothing.
    tasks = {**tasks, "last": {"statement": "select :a, :b"}}
    head = {"job_id": "101", "name": "sales", "wait": wait, "lock": {"when_locked": when_locked}}
    declared = {"a": {"default": "1"}, "b": {}}
    read = _outcome(yaml.safe_dump({**head, "parameters": declared, "tasks": tasks}, sort_keys=False))
    assert isinstance(read, EltJob), read
    assert not _marked({**head, "parameters": declared, "tasks": tasks})

    lock = LockPolicy(when_locked=when_locked)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "a.sql").write_text(_SCRIPT)
        built = EltJob(job_id="101", name="sales", parameters=parameters, lock=lock, wait=wait, base=folder)
        for name, options in tasks.items():
            built.task(name, **options)
    assert built.validate() == read == EltJob.from_dict(json.loads(json.dumps(read.to_dict()))).validate()

    done: set[str] = set()
    for task in read.in_order():
        assert done.issuperset(task.upstream)
        done.add(task.name)
    assert done == set(tasks)


def test_a_text_nested_too_deeply_is_told() -> None:
    """Thousands of brackets are a mistake like any other."""
    (problem,) = _outcome("[" * 5000)  # type: ignore[misc]
    assert problem.split("/")[-1].startswith("job.yaml:1: This is nested more than 32 deep.")


@given(st.text(st.sampled_from("ab:-[]{}'\"#&*!|>%@`?,\n \t1"), max_size=40))
def test_any_text_makes_a_job_or_problems(text: str) -> None:
    """Text that is hardly YAML is told, too."""
    assert _outcome(text)
