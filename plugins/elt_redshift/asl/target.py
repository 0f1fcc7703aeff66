"""Where a definition will run: the warehouse, the audit table, the partition.

The values are opaque to the compiler, so they can be names (``"my-cluster"``), placeholders
(``"${RedshiftClusterIdentifier}"``) or CloudFormation intrinsics (``{"Ref": "DatabaseName"}``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: Stands for the role that COPY and UNLOAD use; filled when the job is deployed.
ROLE_PLACEHOLDER = "${RedshiftIAMRoleARN}"


def _placeholders() -> dict[str, Any]:
    return {
        "ClusterIdentifier": "${RedshiftClusterIdentifier}",
        "DbUser": "${DatabaseUserName}",
        "Database": "${DatabaseName}",
    }


@dataclass(frozen=True)
class Target:
    """The warehouse and the audit table that a definition names.

    :param connection: the members of a Data API request that say where to run: ``Database`` and ``ClusterIdentifier``
        or ``WorkgroupName``, and ``DbUser`` or ``SecretArn``.
    :param audit_table: the name of the DynamoDB audit table.
    :param join_table: the name of the DynamoDB table of join items; only graphs with joins, and the map layout, use it.
    :param job_file_bucket: the S3 bucket of the job file; only the map layout reads it.
    :param job_file_key: the job file's key.
    :param role: of the warehouse, for COPY and UNLOAD; in the map layout, where SQL is not part of the definition.
    :param partition: ``aws``, ``aws-cn`` or ``aws-us-gov``.
    :param long_polling: whether Step Functions knows the Data API's ``WaitTimeSeconds``; if not, every task polls.
    """

    connection: Mapping[str, Any] = field(default_factory=_placeholders)
    audit_table: Any = "${AuditTable}"
    partition: str = "aws"
    long_polling: bool = True
    join_table: Any = "${JoinTable}"
    job_file_bucket: Any = "${JobFileBucket}"
    job_file_key: Any = "${JobFileKey}"
    role: Any = ROLE_PLACEHOLDER

    @property
    def warehouse(self) -> dict[str, Any]:
        """The members of ``connection`` by which ``ListStatements`` filters; it takes no credentials."""
        return {key: value for key, value in self.connection.items() if key not in ("DbUser", "SecretArn")}
