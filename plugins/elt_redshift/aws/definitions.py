"""State machine definitions as Step Functions has them: the deployed one, and the one that an execution runs.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeStateMachineForExecution.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from elt_redshift.asl import fingerprints, functions
from elt_redshift.asl.fingerprints import Fingerprints
from elt_redshift.asl.language import jsonata, names
from elt_redshift.aws.errors import aws_errors
from elt_redshift.protocol import fence, parts
from elt_redshift.protocol.owners import Owner


@dataclass(frozen=True)
class Definition:
    """A definition, and what it says of its tasks.

    :param text: as Step Functions gives it.
    :param prints: the tasks' fingerprints; None of a definition that an older version of the package made.
    :param warehouse: the members of a Data API request that say where the SQL runs.
    :param items: of the job file, in the map layout.
    :param read_parts: reads the definitions of the job's parts, where it is cut into some.
    """

    text: str
    prints: Fingerprints | None
    warehouse: Mapping[str, Any]
    items: tuple[Mapping[str, Any], ...] = ()
    read_parts: Callable[[], list[str]] = field(default=list, compare=False)

    @cached_property
    def _flows(self) -> list[Mapping[str, Any]]:
        return [json.loads(text) for text in (self.text, *self.read_parts())]

    def statements(self, task: str) -> tuple[str, ...]:
        """The SQL of a task, as it is deployed; nothing where there is no such task."""
        if self.items:
            return next((tuple(item["statements"]) for item in self.items if item["name"] == task), ())
        found = (_arguments(flow, names.in_states(task)) for flow in self._flows)
        arguments = next((one for one in found if one is not None), {})
        told = arguments if isinstance(arguments, Mapping) else jsonata.members(arguments, "Sql", "Sqls")
        texts = told.get("Sqls") or [told[key] for key in ("Sql",) if key in told]
        return tuple(jsonata.read(text) for text in texts if not fence.is_check(text))


class Definitions:
    """Reads definitions.

    :param client: a boto3 client of ``stepfunctions``.
    :param s3: gives a boto3 client of ``s3``, which is asked for the job file of the map layout.
    """

    def __init__(self, client: Any, s3: Callable[[], Any]) -> None:
        self._client, self._s3 = client, s3

    def deployed(self, state_machine_arn: str) -> Definition:
        """The definition that the next execution will run.

        :raises AwsError: AWS refused a call.
        """
        text = self._of_machine(state_machine_arn)
        machines = parts.machines(json.loads(text)).values()
        return self._read(text, lambda: [self._of_machine(machine) for machine in machines])

    def of_run(self, execution_arn: str) -> Definition:
        """The definition that an execution runs or ran.

        :raises AwsError: AWS refused a call.
        """
        text = self._of_execution(execution_arn)
        executions = parts.executions(json.loads(text), Owner(execution_arn).short).values()
        return self._read(text, lambda: [self._of_execution(part) for part in executions])

    def _of_machine(self, arn: str) -> str:
        with aws_errors(f"state machine {arn}"):
            return str(self._client.describe_state_machine(stateMachineArn=arn)["definition"])

    def _of_execution(self, arn: str) -> str:
        with aws_errors(f"execution {arn}"):
            return str(self._client.describe_state_machine_for_execution(executionArn=arn)["definition"])

    def _read(self, text: str, read_parts: Callable[[], list[str]]) -> Definition:
        definition = json.loads(text)
        if names.RUN_TASKS not in definition["States"]:
            prints, warehouse = fingerprints.of_definition(definition), _warehouse(definition)
            return Definition(text, prints, warehouse, read_parts=read_parts)
        items = self._job_file(definition)
        return Definition(text, fingerprints.of_job_file(items), _warehouse(definition), tuple(items))

    def _job_file(self, definition: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        where = definition["States"][names.RUN_TASKS]["ItemReader"]["Arguments"]
        with aws_errors(f"job file s3://{where['Bucket']}/{where['Key']}"):
            body = self._s3().get_object(Bucket=where["Bucket"], Key=where["Key"])["Body"].read()
        items: list[Mapping[str, Any]] = json.loads(body)
        return items


def _arguments(flow: Mapping[str, Any], state: str) -> Mapping[str, Any] | str | None:
    """What a Task passes to AWS, or JSONata of it, in whichever branch it stands."""
    if state in flow["States"]:
        arguments: Mapping[str, Any] | str = functions.request_of(flow["States"][state])
        return arguments
    branches = (branch for one in flow["States"].values() for branch in one.get("Branches", ()))
    return next((found for branch in branches if (found := _arguments(branch, state)) is not None), None)


def _warehouse(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Where the SQL runs: what the definition names to list statements there."""
    arguments = functions.request_of(definition["States"].get(names.FIND_LEFT, {}))
    return {key: arguments[key] for key in ("ClusterIdentifier", "WorkgroupName", "Database") if key in arguments}
