"""What a job's stack has made, as CloudFormation describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from elt_redshift.aws.template import names


@dataclass(frozen=True)
class Deployed:
    """A job's stack: its name and what it made.

    :param history_table: empty where the stack was made by a version that kept no history.
    :param run_end_machine: the ARN of the Express state machine that follows the ends of runs; empty as above.
    :param job_id: the key of the job's item in the audit table.
    :param audit_table: the name of the one in DynamoDB, or the address of the one in Redshift.
    :param shares_table: the audit table is none of the stack's own.
    :param keeps_tables: the tables outlive the stack.
    :param part_machines: the ARNs of the state machines of the job's parts, where it is cut into some.
    :param warehouse_role: the ARN of the role of another account, where the warehouse is in one.
    :param parameters: the values of the template's.
    :param database_user: the one that the role of the state machine is, where it connects as itself.
    """

    job: str
    stack: str
    state_machine_arn: str
    audit_table: str
    history_table: str = ""
    run_end_machine: str = ""
    job_id: str = ""
    shares_table: bool = False
    keeps_tables: bool = True
    database_user: str = ""
    warehouse_role: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict, compare=False)
    part_machines: tuple[str, ...] = ()

    @classmethod
    def of(cls, job: str, stack: Mapping[str, Any]) -> Deployed:
        """From the answer of DescribeStacks for one stack.

        :param job: the name of its job.
        """
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
        given = {one["ParameterKey"]: one.get("ParameterValue", "") for one in stack.get("Parameters", [])}
        return cls(
            job,
            stack["StackName"],
            state_machine_arn=outputs.get("StateMachineArn", ""),
            audit_table=outputs.get("AuditTable", ""),
            history_table=outputs.get("HistoryTable", ""),
            run_end_machine=outputs.get("RunEndStateMachineArn", ""),
            job_id=outputs.get("JobID", ""),
            shares_table=bool({names.AUDIT, names.IN_REDSHIFT} & given.keys()),
            keeps_tables=outputs.get(names.KEPT) != names.SAID[False],
            database_user=outputs.get(names.DATABASE_USER, ""),
            warehouse_role=given.get(names.OTHER_ROLE, ""),
            parameters=given,
            part_machines=tuple(outputs.get(names.PART_MACHINES, "").split()),
        )

    @property
    def is_made(self) -> bool:
        """Whether it has what it is to have; not while it is made, nor where that has failed."""
        return bool(self.state_machine_arn)
