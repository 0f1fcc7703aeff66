"""Let Step Functions judge a definition before anything is deployed.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_ValidateStateMachineDefinition.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from elt_redshift.asl.compiler import compile_job
from elt_redshift.asl.machine import StateMachine
from elt_redshift.asl.target import Target
from elt_redshift.aws.errors import aws_errors
from elt_redshift.exceptions import EltError
from elt_redshift.job.model import EltJob


@dataclass(frozen=True)
class Diagnostic:
    """One finding: ``severity`` is ERROR or WARNING, ``location`` a path such as ``/States/load_fact``."""

    severity: str
    code: str
    message: str
    location: str

    def __str__(self) -> str:
        return f"{self.location or '/'}: {self.message} ({self.code})"


class InvalidDefinitionError(EltError):
    """Step Functions refuses the definition of ``job_name``; ``diagnostics`` say why."""

    def __init__(self, job_name: str, diagnostics: tuple[Diagnostic, ...]) -> None:
        self.job_name, self.diagnostics = job_name, diagnostics
        super().__init__(f"Step Functions refuses the definition of job {job_name}: {'; '.join(map(str, diagnostics))}")


def compile_accepted(client: Any, job: EltJob, warehouse_role: str = "") -> StateMachine:
    """The job, compiled so that Step Functions takes it in the client's region: with long polls, if it can.

    It knows the Data API's parameters from a copy of the service's model, which may be older than
    ``WaitTimeSeconds``. Then the job is compiled without it.

    :param client: a boto3 Step Functions client.
    :param warehouse_role: ARN of the role of another account, where the warehouse is in one.
    :raises InvalidDefinitionError: the definition is refused for another reason.
    :raises JobError: the job cannot be compiled.
    """
    target = Target(partition=client.meta.partition, other_account=bool(warehouse_role))
    machine = compile_job(job, target)
    errors = _errors(client, machine, warehouse_role)
    if errors and all("WaitTimeSeconds" in error.message for error in errors):
        machine = compile_job(job, replace(target, long_polling=False))
        errors = _errors(client, machine, warehouse_role)
    if errors:
        raise InvalidDefinitionError(job.name, errors)
    return machine


def _errors(client: Any, machine: StateMachine, warehouse_role: str) -> tuple[Diagnostic, ...]:
    # A state's role is no argument, for which any text might do.
    standard = json.dumps(machine.definition()).replace(Target.warehouse_role, warehouse_role)
    found = [*_diagnostics(client, machine.job, standard, "STANDARD")]
    if machine.events:
        found += _diagnostics(client, machine.job, json.dumps(machine.answering()), "EXPRESS")
    if machine.has_follower:
        following = json.dumps(machine.following()).replace(Target.warehouse_role, warehouse_role)
        found += _diagnostics(client, machine.job, following, "STANDARD")
    for part in machine.parts:
        definition = json.dumps(part.definition()).replace(Target.warehouse_role, warehouse_role)
        found += _diagnostics(client, machine.job, definition, "STANDARD")
    return tuple(diagnostic for diagnostic in found if diagnostic.severity == "ERROR")


def _diagnostics(client: Any, job: EltJob, definition: str, kind: str) -> Iterator[Diagnostic]:
    with aws_errors(f"definition of job {job.name}"):
        answer = client.validate_state_machine_definition(definition=definition, type=kind)
    for one in answer["diagnostics"]:
        yield Diagnostic(one["severity"], one["code"], one["message"], one.get("location", ""))
