"""Jobs with mistakes: what their authors are told, and that nobody else is asked."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from elt_redshift import EltJob
from elt_redshift.exceptions import JobError

_CASES = yaml.safe_load(Path(__file__).with_name("bad_jobs.yaml").read_text())
_TASK = 'job_id: "1"\nname: j\ntasks:\n  a: {sql: a.sql}\n'


def _write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def _problems(folder: Path, monkeypatch: pytest.MonkeyPatch, files: Mapping[str, str | bytes]) -> list[str]:
    _write(folder, files)
    monkeypatch.chdir(folder)
    with pytest.raises(JobError) as raised:
        EltJob.load("job.yaml")
    return [str(problem) for problem in raised.value.problems]


@pytest.mark.parametrize("case", _CASES, ids=[case["a job with"] for case in _CASES])
def test_every_mistake_is_told(case: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job with mistakes is refused with exactly these lines, each naming place, mistake and remedy."""
    files = {name: text for name, text in case.items() if name not in ("a job with", "problems")}
    assert _problems(tmp_path, monkeypatch, files) == case["problems"].splitlines()


def test_there_are_cases_enough_and_each_is_another() -> None:
    """The table holds more than a hundred different mistakes."""
    assert len({case["a job with"] for case in _CASES}) == len(_CASES) > 100


def test_a_script_of_41_statements_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch holds 40 statements; the remedy is another task or a procedure."""
    assert _problems(tmp_path, monkeypatch, {"job.yaml": _TASK, "a.sql": "select 1;\n" * 41}) == [
        "job.yaml:4: tasks.a.sql: The task 'a' has 41 statements; a batch holds 40. "
        "Split the task, or put the work into a stored procedure and call it."
    ]


def test_a_statement_over_100_kb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Data API takes 100,000 bytes of UTF-8 a statement, not characters."""
    script = "select 1;\nselect '" + "é" * 50_000 + "';"
    assert _problems(tmp_path, monkeypatch, {"job.yaml": _TASK, "a.sql": script}) == [
        "a.sql:2: A statement of task 'a' has 100,009 bytes; the Redshift Data API takes 100 KB. "
        "Split it, or put it into a stored procedure or a view."
    ]


def test_40_statements_and_100_kb_are_allowed(tmp_path: Path) -> None:
    """The limits themselves are no mistakes."""
    longest = "select '" + "x" * (100_000 - len("select ''")) + "'"
    _write(tmp_path, {"job.yaml": _TASK, "a.sql": "select 1;\n" * 39 + longest})
    assert len(EltJob.load(tmp_path).task("a").statements) == 40


def test_a_script_that_is_not_utf_8_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another encoding is told with the byte at which it shows."""
    assert _problems(tmp_path, monkeypatch, {"job.yaml": _TASK, "a.sql": b"select '\xe9'"}) == [
        "job.yaml:4: tasks.a.sql: The file 'a.sql' is not UTF-8 (byte 8). Save it as UTF-8."
    ]


def test_a_job_file_that_is_not_utf_8_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another encoding of the job file itself is told as well."""
    assert _problems(tmp_path, monkeypatch, {"job.yaml": b"name: \xff"}) == [
        "job.yaml: The file is not UTF-8 (byte 6). Save it as UTF-8."
    ]


