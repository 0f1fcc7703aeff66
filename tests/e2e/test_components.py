"""What tests say of an Airflow whose processes do not live as they should."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from elt_redshift.demo import airflow_home
from elt_redshift.demo.airflow_server import COMPONENTS
from elt_redshift.local.leash import Leash
from tests import bounds
from tests.e2e.airflow_processes import Component, Database, wait_for, watched

DYING = [sys.executable, "-c", "print('no memory left'); raise SystemExit(3)"]


class DyingLeash:
    """Starts a process that says why it ends, whatever it is asked to start."""

    def start(self, command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        process: subprocess.Popen[bytes] = subprocess.Popen(DYING, **options)
        process.wait()
        return process

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """It has ended already."""


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


@pytest.fixture
def triggerer(tmp_path: Path) -> Iterator[Component]:
    component = Component("triggerer", {}, tmp_path, cast(Leash, DyingLeash()), cast(Database, None))
    component.start()
    with watched([component]):
        yield component


def test_a_process_that_ends_ends_the_wait(triggerer: Component) -> None:
    """Even if what is looked at never asks Airflow: the process, its code and its last words are told."""
    looks: list[None] = []
    with pytest.raises(AssertionError, match=r"(?s)triggerer has ended with 3: .*no memory left"):
        wait_for(lambda: len(looks.append(None) or looks) > 1, "the second look")
    assert not looks


def test_a_process_that_a_test_killed_ends_no_wait(triggerer: Component) -> None:
    """Tests kill processes, and wait for what the others do about it."""
    triggerer.kill()
    assert wait_for(lambda: "seen", "something")


def test_a_process_is_watched_within_its_block_only(triggerer: Component) -> None:
    """An Airflow that has been stopped hinders nobody who waits for the next one."""
    triggerer.kill()
    with watched([first := Component("scheduler", {}, triggerer.log.parent, triggerer._leash, triggerer._database)]):
        first.start()
    assert wait_for(lambda: "seen", "something")
