"""What our operators share: the connection to AWS, under the names that Amazon's operators have for it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from elt_redshift.airflow_compat import AirflowException, BaseOperator
from elt_redshift.hooks.connection import Connection

if TYPE_CHECKING:
    from elt_redshift.hooks.step_functions import EltHook


class ConnectedOperator(BaseOperator):
    """Has a connection to AWS, which it is told by :meth:`_connect`.

    It has no ``__init__``, at each level of which Airflow looks through all defaults of a DAG: that counts for the
    operator of which a DAG has many.
    """

    template_fields: Sequence[str] = ("aws_conn_id", "region_name", "verify")

    aws_conn_id: str | None = None
    region_name: str | None = None
    verify: bool | str | None = None
    botocore_config: dict[str, Any] | None = None

    def _connect(
        self,
        aws_conn_id: str | None,
        region_name: str | None,
        verify: bool | str | None,
        botocore_config: dict[str, Any] | None,
    ) -> Connection:
        connection = Connection(aws_conn_id, region_name, verify, botocore_config)
        vars(self).update(connection.arguments)  # past Airflow's __setattr__, which has nothing to do with them
        if not isinstance(botocore_config, dict | None):
            kind = type(botocore_config).__name__
            raise AirflowException(
                f"Task {self.task_id}: botocore_config is of type {kind}; give a dict, which a trigger can store."
            )
        return connection

    @property
    def connection(self) -> Connection:
        return Connection.of(self)

    @cached_property
    def hook(self) -> EltHook:
        return self.connection.hook()


class AwsOperator(ConnectedOperator):
    """An operator over AWS.

    :param aws_conn_id: the Airflow connection to AWS.
    :param region_name: default: the connection's.
    :param verify: whether to verify certificates, or the file of those to trust; default: the connection's.
    :param botocore_config: arguments of botocore's Config, a dict; default: the connection's.
    """

    def __init__(
        self,
        *,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._connect(aws_conn_id, region_name, verify, botocore_config)
