"""The child executions of Map Runs, as the API lists and describes them.

(https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html, ``mapRunArn``)
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from moto.stepfunctions.parser.api import ExecutionStatus

from elt_redshift.local.stepfunctions.progress import Scope


@dataclass(frozen=True)
class Child:
    """A child execution.

    :param parent: the execution that it belongs to.
    :param record: moto's of its Map Run.
    :param scope: where it stands.
    """

    parent: Any
    record: Any
    scope: Scope

    @property
    def arn(self) -> str:
        return str(self._context["Id"])

    @property
    def status(self) -> str:
        if self.scope.done:
            return ExecutionStatus.SUCCEEDED.value
        if self.scope.failed:
            return ExecutionStatus.FAILED.value
        running = self.parent.status == ExecutionStatus.RUNNING and self.scope.stop_date is None
        return (ExecutionStatus.RUNNING if running else ExecutionStatus.ABORTED).value

    def summary(self) -> dict[str, Any]:
        """As ListExecutions has it."""
        stop = self.scope.stop_date or (None if self.status == ExecutionStatus.RUNNING.value else self.parent.stop_date)
        return {
            "executionArn": self.arn,
            "stateMachineArn": self.record.map_state_machine_arn,
            "mapRunArn": self.record.map_run_arn,
            "name": self._context["Name"],
            "status": self.status,
            "startDate": datetime.datetime.fromisoformat(self._context["StartTime"]),
            "itemCount": 1,
            "redriveCount": self._context["RedriveCount"],
            **({"stopDate": stop} if stop else {}),
        }

    def describe(self) -> dict[str, Any]:
        """As DescribeExecution has it."""
        answer = {name: value for name, value in self.summary().items() if name != "itemCount"}
        given = json.dumps(self._context["Input"], separators=(",", ":"))
        answer |= {"input": given, "inputDetails": {"included": True}, **(self.scope.failure or {})}
        if self.scope.done:
            answer["output"] = json.dumps(self.scope.output, separators=(",", ":"))
            answer["outputDetails"] = {"included": True}
        return answer

    @property
    def _context(self) -> dict[str, Any]:
        assert self.scope.execution is not None
        return self.scope.execution


def find_run(executions: Iterator[Any], map_run_arn: str) -> list[Child] | None:
    """The children of a Map Run that have been started, in the order of their items; None: there is no such run."""
    for execution in executions:
        record = execution.exec_worker.env.map_run_record_pool_manager.get(map_run_arn)
        if record is not None:
            return list(_children(execution, record))
    return None


def find_child(executions: Iterator[Any], arn: str) -> Child | None:
    """The child execution with this ARN."""
    return next((child for child in _all(executions) if child.arn == arn), None)


def _all(executions: Iterator[Any]) -> Iterator[Child]:
    for execution in executions:
        for record in execution.exec_worker.env.map_run_record_pool_manager.get_all():
            yield from _children(execution, record)


def _children(execution: Any, record: Any) -> Iterator[Child]:
    for scope in list(getattr(record, "children", {}).values()):
        if scope.execution is not None:
            yield Child(execution, record, scope)
