"""The small parts of the process: version check, state file, watchdog, locks, environment."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path

import pytest

from elt_redshift.local import process, state, versions, watchdog
from elt_redshift.local.errors import LocalAwsError
from elt_redshift.local.process import LocalAws

PYPROJECT = Path(__file__).parents[3] / "pyproject.toml"
AWS = LocalAws("http://127.0.0.1:4599", 42, 4599, "postgresql://", "/nowhere", "/nowhere/data", "token")


def test_moto_is_pinned_to_the_version_of_the_patches() -> None:
    """The extra installs exactly the moto that the patches were written for."""
    extra = tomllib.loads(PYPROJECT.read_text())["project"]["optional-dependencies"]["local"]
    assert f"moto[server]=={versions.MOTO_VERSION}" in extra
    versions.check_moto_version()


def test_another_moto_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names both versions and the remedy."""
    monkeypatch.setattr(versions, "MOTO_VERSION", "4.0.0")
    with pytest.raises(LocalAwsError, match=r"needs moto 4\.0\.0, found .*\[local\]"):
        versions.check_moto_version()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"endpoint": "x"}', '{"unknown": 1}'])
def test_a_state_file_of_another_kind_is_none(tmp_path: Path, text: str) -> None:
    """A local.json that was cut off or comes from another version is not trusted, and not an error."""
    (tmp_path / state.STATE_FILE).write_text(text)
    assert state.read(tmp_path) is None


def test_the_state_file_keeps_everything(tmp_path: Path) -> None:
    """What is written is what is read."""
    state.write(tmp_path, AWS)
    assert state.read(tmp_path) == AWS
    state.forget(tmp_path)
    state.forget(tmp_path)
    assert state.read(tmp_path) is None


def test_the_watchdog_leaves_the_successors_state_alone(tmp_path: Path) -> None:
    """local.json is removed only if it speaks of the server that ended."""
    file = tmp_path / state.STATE_FILE
    file.write_text(json.dumps({"pid": 2}))
    watchdog.forget(file, 1)
    assert file.exists()
    watchdog.forget(file, 2)
    assert not file.exists()


@pytest.mark.parametrize(("writes", "removed"), [(3, True), (10**6, False)])
def test_the_watchdog_insists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int, removed: bool) -> None:
    """A folder into which a dying process still writes is removed in the end, unless that never stops."""
    folder = tmp_path / "data"
    now, left = iter(range(10**6)), iter(range(writes))
    remove = shutil.rmtree

    def remove_then_write(path: Path, ignore_errors: bool) -> None:
        remove(path, ignore_errors=ignore_errors)
        if next(left, None) is not None:
            path.mkdir()

    monkeypatch.setattr(watchdog.shutil, "rmtree", remove_then_write)
    watchdog.remove(folder, clock=lambda: float(next(now)), sleep=lambda seconds: None)
    assert folder.exists() is not removed


def test_a_busy_folder_is_named(tmp_path: Path) -> None:
    """When another up or down holds the folder for too long, the error says so instead of waiting for ever."""
    time = iter(range(100))
    slept: list[float] = []
    with (
        state.control(tmp_path, 5, lambda: 0.0, slept.append),
        pytest.raises(LocalAwsError, match="busy with"),
        state.control(tmp_path, 5, lambda: float(next(time)), slept.append),
    ):
        pytest.fail("two at once")
    assert slept == [state.LOCK_POLL_SECONDS] * 4


def test_environment_leads_to_the_endpoint() -> None:
    """The variables that boto3 reads, and no others."""
    assert process.environment(AWS) == {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4599",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
