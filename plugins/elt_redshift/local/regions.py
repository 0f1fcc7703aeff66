"""Where the embedded AWS is, and moto without what it reads from disk for nobody: half of the time that a start takes.

Moto and the clients of its interpreter each read botocore's list of endpoints and the services' models anew, some
several times. Of EC2 it wants the regions, for which botocore reads its largest model, to learn how EC2's endpoints are
called. And it reads which kinds of machines EC2 offers in each zone of each region.
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
    """Let each of botocore's files be read once, and the largest not at all. Once per process."""
    from botocore import loaders, session

    files: Any = loaders.JSONFileLoader
    sessions: Any = session.Session
    read, regions_of = files.load_file, sessions.get_available_regions

    @functools.cache
    def load_file(path: str) -> Any:
        return read(files(), path)

    def get_available_regions(
        self: Any, service_name: str, partition_name: str = "aws", allow_non_regional: bool = False
    ) -> Any:
        asked = service_name, partition_name, allow_non_regional
        if service_name not in _NAMED_ALIKE:
            return regions_of(self, *asked)
        return self._get_internal_component("endpoint_resolver").get_available_endpoints(*asked)

    files.load_file = lambda self, path: load_file(path)
    sessions.get_available_regions = get_available_regions


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
