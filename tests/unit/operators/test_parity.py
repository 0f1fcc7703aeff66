"""RedshiftSqlOperator's parameters, held against those of Amazon's RedshiftDataOperator, as it is installed."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.amazon.aws.operators.redshift_data import RedshiftDataOperator

from elt_redshift.airflow_compat import DAG, AirflowException, BaseOperator, default_deferrable
from elt_redshift.hooks.connection import Connection
from elt_redshift.operators import parity
from elt_redshift.operators.redshift_sql import RedshiftSqlOperator

DOCS = Path(__file__).parents[3] / "docs" / "operators.md"
WHERE = {"database": "dev", "workgroup_name": "etl"}


def _parameters(cls: type) -> set[str]:
    """The names that a class takes beside Airflow's own."""
    found: set[str] = set()
    for base in cls.__mro__[: cls.__mro__.index(BaseOperator)]:
        found |= set(inspect.signature(base.__init__).parameters) if "__init__" in vars(base) else set()  # type: ignore[misc]
    return found - {"self", "args", "kwargs"}


def test_every_parameter_of_amazons_operator_is_taken_or_refused() -> None:
    """Each stands in one of the two tables; what is taken is a parameter of ours, what is refused is none."""
    amazons = {name for name in _parameters(RedshiftDataOperator) if not name.startswith("_")}
    assert amazons <= parity.TAKEN.keys() | parity.REFUSED.keys()
    assert parity.TAKEN.keys().isdisjoint(parity.REFUSED)
    ours = _parameters(RedshiftSqlOperator)
    assert parity.TAKEN.keys() <= ours
    assert ours.isdisjoint(parity.REFUSED)


def test_the_docs_show_the_table() -> None:
    """docs/operators.md has a line for each parameter, and no other."""
    shown = [line for line in DOCS.read_text().splitlines() if line.startswith("| `") and line.count("|") == 4]
    shown = [line for line in shown if line.split(" | ")[1] in ("taken", "refused")]
    assert shown == parity.rows()


def test_what_is_templated_there_is_templated_here() -> None:
    """A template that Amazon's operator fills in is filled in here too."""
    wanted = set(RedshiftDataOperator.template_fields) - parity.REFUSED.keys()
    assert wanted <= set(RedshiftSqlOperator.template_fields)


@pytest.mark.parametrize("name", sorted(parity.REFUSED))
def test_what_is_refused_is_told_with_the_reason(name: str) -> None:
    """The DAG file does not load, and says why; None is the same as nothing."""
    with pytest.raises(AirflowException, match=f"^Task load: {name}: ") as refused:
        RedshiftSqlOperator(task_id="load", sql="select 1", **WHERE, **{name: "x"})
    assert parity.REFUSED[name] in str(refused.value)
    RedshiftSqlOperator(task_id="load", sql="select 1", **WHERE, **{name: None})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sql": None}, "either sql or statements"),
        ({"sql": []}, "sql is empty"),
        ({"sql": {"a": "select 1"}}, "sql is of type dict"),
        ({"sql": ["select 1", 5]}, "sql is of type list"),
        ({"parameters": 5}, "parameters is of type int"),
        ({"parameters": [{"name": "a"}]}, r"parameters\[0\] is {'name': 'a'}"),
        ({"parameters": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]}, "'a' twice"),
        ({"parameters": {"a": [1]}}, "'a' is of type list"),
        ({"database": None}, "database is missing"),
        ({"cluster_identifier": "c"}, "one of cluster_identifier, workgroup_name and session_id"),
        ({"workgroup_name": None}, "one of cluster_identifier, workgroup_name and session_id"),
        ({"session_id": "s"}, "one of cluster_identifier, workgroup_name and session_id"),
        ({"poll_interval": 0}, "poll_interval is 0"),
        ({"session_keep_alive_seconds": 86_401}, "session_keep_alive_seconds is 86401"),
        ({"botocore_config": "x"}, "botocore_config is of type str"),
        ({"return_result": True, "return_sql_result": True}, "give one of them"),
        ({"return_result": True, "wait_for_completion": False}, "no result to return"),
    ],
)
def test_mistakes_are_told_when_the_file_is_parsed(options: dict[str, Any], message: str) -> None:
    """Each is named with its remedy."""
    with pytest.raises(AirflowException, match=message):
        RedshiftSqlOperator(**{"task_id": "load", "sql": "select 1", **WHERE, **options})


def test_all_mistakes_are_told_at_once() -> None:
    """Nobody mends one only to meet the next."""
    with pytest.raises(AirflowException) as refused:
        RedshiftSqlOperator(task_id="load", statement_name="x", poll_interval=-1)
    assert len(str(refused.value).splitlines()) == 4


def test_outputs_of_tasks_are_taken_and_depended_on() -> None:
    """``sql``, ``parameters`` and ``session_id`` may be what another task returns, also in part."""
    with DAG("sales", schedule=None):
        before = [BaseOperator(task_id=f"t{n}") for n in range(5)]
        out = [task.output for task in before]  # type: ignore[attr-defined]
        whole = RedshiftSqlOperator(task_id="a", sql=out[0], parameters=out[1], session_id=out[2])
        parts = RedshiftSqlOperator(task_id="b", sql=[out[3], "select 1"], parameters={"n": out[4]}, **WHERE)
    assert whole.upstream_task_ids == {"t0", "t1", "t2"}
    assert parts.upstream_task_ids == {"t3", "t4"}


@pytest.fixture
def fresh() -> Iterator[None]:
    default_deferrable.cache_clear()
    yield
    default_deferrable.cache_clear()


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(("value", "expected"), [(None, True), ("True", True), ("False", False)])
def test_default_deferrable_is_honoured_where_it_is_set(
    monkeypatch: pytest.MonkeyPatch, value: str | None, expected: bool
) -> None:
    """Where nobody has said anything, operators wait in the triggerer."""
    name = "AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE"
    monkeypatch.delenv(name, raising=False)
    if value is not None:
        monkeypatch.setenv(name, value)
    assert RedshiftSqlOperator(task_id="load", sql="select 1", **WHERE).deferrable is expected
    assert RedshiftSqlOperator(task_id="load", sql="select 1", deferrable=not expected, **WHERE).deferrable != expected


def test_default_deferrable_in_a_file(tmp_path: Path) -> None:
    """airflow.cfg is a place where somebody may have set it."""
    (tmp_path / "airflow.cfg").write_text("[operators]\ndefault_deferrable = False\n")
    program = "from elt_redshift.airflow_compat import default_deferrable; print(default_deferrable())"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"AIRFLOW_HOME": str(tmp_path), "PYTHONWARNINGS": "ignore", "PATH": ""},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines()[-1] == "False"


def test_the_connection_goes_through_amazons_hook(monkeypatch: pytest.MonkeyPatch) -> None:
    """``verify`` and ``botocore_config`` reach the clients."""
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", "aws://a:b@/?region_name=eu-west-1")
    client = Connection(verify="/ca.pem", botocore_config={"read_timeout": 7}).hook().client("redshift-data")
    assert client.meta.region_name == "eu-west-1"
    assert client.meta.config.read_timeout == 7
    assert client._endpoint.http_session._verify == "/ca.pem"
