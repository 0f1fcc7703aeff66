"""What a job.yaml's text is read as."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from elt_redshift import EltJob
from elt_redshift.job import document
from elt_redshift.job.written import Plain, shown


def _read(text: str) -> Any:
    data, findings = document.read(text, Path("job.yaml"))
    assert findings.problems == ()
    return data


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-12", -12),
        ("1.5", 1.5),
        ("yes", "yes"),
        ("No", "No"),
        ("on", "on"),
        ("1998-12-31", "1998-12-31"),
        ("1998-12-31 12:00:00", "1998-12-31 12:00:00"),
        ("1.2.3", "1.2.3"),
        ("=", "="),
        ("'010'", "010"),
        ('"true"', "true"),
        ("!!str 010", "010"),
        ("! 010", "010"),
        ("|\n  010", "010"),
    ],
)
def test_what_is_written_in_one_way_only_has_its_type(text: str, value: object) -> None:
    """Words and dates are texts; numbers are numbers where they are written as they are printed."""
    read = _read(f"a: {text}")["a"]
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    "text",
    ["010", "0x1F", "0o17", "0b11", "1_000", "12:30", "1:30:15.5", "+5", "1.50", "1e3", ".5", "-.inf", ".nan", "True",
     "FALSE", "1" * 30, "-0"],
)  # fmt: skip
def test_what_yaml_would_write_otherwise_is_kept_as_it_is(text: str) -> None:
    """Neither rounded nor converted, and quoted in messages without quotes."""
    read = _read(f"a: {text}")["a"]
    assert type(read) is Plain
    assert read == text
    assert shown(read) == text


def test_keys_are_texts() -> None:
    """Whatever a key looks like, it is the name that was written."""
    assert list(_read("1: a\non: b\nnull: c\n010: d\n1998-01-01: e\n")) == ["1", "on", "null", "010", "1998-01-01"]


def test_anchors_aliases_and_merges_work() -> None:
    """What several tasks share is written once; a task's own keys come first."""
    text = "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: {<<: [{x: 8}, *a]}\nd: *a\n&e e: f\ng: *e\n"
    assert _read(text) == yaml.safe_load(text) | {"e": "f", "g": "e"}


def test_words_that_yaml_takes_for_booleans_name_tasks_and_jobs() -> None:
    """A job may be called yes, and its tasks on and off."""
    text = 'job_id: "1"\nname: yes\ntasks:\n  on: {statement: select 1}\n  off: {statement: select 2, upstream: [on]}'
    data = _read(text)
    assert (data["name"], *data["tasks"], data["tasks"]["off"]["upstream"]) == ("yes", "on", "off", ["on"])


@pytest.mark.parametrize(("written", "bound"), [("010", "010"), ("1.50", "1.50"), ("1e3", "1e3"), ("-.5", "-.5")])
def test_a_number_is_bound_as_it_was_written(tmp_path: Path, written: str, bound: str) -> None:
    """A default of type number reaches the SQL digit for digit."""
    text = f'job_id: "1"\nname: j\nparameters: {{a: {{type: number, default: {written}}}}}\n'
    (tmp_path / "job.yaml").write_text(text + "tasks: {t: {statement: 'select :a', transaction: True}}")
    job = EltJob.load(tmp_path)
    assert (job.values(), job.task("t").transaction) == ({"a": bound}, True)


def test_libyaml_and_pyyaml_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PyYAML was built without libyaml, jobs are read as elsewhere."""
    text = "a: [1, 010, 'x', {b: yes}]\nc: |\n  d\n"
    fast = _read(text)
    monkeypatch.setattr(document, "_LOADER", yaml.SafeLoader)
    assert _read(text) == fast
    assert document.read('a: "\\ud800"', Path("job.yaml"))[0] is None
