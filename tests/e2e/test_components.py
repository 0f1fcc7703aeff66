"""What tests say of an Airflow whose processes do not live as they should."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from elt_redshift.demo import airflow_home
from elt_redshift.demo.airflow_server import COMPONENTS
from elt_redshift.local.leash import Leash
from tests import bounds
from tests.e2e.airflow_processes import Component


@pytest.fixture
def environment(tmp_path: Path) -> Mapping[str, str]:
    return airflow_home.variables(tmp_path, tmp_path, {})


def test_a_process_that_has_ended_is_told_with_its_last_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, environment: Mapping[str, str]
) -> None:
    """Nothing is waited for that a process would do which is no more, unless the test itself has killed it."""
    monkeypatch.setitem(COMPONENTS, "triggerer", ["no-such-command"])
    with Leash() as leash:
        triggerer = Component("triggerer", environment, tmp_path, leash, database=None)
        triggerer.start()
        assert triggerer.process.wait(bounds.AIRFLOW) != 0
        with pytest.raises(AssertionError, match=r"Airflow's triggerer has ended with \d+: (.|\n)*no-such-command"):
            triggerer.check()
        triggerer.kill()
        triggerer.check()
