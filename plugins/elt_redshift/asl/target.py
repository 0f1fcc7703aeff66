"""Where a definition will run: the warehouse, the audit table, the partition.

Names are placeholders, such as ``${DatabaseName}``; who deploys a definition puts what it has in their stead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

#: Stands for the role that COPY and UNLOAD use; filled when the job is deployed.
ROLE_PLACEHOLDER = "${RedshiftIAMRoleARN}"


@dataclass(frozen=True)
class Target:
    """What a definition depends on beside its job, and what it calls the rest.

    :cvar connection: the members of a Data API request that say where to run, as the article has them. A template
        makes a workgroup or a secret of them where its parameters say so.
    :cvar audit_table: the name of the DynamoDB audit table.
    :cvar history_table: the name of the DynamoDB table of past runs.
    :cvar join_table: the name of the DynamoDB table of join items; only graphs with joins, and the map layout, use it.
    :cvar topic: the ARN of the topic of notifications, of a job that has one of its own.
    :cvar job_file_bucket: the S3 bucket of the job file; only the map layout reads it.
    :cvar job_file_key: the job file's key.
    :cvar sql_function: the ARN of the function that runs the SQL, where the job has functions.
    :cvar state_function: the ARN of the one that reads and sets the audit state.
    :cvar role: of the warehouse, for COPY and UNLOAD; in the map layout, where SQL is not part of the definition.
    :cvar warehouse_role: the ARN of the role that the Data API is called as, of a warehouse in another account.
    :cvar follower: the ARN of the machine that follows statements, of a job whose tasks are followed.
    :param partition: ``aws``, ``aws-cn`` or ``aws-us-gov``.
    :param other_account: whether the warehouse is in another account, whose role the calls assume.
    :param long_polling: whether Step Functions knows the Data API's ``WaitTimeSeconds``; if not, every task polls.
    """

    connection: ClassVar[Mapping[str, str]] = {
        "ClusterIdentifier": "${RedshiftClusterIdentifier}",
        "DbUser": "${DatabaseUserName}",
        "Database": "${DatabaseName}",
    }
    audit_table: ClassVar[str] = "${AuditTable}"
    history_table: ClassVar[str] = "${HistoryTable}"
    join_table: ClassVar[str] = "${JoinTable}"
    topic: ClassVar[str] = "${NotificationTopic}"
    job_file_bucket: ClassVar[str] = "${JobFileBucket}"
    job_file_key: ClassVar[str] = "${JobFileKey}"
    sql_function: ClassVar[str] = "${SqlFunction}"
    state_function: ClassVar[str] = "${StateFunction}"
    role: ClassVar[str] = ROLE_PLACEHOLDER
    warehouse_role: ClassVar[str] = "${WarehouseRoleArn}"
    follower: ClassVar[str] = "${FollowerStateMachine}"

    @staticmethod
    def part(number: int) -> str:
        """The ARN of the machine of the ``number``-th part, of a job that is cut into parts."""
        return f"${{Part{number}StepFunction}}"

    partition: str = "aws"
    long_polling: bool = True
    other_account: bool = False

    @property
    def warehouse(self) -> dict[str, Any]:
        """The members of ``connection`` by which ``ListStatements`` filters; it takes no credentials."""
        return {key: value for key, value in self.connection.items() if key != "DbUser"}
