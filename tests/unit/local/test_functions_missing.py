"""Without the client of Lambda's Runtime API, functions are refused with what to do."""

from __future__ import annotations

import importlib.util
from types import SimpleNamespace
from typing import Any

import pytest

from elt_redshift.local import awslambda
from elt_redshift.local.cloudformation.errors import ResourceError
from elt_redshift.local.cloudformation.resources import handler


def test_functions_are_refused_where_nothing_can_run_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """By CloudFormation, before any is made, and by an invocation of one that was made otherwise."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    context: Any = SimpleNamespace(logical_id="Function")
    function = handler("AWS::Lambda::Function")
    assert function
    with pytest.raises(ResourceError, match="awslambdaric"):
        function.create(context, {"Code": {}, "Role": "r", "Runtime": "python3.13"})
    outcome = awslambda.FUNCTIONS.invoke(None, b"{}")
    assert outcome.failed
    assert b"awslambdaric" in outcome.payload
