"""A Step Functions client in memory, over executions that a test moves on by hand."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from elt_redshift.asl import fingerprints
from elt_redshift.asl.language import names
from elt_redshift.job.model import EltJob, SqlStatement, SqlTask
from elt_redshift.protocol.executions import execution_arn

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:sales"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def definition(*tasks: str, sql: str = "select 1", **changed: str) -> str:
    """A deployed definition, of tasks side by side, as far as the Airflow side reads it; ``changed``: their SQL."""
    texts = dict.fromkeys(tasks, sql) | changed
    job = EltJob(job_id="7", name="sales", tasks=[_task(name, text) for name, text in texts.items()])
    comment = fingerprints.comment(fingerprints.of_job(job))
    return json.dumps({"States": {names.RELEASED: {"Type": "Succeed", "Comment": comment}}})


def _task(name: str, text: str) -> SqlTask:
    return SqlTask(name=name, statements=(SqlStatement(text=text),))


class FakeExecution:
    """One execution; its history grows by one event per second."""

    def __init__(self, name: str, given: str = "{}", machine: str = MACHINE) -> None:
        self.arn, self.name, self.given = execution_arn(machine, name), name, given
        self.status, self.more = "RUNNING", dict[str, Any]()
        self.events: list[dict[str, Any]] = []
        self.redrives: dict[str, datetime] = {}
        self.too_old = False
        self.definition = ""
        self.later = timedelta()

    def redrive(self, token: str) -> datetime:
        if token not in self.redrives:
            if self.too_old or self.status in ("RUNNING", "SUCCEEDED"):
                raise _error("ExecutionNotRedrivable", "RedriveExecution")
            self.redrives[token] = BEGIN + timedelta(days=1 + len(self.redrives))
            self.status, self.more = "RUNNING", {}
            self.add("ExecutionRedriven")
        return self.redrives[token]

    def describe(self) -> dict[str, Any]:
        told = {"executionArn": self.arn, "name": self.name, "status": self.status, "startDate": BEGIN, **self.more}
        told["input"] = self.given
        told["redriveCount"] = len(self.redrives)
        if self.redrives:
            told["redriveDate"] = max(self.redrives.values())
        if self.too_old:
            told |= {"redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": "It ended more than 14 days ago."}
        return told

    def add(self, type: str, **details: Any) -> None:
        number = len(self.events) + 1
        when = BEGIN + self.later + timedelta(seconds=number)
        self.events.append({"id": number, "type": type, "timestamp": when, **details})

    def start_part(self, number: int) -> FakeExecution:
        """Start an execution for a part of the job; it begins when this one does, unless it is said to be later."""
        machine = f"{MACHINE}-part-{number}"
        self.entered(f"part {number}")
        given = json.dumps({"StateMachineArn": machine, "Name": self.name, "Input": {}})
        scheduled = {"resourceType": "states", "resource": "startExecution.sync:2", "parameters": given}
        self.add("TaskScheduled", taskScheduledEventDetails=scheduled)
        return FakeExecution(self.name, machine=machine)

    def entered(self, state: str, **given: Any) -> None:
        self.add("TaskStateEntered", stateEnteredEventDetails={"name": state, "input": json.dumps(given)})

    def exited(self, state: str, **result: Any) -> None:
        self.add("TaskStateExited", stateExitedEventDetails={"name": state, "output": json.dumps(result)})

    def submit(self, task: str, statement: str = "s-1") -> FakeExecution:
        self.entered(task, attempt=1)
        self.exited(task, Id=statement, Status="STARTED")
        return self

    def succeed(self, task: str, statement: str = "s-1") -> FakeExecution:
        self.submit(task, statement)
        self.exited(f"{task}: status", finished=task, statement=statement)
        return self

    def keep(self, task: str) -> FakeExecution:
        self.exited(f"{task}: status", finished=task, statement="none", kept=True)
        return self

    def fail(self, task: str, message: str, statement: str = "s-1") -> FakeExecution:
        self.submit(task, statement)
        self.entered(f"{task}: record", cause=message, statement=statement)
        return self.end("FAILED", **gate_failed(f"{task}: failed", f"Task {task} failed: {message}"))

    def skip(self, reason: str) -> FakeExecution:
        self.entered("skip run")
        return self.end("SUCCEEDED", output=json.dumps({"skipped": reason}))

    def end(self, status: str, **more: Any) -> FakeExecution:
        self.status, self.more = status, {"stopDate": BEGIN + timedelta(hours=1), **more}
        return self


def gate_failed(state: str, message: str) -> dict[str, str]:
    """How Step Functions words the end of an execution that has failed in a gate."""
    expression = "$states.context.Execution.RedriveCount > $states.input.redrives ? true : $error($states.input.cause)"
    return {
        "error": "States.QueryEvaluationError",
        "cause": f"An error occurred while executing the state '{state}' (entered at the event id #38). The JSONata "
        f"expression '{expression}' specified for the field 'Condition' threw an error during evaluation. "
        f"D3137: {message}",
    }


class FakeStepFunctions:
    """The calls that the Airflow side makes. ``errors``: raised by the next calls, one each; None lets one pass."""

    def __init__(self, *executions: FakeExecution, definition: str = '{"States": {}}') -> None:
        self.executions = {execution.arn: execution for execution in executions}
        self.definition = definition
        for execution in executions:
            execution.definition = self.definition
        self.calls: Counter[str] = Counter()
        self.errors: list[str | None] = []

    def start_execution(self, stateMachineArn: str, name: str, input: str) -> dict[str, Any]:
        self._called("StartExecution")
        arn = execution_arn(stateMachineArn, name)
        found = self.executions.get(arn)
        if found and (found.status != "RUNNING" or found.given != input):
            raise _error("ExecutionAlreadyExists", "StartExecution")
        if arn not in self.executions:
            self.executions[arn] = FakeExecution(name, input)
            self.executions[arn].definition = self.definition
        return {"executionArn": arn}

    def describe_execution(self, executionArn: str) -> dict[str, Any]:
        self._called("DescribeExecution")
        return self._find(executionArn, "DescribeExecution").describe()

    def describe_state_machine(self, stateMachineArn: str) -> dict[str, Any]:
        self._called("DescribeStateMachine")
        return {"definition": self.definition}

    def describe_state_machine_for_execution(self, executionArn: str) -> dict[str, Any]:
        self._called("DescribeStateMachineForExecution")
        return {"definition": self._find(executionArn, "DescribeStateMachineForExecution").definition}

    def redrive_execution(self, executionArn: str, clientToken: str) -> dict[str, Any]:
        self._called("RedriveExecution")
        return {"redriveDate": self._find(executionArn, "RedriveExecution").redrive(clientToken)}

    def stop_execution(self, executionArn: str, error: str, cause: str) -> None:
        self._called("StopExecution")
        self._find(executionArn, "StopExecution").end("ABORTED", error=error, cause=cause)

    def get_execution_history(
        self, executionArn: str, reverseOrder: bool, maxResults: int, nextToken: str = "0"
    ) -> dict[str, Any]:
        self._called("GetExecutionHistory")
        assert reverseOrder
        newest_first = self._find(executionArn, "GetExecutionHistory").events[::-1]
        end = int(nextToken) + maxResults
        following = {"nextToken": str(end)} if end < len(newest_first) else {}
        return {"events": newest_first[int(nextToken) : end], **following}

    def _find(self, arn: str, operation: str) -> FakeExecution:
        if arn not in self.executions:
            raise _error("ExecutionDoesNotExist", operation)
        return self.executions[arn]

    def _called(self, operation: str) -> None:
        self.calls[operation] += 1
        if self.errors and (code := self.errors.pop(0)):
            raise _error(code, operation)


def _error(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, operation)
