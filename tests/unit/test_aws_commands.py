"""What the pages have readers type into AWS's command line is what AWS's service models know."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_CALL = re.compile(r"(?:^|\$\()\s*(aws [^)\n]*)", re.MULTILINE)

#: Commands that the command line makes of several calls, with the options that pages use.
_OWN = {
    ("s3", "sync"): set[str](),
    ("s3", "cp"): set[str](),
    ("cloudformation", "deploy"): {"stack-name", "template-file", "capabilities", "parameter-overrides"},
}
#: Names that the command line has of its own: of services, and of members that are its own options' names.
_SERVICES = {"s3api": "s3"}
_MEMBERS = {("sns", "subscribe", "notification-endpoint"): "endpoint"}
#: Options of every command.
_ALWAYS = {"query", "output", "profile", "region"}


def _commands() -> Iterator[str]:
    for page in sorted(DOCS.glob("*.md")):
        for block in _BLOCK.findall(page.read_text()):
            yield from _CALL.findall(block.replace("\\\n", " "))


@pytest.mark.parametrize("command", sorted({*_commands()}))
def test_a_command_and_its_options_exist(command: str) -> None:
    """A reader can type them."""
    _, service, operation, *rest = shlex.split(command, comments=True)
    given = {one[2:] for one in rest if one.startswith("--")} - _ALWAYS
    if (known := _OWN.get((service, operation))) is None:
        model = botocore.session.get_session().get_service_model(_SERVICES.get(service, service))
        names = {xform_name(name, "-"): name for name in model.operation_names}
        shape = model.operation_model(names[operation]).input_shape
        known = {xform_name(member, "-") for member in shape.members}
    members = {_MEMBERS.get((service, operation, one), one).removeprefix("no-") for one in given}
    assert members <= known


def test_there_are_such_commands() -> None:
    """The pages are read as they are written."""
    assert len({*_commands()}) >= 8
