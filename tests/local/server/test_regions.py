"""What a start does not read changes no answer that anybody asks for."""

from __future__ import annotations

import pytest
from botocore.loaders import JSONFileLoader
from botocore.session import Session

from elt_redshift.local import regions

ASKED = [("ec2", "aws"), ("ec2", "aws-cn"), ("dynamodb", "aws"), ("stepfunctions", "aws-us-gov"), ("unheard-of", "aws")]


def test_regions_are_botocores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each session knows the regions of a service that botocore's own way finds, in each partition."""
    told = [Session().get_available_regions(*asked) for asked in ASKED]
    assert sum(map(bool, told)) == len(ASKED) - 1
    monkeypatch.setattr(Session, "get_available_regions", Session.get_available_regions)  # put back at the end
    monkeypatch.setattr(JSONFileLoader, "load_file", JSONFileLoader.load_file)
    regions.apply()
    assert [Session().get_available_regions(*asked) for asked in ASKED] == told
    assert [Session().get_available_regions(*asked) for asked in ASKED] == told
