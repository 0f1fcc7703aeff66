"""From an Airflow connection to the executions of a job."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook
from airflow.providers.amazon.aws.hooks.step_function import StepFunctionHook
from botocore.exceptions import BotoCoreError, ClientError

from elt_redshift.aws.executions import Executions
from elt_redshift.aws.stacks import Stacks


class EltHook(StepFunctionHook):
    """Amazon's Step Functions hook, which also finds a job's state machine and asks the Data API.

    :param aws_conn_id: the Airflow connection; boto3's own search when it does not exist.
    :param region_name: default: the connection's.
    """

    def executions(self, state_machine_arn: str = "") -> Executions:
        """The executions of a state machine; its ARN is needed to start one, not to look at one."""
        return Executions(self.conn, state_machine_arn)

    def state_machine(self, job_name: str, stack: str | None = None) -> str:
        """The ARN of the state machine that a job's stack made.

        :raises NotDeployedError: there is no such stack in the account and region.
        """
        return Stacks(self._other("cloudformation")).find(job_name, stack).state_machine_arn

    def rows(self, statement_id: str) -> int | None:
        """How many rows a finished statement, or a batch, returned or changed; None when that cannot be told: the
        right to ask may be missing, and no task fails for that.

        https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_DescribeStatement.html
        """
        try:
            answer = self._data_api.describe_statement(Id=statement_id)
        except (BotoCoreError, ClientError) as error:
            self.log.info("The rows of statement %s are not known: %s", statement_id, error)
            return None
        parts = answer.get("SubStatements") or [answer]
        known = [part["ResultRows"] for part in parts if part.get("ResultRows", -1) >= 0]
        return sum(known) if known else None

    @cached_property
    def _data_api(self) -> Any:
        return self._other("redshift-data")

    def _other(self, service: str) -> Any:
        return AwsGenericHook(aws_conn_id=self.aws_conn_id, region_name=self.region_name, client_type=service).conn
