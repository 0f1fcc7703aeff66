"""State machine definitions as Step Functions has them: the deployed one, and the one that an execution runs.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeStateMachineForExecution.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from elt_redshift.asl import fingerprints, functions
from elt_redshift.asl.fingerprints import Fingerprints
from elt_redshift.asl.language import jsonata, names
from elt_redshift.aws.errors import aws_errors
from elt_redshift.protocol import fence


@dataclass(frozen=True)
class Definition:
    """A definition, and what it says of its tasks.

    :param text: as Step Functions gives it.
    :param prints: the tasks' fingerprints; None of a definition that an older version of the package made.
    :param warehouse: the members of a Data API request that say where the SQL runs.
    :param items: of the job file, in the map layout.
    """

    text: str
    prints: Fingerprints | None
    warehouse: Mapping[str, Any]
    items: tuple[Mapping[str, Any], ...] = ()

    def statements(self, task: str) -> tuple[str, ...]:
        """The SQL of a task, as it is deployed; nothing where there is no such task."""
        if self.items:
            return next((tuple(item["statements"]) for item in self.items if item["name"] == task), ())
        arguments = _arguments(json.loads(self.text), names.in_states(task)) or {}
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
        with aws_errors(f"state machine {state_machine_arn}"):
            return self._read(self._client.describe_state_machine(stateMachineArn=state_machine_arn))

    def of_run(self, execution_arn: str) -> Definition:
        """The definition that an execution runs or ran.

        :raises AwsError: AWS refused a call.
        """
        with aws_errors(f"execution {execution_arn}"):
            return self._read(self._client.describe_state_machine_for_execution(executionArn=execution_arn))

    def _read(self, answer: Mapping[str, Any]) -> Definition:
        text = str(answer["definition"])
        definition = json.loads(text)
        if names.RUN_TASKS not in definition["States"]:
            return Definition(text, fingerprints.of_definition(definition), _warehouse(definition))
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
