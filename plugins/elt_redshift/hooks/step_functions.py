"""From an Airflow connection to the AWS services of a job."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from airflow.providers.amazon.aws.hooks.step_function import StepFunctionHook

from elt_redshift.aws.account import Account
from elt_redshift.aws.audit import AuditStore
from elt_redshift.aws.definitions import Definitions
from elt_redshift.aws.errors import AwsError
from elt_redshift.aws.executions import Executions
from elt_redshift.aws.job_ref import JobRef
from elt_redshift.aws.statement_status import StatementStatus
from elt_redshift.aws.statements import Statements
from elt_redshift.aws.stopping import stop_and_settle
from elt_redshift.exceptions import EltError
from elt_redshift.hooks.quiet import Quiet
from elt_redshift.protocol.statements import whole


class EltHook(Quiet, StepFunctionHook):
    """Amazon's Step Functions hook, which also finds a job's state machine, its audit table and its statements.

    :param aws_conn_id: the Airflow connection; boto3's own search when it does not exist.
    :param region_name: default: the connection's, as of ``verify`` and ``config``.
    """

    @cached_property
    def account(self) -> Account:
        """What is in AWS, as the connection reaches it."""
        return Account(self.client)

    def client(self, service: str) -> Any:
        """The boto3 client of a service, made once: for each, Airflow is asked for the connection."""
        if service == "stepfunctions":
            return self.conn
        if service not in self._clients:
            self._clients[service] = Quiet(
                self.aws_conn_id,
                client_type=service,
                region_name=self._region_name,
                verify=self._verify,
                config=self._config,
            ).conn
        return self._clients[service]

    @cached_property
    def _clients(self) -> dict[str, Any]:
        """By service."""
        return {}

    def executions(self, state_machine_arn: str = "") -> Executions:
        """The executions of a state machine; its ARN is needed to start one, not to look at one."""
        return self.account.executions(state_machine_arn)

    def state_machine(self, job_name: str, stack: str | None = None) -> str:
        """The ARN of the state machine that a job's stack made.

        :raises NotDeployedError: there is no such stack in the account and region.
        """
        return self.account.stacks.find(job_name, stack).state_machine_arn

    def audit(self, table: str) -> AuditStore:
        """The audit table ``table``."""
        return self.account.audit(table)

    def audit_of(self, job: JobRef) -> AuditStore | None:
        """The job's audit table; None when it cannot be found: its stack is gone, or the right to see it missing."""
        try:
            found = self.account.stacks.find(job.name, job.stack)
        except EltError as error:
            self.log.warning("The audit table of job %s is not known: %s", job.name, error)
            return None
        if job.state_machine_arn not in (None, found.state_machine_arn):
            self.log.warning("Stack %s has another state machine than %s", found.stack, job.state_machine_arn)
            return None
        return self.audit(found.audit_table)

    def executions_of(self, job: JobRef) -> Executions:
        """The executions of a job.

        :raises NotDeployedError: there is no such stack in the account and region.
        """
        return self.executions(job.state_machine_arn or self.state_machine(job.name, job.stack))

    def definitions(self) -> Definitions:
        """State machine definitions, and the job files of large jobs."""
        return self.account.definitions

    def stop(self, job: JobRef, execution_arn: str, cause: str) -> bool:
        """Stop an execution, cancel its statements, settle its lock; whether it still ran.

        :raises AwsError: it could not be stopped.
        """
        audit = self.audit_of(job)
        return stop_and_settle(self.executions(), self.statements(), audit, job.job_id, execution_arn, cause)

    def statements(self) -> Statements:
        """The Redshift Data API."""
        return self.account.statements

    def statement(self, statement_id: str) -> StatementStatus | None:
        """How a statement, or the batch of a part, ended, as Redshift tells; None when it does not: the right to ask
        may be missing, and no task fails for that."""
        try:
            return self.statements().describe(whole(statement_id))
        except AwsError as error:
            self.log.info("Rows and times of statement %s are not known: %s", statement_id, error)
            return None
