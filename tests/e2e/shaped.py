"""What the tests of shapes.py share: where its DAGs run, and how a run with a lock is compared with a plain one."""

from __future__ import annotations

import ast
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from elt_redshift.aws.audit_in_dynamodb import DynamoDbAuditStore
from elt_redshift.aws.audit_item import AuditItem
from elt_redshift.job.model import EltJob
from tests.local.conftest import ClientFactory
from tests.local.runs.conftest import DeployedJob

HERE = Path(__file__).parent
TABLE = "elt-audit"
WAREHOUSE = {"cluster_identifier": "warehouse", "db_user": "awsuser", "database": "dev"}
JOB = """
job_id: "{name}"
name: {name}
tasks:
  a: {{statement: "select 1"}}
  b: {{statement: "{b}", upstream: [a]}}
  c: {{statement: "select 3", upstream: [b]}}
"""
JOBS = {"good": "select 2", "bad": "select 1 / 0"}
ENGINES = ("mirrors", "native")

#: A task's id and its map index, -1 where it is not mapped.
Instance = tuple[str, int]


def _shapes() -> list[str]:
    """The names in shapes.py's ``SHAPES``, read without Airflow: it is for Airflow's processes, of any version."""
    module = ast.parse((HERE / "shapes.py").read_text())
    listed = [node for node in module.body if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "SHAPES"]
    names = (node.id for node in ast.walk(listed[0].value) if isinstance(node, ast.Name))
    return sorted({name for name in names if name != "shape"})


NAMES = _shapes()


@dataclass(frozen=True)
class Ended:
    """How a DAG run ended: its state, and those of its tasks."""

    state: str
    tasks: Mapping[Instance, str]

    @property
    def work(self) -> Ended:
        """Without the tasks of the lock."""
        return Ended(self.state, {task: state for task, state in self.tasks.items() if not self._of_lock(task)})

    @property
    def locks(self) -> dict[Instance, str]:
        """The tasks of the lock."""
        return {task: state for task, state in self.tasks.items() if self._of_lock(task)}

    def _of_lock(self, task: Instance) -> bool:
        return task[0].rpartition(".")[2].startswith(("acquire_lock", "release_lock", "start_execution"))


class Ground:
    """The audit table and the jobs, on an embedded AWS, and a folder of DAG files.

    :param apart: each task runs in a process of its own, which need not make the other DAGs.
    """

    def __init__(self, folder: Path, client: ClientFactory, apart: bool = False) -> None:
        self.dags = folder / "dags"
        self.dags.mkdir()
        client("dynamodb").create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "JobID", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "JobID", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        self.audit = DynamoDbAuditStore(client("dynamodb"), TABLE)
        self.jobs = {name: self._deploy(folder / name, b, client) for name, b in JOBS.items()}
        jobs = {name: str(folder / name) for name in JOBS}
        given = {"table": TABLE, "warehouse": WAREHOUSE, "jobs": jobs, "apart": apart}
        (self.dags / "shapes.json").write_text(json.dumps(given))
        shutil.copy(HERE / "shapes.py", self.dags)

    def _deploy(self, folder: Path, b: str, client: ClientFactory) -> DeployedJob:
        folder.mkdir()
        (folder / "job.yaml").write_text(JOB.format(name=folder.name, b=b))
        return DeployedJob(EltJob.load(folder), client)

    def item(self, job_id: str) -> AuditItem:
        found = self.audit.read(job_id)
        assert found, f"no audit item {job_id}"
        return found


def check_like_plain(locked: Ended, plain: Ended) -> None:
    """The lock changes nothing but that it is taken, and always given back."""
    assert locked.work == plain
    acquired = {state for (task, _), state in locked.locks.items() if "acquire" in task}
    released = {state for (task, _), state in locked.locks.items() if "release" in task}
    assert acquired <= {"success"}
    assert released <= {"success", "failed"}
    assert "failed" not in released or locked.state == "failed"
