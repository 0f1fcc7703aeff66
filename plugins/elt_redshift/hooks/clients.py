"""From an Airflow connection to boto3 clients."""

from __future__ import annotations

from typing import Any

from elt_redshift.aws.audit import AuditStore
from elt_redshift.aws.statements import Statements
from elt_redshift.hooks.quiet import Quiet


class ClientsHook:
    """The AWS services that the native engine uses, each through Amazon's hook.

    :param aws_conn_id: the Airflow connection; boto3's own search when it does not exist.
    :param region_name: default: the connection's.
    :param verify: whether to verify certificates, or the file of those to trust; default: the connection's.
    :param botocore_config: arguments of botocore's Config; default: the connection's.
    """

    def __init__(
        self,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: dict[str, Any] | None = None,
    ) -> None:
        self._connection: dict[str, Any] = {
            "aws_conn_id": aws_conn_id,
            "region_name": region_name,
            "verify": verify,
            "config": botocore_config,
        }

    def client(self, service: str) -> Any:
        """The boto3 client of ``service``."""
        return Quiet(client_type=service, **self._connection).conn

    def audit(self, table: str) -> AuditStore:
        """The audit table ``table``."""
        return AuditStore(self.client("dynamodb"), table)

    def statements(self) -> Statements:
        """The Redshift Data API."""
        return Statements(self.client("redshift-data"))
