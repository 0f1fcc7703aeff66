"""How to reach AWS, as operators, sensors and triggers are told it: by the arguments that Amazon's take.

It imports nothing of Amazon's before it makes a hook, so that DAG files are cheap to parse
(docs/adr/0003-cheap-dag-files.md).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from elt_redshift.hooks.step_functions import EltHook


@dataclass(frozen=True)
class Connection:
    """A connection to AWS.

    :param aws_conn_id: the Airflow connection; boto3's own search when it does not exist.
    :param region_name: default: the connection's.
    :param verify: whether to verify certificates, or the file of those to trust; default: the connection's.
    :param botocore_config: arguments of botocore's Config; default: the connection's.
    """

    aws_conn_id: str | None = "aws_default"
    region_name: str | None = None
    verify: bool | str | None = None
    botocore_config: dict[str, Any] | None = None

    @classmethod
    def of(cls, holder: Any) -> Connection:
        """That of an operator or a trigger, which has an attribute for each part."""
        return cls(*(getattr(holder, field.name) for field in fields(cls)))

    @property
    def arguments(self) -> ConnectionArguments:
        """The parts by their names."""
        return ConnectionArguments(
            aws_conn_id=self.aws_conn_id,
            region_name=self.region_name,
            verify=self.verify,
            botocore_config=self.botocore_config,
        )

    @property
    def key(self) -> str:
        """The same for equal connections only."""
        return json.dumps(self.arguments, sort_keys=True, default=str)

    @property
    def templated(self) -> bool:
        """Whether a part is a Jinja template, which only a worker fills in."""
        parts = (self.aws_conn_id, self.region_name, self.verify)
        return any(isinstance(part, str) and ("{{" in part or "{%" in part) for part in parts)

    def hook(self) -> EltHook:
        """The hook to AWS's services."""
        from elt_redshift.hooks.step_functions import EltHook  # boto3: half a second that a DAG file does not wait for

        return EltHook(
            aws_conn_id=self.aws_conn_id,
            region_name=self.region_name,
            verify=self.verify,
            config=self.botocore_config,
        )


class ConnectionArguments(TypedDict, total=False):
    """What a :class:`Connection` is made of."""

    aws_conn_id: str | None
    region_name: str | None
    verify: bool | str | None
    botocore_config: dict[str, Any] | None
