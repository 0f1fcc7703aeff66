"""Where AWS's consoles show something."""

from __future__ import annotations

from typing import TypeVar

_Part = TypeVar("_Part")

#: The consoles' domain in each partition of AWS.
DOMAINS = {"aws": "aws.amazon.com", "aws-cn": "amazonaws.cn", "aws-us-gov": "amazonaws-us-gov.com"}


def execution_page(partition: str, region: _Part, execution_arn: _Part) -> tuple[_Part | str, ...]:
    """The address of an execution's page in the Step Functions console, in pieces to be joined: as texts, or as code of
    a state machine that computes them."""
    return (*console(partition, region), "/states/home?region=", region, "#/v2/executions/details/", execution_arn)


def console(partition: str, region: _Part) -> tuple[_Part | str, ...]:
    """Where the consoles of a partition and region are, in such pieces."""
    domain = DOMAINS.get(partition, DOMAINS["aws"])
    return ("https://", region, f".console.{domain}") if partition == "aws" else (f"https://console.{domain}",)
