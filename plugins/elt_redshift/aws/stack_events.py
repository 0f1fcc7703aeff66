"""What CloudFormation tells of a stack while it is made, changed or deleted.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackEvents.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from elt_redshift.aws.errors import AwsError, aws_errors


@dataclass(frozen=True)
class StackEvent:
    """What became of a resource, such as ``CREATE_FAILED``; of the stack itself too, under its own name.

    :param reason: CloudFormation's words; empty where there are none.
    """

    resource: str
    type: str
    status: str
    reason: str = ""

    @property
    def failed(self) -> bool:
        """Whether the resource failed by itself: others are cancelled with it."""
        return self.status.endswith("_FAILED") and bool(self.reason) and " cancelled" not in self.reason


class StackEvents:
    """The events of a stack from now on.

    :param client: a boto3 CloudFormation client.
    :param stack: its name, or its id, which is known after its end too.
    """

    def __init__(self, client: Any, stack: str) -> None:
        self._client, self._stack = client, stack
        newest = self._unseen(None, pages=1)
        self._seen: str | None = newest[0]["EventId"] if newest else None

    def news(self) -> list[StackEvent]:
        """Those that have come since this was asked last, the oldest first."""
        found = self._unseen(self._seen)
        if found:
            self._seen = found[0]["EventId"]
        return [_event(one) for one in reversed(found)]

    def _unseen(self, seen: str | None, pages: int | None = None) -> list[Mapping[str, Any]]:
        """The events before the one with the id ``seen``, the newest first."""
        found: list[Mapping[str, Any]] = []
        try:
            with aws_errors(f"stack {self._stack}"):
                for number, page in enumerate(
                    self._client.get_paginator("describe_stack_events").paginate(StackName=self._stack), 1
                ):
                    for event in page["StackEvents"]:
                        if event["EventId"] == seen:
                            return found
                        found.append(event)
                    if number == pages:
                        break
        except AwsError as error:
            if error.code != "ValidationError":  # there is no such stack yet
                raise
        return found


def _event(told: Mapping[str, Any]) -> StackEvent:
    return StackEvent(
        told["LogicalResourceId"],
        told.get("ResourceType", ""),
        told["ResourceStatus"],
        told.get("ResourceStatusReason") or "",
    )
