"""Where the embedded AWS is, and moto without what it reads from disk for nobody: half of the time that a start takes.

Moto asks botocore for the regions of each service that it makes, in sessions of its own, each of which reads botocore's
list of endpoints anew, and the service's whole model for the name of its endpoints; EC2's is the largest of all. And it
reads which kinds of machines EC2 offers in each zone of each region.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

REGION = "us-east-1"
ACCOUNT = "123456789012"
"""Whose all resources are. Moto, if it is not told, looks whose key a request has, and makes an IAM with all of AWS's
policies in each partition for that."""
#: EC2's endpoints are named as the service is; its model is botocore's largest.
_NAMED_ALIKE = ("ec2",)


def apply() -> None:
    """Let all sessions of this process know regions from one list of endpoints. Once per process."""
    from botocore import session as botocore

    Session: Any = botocore.Session  # noqa: N806
    asked = Session.get_available_regions

    @functools.cache
    def session() -> Any:
        return Session()

    @functools.cache
    def regions(service_name: str, partition_name: str, allow_non_regional: bool) -> tuple[str, ...]:
        if service_name not in _NAMED_ALIKE:
            return tuple(asked(session(), service_name, partition_name, allow_non_regional))
        endpoints = session()._get_internal_component("endpoint_resolver")  # as get_available_regions does
        return tuple(endpoints.get_available_endpoints(service_name, partition_name, allow_non_regional))

    def get_available_regions(
        self: Any, service_name: str, partition_name: str = "aws", allow_non_regional: bool = False
    ) -> list[str]:
        return list(regions(service_name, partition_name, allow_non_regional))

    Session.get_available_regions = get_available_regions


@contextmanager
def no_machines() -> Iterator[None]:
    """Within the block moto is imported with an EC2 that offers no kind of machine anywhere."""
    from moto.utilities import utils

    read = utils.load_resource

    def load_resource(filename: str) -> Any:
        return [] if "/instance_type_offerings/" in filename else read(filename)

    utils.load_resource = load_resource  # type: ignore[assignment]
    try:
        yield
    finally:
        utils.load_resource = read