def test_a_control_character_in_a_job_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Characters that YAML forbids are a mistake like any other, not a traceback."""
    (problem,) = _problems(tmp_path, monkeypatch, {"job.yaml": "name: \x07"})
    assert problem.startswith("job.yaml: This is not YAML: ")


def test_statements_that_need_no_transaction_may_stand_alone(tmp_path: Path) -> None:
    """VACUUM is fine as the only statement of a task, and beside others without a transaction."""
    text = _TASK + "  b: {sql: b.sql, transaction: false}\n  c: {statement: vacuum t}\n"
    _write(tmp_path, {"job.yaml": text, "a.sql": "vacuum t;\n", "b.sql": "begin; select 1; commit; vacuum t;"})
    assert EltJob.load(tmp_path).task_names == ("a", "b", "c")


@pytest.mark.parametrize(
    "statement",
    [
        'select \'{"a":{"b":1}}\'',
        "select 1 where x like '{%' or x like '%}'",
        "select '{{x}}', '${x}', \"{{ c }}\", '{% if x %}'",
        "select 1 -- {% if %}\n",
        "select 1 -- {{ ds }} ${Region}\n",
        "create procedure p() as $$ begin execute '{{ x }}'; end; $$ language plpgsql",
        "copy t from 's3://b/k' iam_role '${RedshiftIAMRoleARN}'",
        "select date '2000-01-01'::date, a[1:2], '12:30', :year::int from t",
        "alter table t add column append int",
    ],
)
def test_sql_that_looks_like_a_mistake_is_not_refused(statement: str, tmp_path: Path) -> None:
    """Braces, colons and dollars are only mistakes where they would be templates."""
    used = "parameters: {year: {}}\n" if ":year" in statement else ""
    _write(tmp_path, {"job.yaml": used + _TASK, "a.sql": f"{statement};\nselect 1;\n"})
    assert EltJob.load(tmp_path).task("a").statements[0].text == statement.strip()


def test_a_bomb_of_aliases_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Aliases that multiply to billions of values are not spelt out."""
    lines = ["a0: &a0 {x: 1}"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    problems = _problems(tmp_path, monkeypatch, {"job.yaml": "\n".join(lines)})
    assert problems == ["job.yaml:6: Aliases make this more than 105,556 values. Write out what you need of them."]


@pytest.mark.parametrize("key", ["job_id: *a6", "tasks: *a6", "lock: *a6", "tags: *a6", "? *a6\n: x", "<<: *a6"])
def test_a_bomb_of_aliases_is_refused_wherever_it_stands(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bomb too small to be refused by its size makes no message long and no check slow."""
    lines = ["a0: &a0 x"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 6)}]" for n in range(1, 7)]
    began = time.process_time()
    problems = _problems(tmp_path, monkeypatch, {"job.yaml": "\n".join([*lines, key])})
    assert time.process_time() - began < 2
    assert all(len(problem) < 400 for problem in problems)


@pytest.mark.parametrize("text", ["[" * 100_000, "a: " + "{b: " * 50_000, "- " * 50_000, "? " * 50_000])
def test_deep_nesting_is_refused(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However deep, nothing recurses."""
    (problem,) = _problems(tmp_path, monkeypatch, {"job.yaml": text})
    assert "nested more than 32 deep" in problem or "A key is a" in problem or "not YAML" in problem


def test_a_pipe_is_no_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe named as SQL is refused, and not waited for."""
    os.mkfifo(tmp_path / "a.sql")
    assert _problems(tmp_path, monkeypatch, {"job.yaml": _TASK}) == [
        "job.yaml:4: tasks.a.sql: The file 'a.sql' cannot be read: It is a pipe or a device, not a file. "
        "Put it into '.', or mend the name."
    ]


def test_a_link_to_itself_is_no_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Links that go in a circle are refused, whatever Python calls them."""
    (tmp_path / "a.sql").symlink_to("b.sql")
    (tmp_path / "b.sql").symlink_to("a.sql")
    (problem,) = _problems(tmp_path, monkeypatch, {"job.yaml": _TASK})
    assert problem.startswith("job.yaml:4: tasks.a.sql: The file 'a.sql' ")


def test_a_script_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of gigabytes is not read."""
    with (tmp_path / "a.sql").open("wb") as file:
        file.truncate(1 << 32)
    (problem,) = _problems(tmp_path, monkeypatch, {"job.yaml": _TASK})
    assert "It has 4,294,967,296 bytes, and 16,777,216 are the most" in problem


@pytest.mark.parametrize(
    "options",
    [
        {"statement": "select '\ud800'"},
        {"statement": "select 1", "upstream": ["\ud800"]},
        {"call": "sp(\udfff)"},
    ],
)
def test_half_of_a_character_is_a_mistake_in_python_too(options: dict[str, Any]) -> None:
    """A lone surrogate cannot be sent anywhere, and messages about it can be printed."""
    job = EltJob(job_id="1", name="j")
    job.task("a", **options)
    with pytest.raises(JobError) as raised:
        job.validate()
    assert str(raised.value).encode()


def test_thousands_of_mistakes_are_told_at_once() -> None:
    """Neither misspelt upstreams nor what they are compared with make a check slow."""
    job = EltJob(job_id="1", name="j")
    for number in range(3000):
        job.task(f"load_orders_{number}", statement="select :yeer", upstream=[f"load_ordres_{number}"])
    began = time.process_time()
    with pytest.raises(JobError) as raised:
        job.validate()
    assert len(raised.value.problems) == 6000
    assert time.process_time() - began < 10


def test_ten_thousand_tasks_are_loaded_in_seconds(tmp_path: Path) -> None:
    """Loading and checking takes milliseconds a task at most, on a busy machine."""
    tasks = "".join(
        f"  load_{n}: {{statement: 'insert into t select {n}', retries: 2, upstream: [load_{n // 2}]}}\n"
        for n in range(1, 2001)
    ).replace("upstream: [load_0]", "upstream: []")
    (tmp_path / "job.yaml").write_text(f'job_id: "1"\nname: j\ntasks:\n{tasks}')
    began = time.process_time()
    assert len(EltJob.load(tmp_path).tasks) == 2000
    assert time.process_time() - began < 2


def test_nothing_of_aws_or_airflow_is_imported_to_refuse_a_job(tmp_path: Path) -> None:
    """A bad job is refused before any AWS library is even loaded."""
    files = next(case for case in _CASES if case["a job with"] == "mistakes of every kind at once")
    _write(tmp_path, {name: text for name, text in files.items() if "." in name})
    program = """
import sys
from elt_redshift.exceptions import JobError
from elt_redshift import EltJob
assert "yaml" not in sys.modules
try:
    EltJob.load("job.yaml")
except JobError as error:
    print(len(error.problems))
print(*({"boto3", "botocore", "airflow", "moto"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["14"]
