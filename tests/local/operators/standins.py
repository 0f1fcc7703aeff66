"""What stands in for Airflow's part when its operators run over the embedded AWS."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from elt_redshift.aws.account import Account
from elt_redshift.aws.audit import AuditStore
from elt_redshift.aws.statements import Statements, Submission
from tests.local.conftest import client_factory

WHERE = {"database": "dev", "cluster_identifier": "warehouse", "db_user": "awsuser"}
DATA_API = {"Database": "dev", "ClusterIdentifier": "warehouse", "DbUser": "awsuser"}


class FakeTaskInstance:
    """What the operators use of a task instance."""

    dag_id, run_id, task_id, map_index = "sales", "run-1", "load", -1

    def __init__(self, try_number: int = 1, max_tries: int = 2, states: dict[str, str] | None = None) -> None:
        self.try_number, self.max_tries, self.states = try_number, max_tries, states or {}
        self.id = f"{self.run_id}-{try_number}"
        self.xcoms: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[key] = value

    def xcom_pull(self, task_ids: str, key: str, map_indexes: int) -> Any:
        return self.xcoms.get(key)

    def get_task_states(self, dag_id: str, task_ids: list[str], run_ids: list[str]) -> dict[str, Any]:
        return {self.run_id: {task: state for task, state in self.states.items() if task in task_ids}}


class Hook:
    """The hook, over the embedded AWS."""

    def __init__(self, endpoint: str) -> None:
        self.client: Callable[[str], Any] = client_factory(endpoint)
        self.account = Account(self.client)

    def audit(self, table: str) -> AuditStore:
        return self.account.audit(table)

    def statements(self) -> Statements:
        return Statements(self.client("redshift-data"))


def rows(hook: Hook, sql: str) -> list[list[Any]]:
    """What a statement gives, run beside the operators."""
    statements = hook.statements()
    found = statements.submit(Submission([sql], DATA_API, "test", uuid.uuid4().hex, {}))
    status = statements.describe(found, 30)
    assert status.status == "FINISHED", status
    return statements.records(found) if sql.startswith("select") else []
