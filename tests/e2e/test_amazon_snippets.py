"""DAGs written for Amazon's RedshiftDataOperator run with ours once the class is renamed: with a real Airflow, over the
embedded AWS."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from elt_redshift.aws.statements import Statements, Submission
from elt_redshift.demo import airflow_home
from elt_redshift.local import process
from tests.e2e.amazon_snippets import FILES, HEAD, SNIPPETS, Snippet

#: All of them together, on a loaded machine.
SECONDS = 1800.0
WAREHOUSE = {"WorkgroupName": "etl", "Database": "dev"}

#: What a user changes.
AMAZONS = "from airflow.providers.amazon.aws.operators.redshift_data import RedshiftDataOperator"
OURS = "from elt_redshift.operators.redshift_sql import RedshiftSqlOperator"


@dataclass(frozen=True)
class Run:
    """How a snippet's DAG run went, and what its tasks returned."""

    status: int
    output: str
    states: dict[str, str]
    values: dict[str, Any]


def _text(name: str, snippet: Snippet, files: Path) -> str:
    """A snippet as a DAG file, as it is written for Amazon's operator."""
    head = HEAD.format(imports=snippet.imports, dag_id=name, files=str(files))
    return (head + snippet.body).replace("TABLE", f"s_{name}")


@pytest.fixture(scope="module")
def aws() -> Iterator[dict[str, str]]:
    """The environment that leads to an embedded AWS of these tests' own."""
    with process.running(timeout=SECONDS) as running:
        yield process.environment(running)


@pytest.fixture(scope="module")
def statements(aws: dict[str, str]) -> Statements:
    session = boto3.Session("local", "local", region_name="us-east-1")
    return Statements(session.client("redshift-data", endpoint_url=aws["AWS_ENDPOINT_URL"]))


def _rows(statements: Statements, sql: str) -> list[list[Any]]:
    found = statements.submit(Submission([sql], WAREHOUSE, "test", uuid.uuid4().hex, {}))
    status = statements.describe(found, 30)
    assert status.status == "FINISHED", status
    return statements.records(found) if status.parts[0].has_result else []


@pytest.fixture(scope="module")
def runs(aws: dict[str, str], statements: Statements, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """Each snippet, its class renamed, run once."""
    folder = tmp_path_factory.mktemp("snippets")
    (folder / "dags").mkdir()
    for file, text in FILES.items():
        (folder / file).write_text(text)
    for name, snippet in SNIPPETS.items():
        _rows(statements, f"create table s_{name} (n int, name varchar(40))")
        text = _text(name, snippet, folder).replace(AMAZONS, OURS)
        (folder / "dags" / f"{name}.py").write_text(text.replace("RedshiftDataOperator", "RedshiftSqlOperator"))
    environment = airflow_home.prepare(folder / "airflow", folder / "dags", aws)
    driver = Path(__file__).with_name("dags_test_driver.py")
    done = subprocess.run(
        [sys.executable, str(driver), *(json.dumps(["dags", "test", name, "2026-02-03"]) for name in SNIPPETS)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    outputs = done.stdout.split("@@ begin")[1:]
    assert len(outputs) == len(SNIPPETS), done.stdout
    with sqlite3.connect(folder / "airflow" / "airflow.db") as database:
        return {name: _read(name, output, database) for name, output in zip(SNIPPETS, outputs, strict=True)}


def _read(name: str, printed: str, database: sqlite3.Connection) -> Run:
    output, _, status = printed.rpartition("@@ exit ")
    states = database.execute("select task_id, state from task_instance where dag_id = ?", [name])
    values = database.execute("select task_id, value from xcom where dag_id = ? and key = 'return_value'", [name])
    return Run(int(status), output, dict(states), {task: json.loads(value) for task, value in values})


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", SNIPPETS)
def test_a_dag_for_amazons_operator_runs_with_ours(name: str, runs: dict[str, Run], statements: Statements) -> None:
    """It succeeds, its table holds what it should, and tasks behind it get what they expect."""
    run, snippet = runs[name], SNIPPETS[name]
    assert run.status == 0, run.output
    assert set(run.states.values()) <= {"success", "skipped"}, run.output
    assert _rows(statements, f"select n, name from s_{name} order by n") == snippet.rows, run.output
    assert {task: run.values[task] for task in snippet.values} == snippet.values


@pytest.mark.parametrize("name", SNIPPETS)
def test_a_dag_for_amazons_operator_is_one(name: str, tmp_path: Path) -> None:
    """As it is written, it loads with Amazon's own operator."""
    scope: dict[str, Any] = {"__name__": f"snippet_{name}"}
    exec(compile(_text(name, SNIPPETS[name], tmp_path), name, "exec"), scope)
    assert scope["dag"].dag_id == name


def test_there_are_enough() -> None:
    """Thirty uses of the operator, or more."""
    assert len(SNIPPETS) >= 30
