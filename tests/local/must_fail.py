"""Tests that run a second time where they must fail: on moto as it ships, and on ours with one patch left out.

A test that is to fail there says of what, so that a server that does not answer, or a fixture that breaks, is no proof.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from tests.local.stepfunctions import proofs

#: Marks a test of what moto lacks: on moto as it ships, which `make moto` asks, it must fail with one of these texts.
beyond_stock = pytest.mark.beyond_stock
EMBEDDED = "embedded"
STOCK = "stock"
WITHOUT = "without "

_SERVERS = ("aws", "client")


def short(target: str) -> str:
    """What tests call a patch: the class, or the module, and the name of what it replaces."""
    return ".".join(target.split(".")[-2:])


def servers(metafunc: pytest.Metafunc) -> None:
    """Give a test the servers it runs on, by the fixture that stands for one of them."""
    definition = metafunc.definition
    stock = [
        pytest.param(STOCK, marks=[pytest.mark.stock, pytest.mark.must_fail(*mark.args)])
        for mark in definition.iter_markers("beyond_stock")
    ]
    less = [
        pytest.param(
            f"{WITHOUT}{patch}", marks=[pytest.mark.exhaustive, pytest.mark.nightly, pytest.mark.must_fail("")]
        )
        for patch, test in proofs.PROOFS.items()
        if test.partition("[")[0] == definition.name
    ]
    if stock or less:
        fixture = next(name for name in _SERVERS if name in metafunc.fixturenames)
        metafunc.parametrize(fixture, [EMBEDDED, *stock, *less], indirect=True)


def proves(item: pytest.Item) -> bool:
    """False for a case of a test that need not fail without the patch that it is run without."""
    if not isinstance(item, pytest.Function) or not (callspec := getattr(item, "callspec", None)):
        return True
    server, case = str(callspec.params.get("aws", "")), callspec.id
    needed = proofs.PROOFS.get(server.removeprefix(WITHOUT), "").partition("[")[2].removesuffix("]")
    return not server.startswith(WITHOUT) or case.replace(server, "").endswith(needed) or f"{needed}-" in case


def expect(item: pytest.Function) -> Generator[None, Any, Any]:
    """Around a test's call: one that is marked ``must_fail`` passes if it fails with one of the mark's texts."""
    mark = item.get_closest_marker("must_fail")
    if mark is None:
        return (yield)
    try:
        yield
    except (Exception, pytest.fail.Exception) as error:
        told = f"{type(error).__name__}: {error}"
        if not any(text in told for text in mark.args):
            raise
        return True
    pytest.fail("it passes where it must fail")
