"""DAG files as Airflow reads them: the examples, the demo's, those of the pages, and what reading one costs."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from elt_redshift.airflow_compat import STARTS_FROM_TRIGGER
from elt_redshift.dag import elt_dag
from elt_redshift.job.model import EltJob
from tests.unit.airflow_names import serialized_and_back

ROOT = Path(__file__).resolve().parents[3]

EXAMPLES = sorted(path for path in (ROOT / "dags" / "examples").glob("*.py"))


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_the_examples_load_from_anywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, file: Path) -> None:
    """Each example is a DAG that Airflow can write down, and looks like one to Airflow's search."""
    monkeypatch.chdir(tmp_path)
    if not STARTS_FROM_TRIGGER and "from airflow.sdk" in file.read_text():
        pytest.skip("written for Airflow 3")
    dag = runpy.run_path(str(file))["dag"]
    assert set(serialized_and_back(dag).task_dict) == set(dag.task_ids)
    text = file.read_text().lower()
    assert "airflow" in text
    assert "dag" in text


def test_dags_survive_serialization(job: EltJob) -> None:
    """Airflow's scheduler sees the same tasks and edges."""
    dag = elt_dag(job)
    again = serialized_and_back(dag)
    assert {task.task_id: task.upstream_task_ids for task in again.tasks} == {
        task.task_id: task.upstream_task_ids for task in dag.tasks
    }


def test_the_demos_dag_loads_from_anywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """dags/yearly_sales.py finds its job wherever Airflow was started, and Airflow takes it for a DAG file."""
    monkeypatch.chdir(tmp_path)
    file = ROOT / "dags" / "yearly_sales.py"
    dag = runpy.run_path(str(file))["dag"]
    assert set(dag.task_ids) == {"start_execution", "load_supplier", "load_customer", "load_fact_yearly_sale"}
    text = file.read_text().lower()  # what Airflow's safe mode looks for
    assert "dag" in text
    assert "airflow" in text


def test_a_dag_file_imports_nothing_heavy() -> None:
    """Parsing a DAG file loads neither AWS's SDK nor Amazon's provider nor anything of the embedded AWS."""
    code = (
        "import sys, importlib.util as u; v3 = u.find_spec('airflow.sdk'); "
        "__import__('airflow.sdk.bases.operator' if v3 else 'airflow.models.baseoperator'); before = set(sys.modules); "
        "import elt_redshift.dag; assert 'elt_redshift.protocol.writes' not in sys.modules, 'of no use to a DAG file'; "
        "import elt_redshift.native; print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    added = done.stdout.split()
    assert "elt_redshift.dag" in added
    assert not {name.partition(".")[0] for name in added} & {"boto3", "botocore", "moto", "psycopg", "yaml", "rich"}
    assert not [name for name in added if name.startswith("airflow.providers.amazon")]


@pytest.mark.parametrize("page", ["airflow.md", "getting-started.md", "operators.md"])
def test_the_pages_dag_files_work(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each DAG file that a page shows makes a DAG, and Airflow would look into it."""
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs" / page).read_text(), re.DOTALL | re.MULTILINE)
    assert blocks
    for block in blocks:
        assert "airflow" in block.lower()
        made: dict[str, Any] = {}
        exec(block, made)
        names = {task.rpartition(".")[2] for task in made["dag"].task_ids}  # in a TaskGroup, behind the group's
        assert names & {"start_execution", "acquire_lock"}
