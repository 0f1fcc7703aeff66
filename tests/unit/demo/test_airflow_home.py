"""A throwaway Airflow home, without running Airflow."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import pytest

from elt_redshift.demo import airflow_home
from elt_redshift.local.errors import LocalAwsError
from elt_redshift.local.leash import Leash


class Migrations:
    """Stands for `airflow db migrate` on a leash: makes the database, and the configuration of that Airflow version."""

    def __init__(self, status: int | None = 0) -> None:
        self.status, self.environments, self.held = status, list[dict[str, str]](), False

    def __enter__(self) -> Migrations:
        self.held = True
        return self

    def __exit__(self, *_: object) -> None:
        self.held = False

    def start(self, command: list[str], env: dict[str, str], stdout: IO[str], **_: Any) -> Migrations:
        assert self.held
        assert command == [sys.executable, "-m", "airflow", "db", "migrate"]
        self.environments.append(env)
        path = Path(env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].removeprefix("sqlite:///"))
        path.write_text("migrated")
        Path(env["AIRFLOW_HOME"], "airflow.cfg").touch()
        stdout.write("no such revision")
        return self

    def wait(self, seconds: float) -> int:
        if self.status is None:
            raise subprocess.TimeoutExpired("airflow", seconds)
        return self.status


@pytest.fixture
def migrations(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Migrations:
    made = Migrations()
    monkeypatch.setattr(airflow_home, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(airflow_home, "Leash", lambda: made)
    return made


def test_the_database_is_migrated_once_and_copied(migrations: Migrations, tmp_path: Path) -> None:
    """Every home has a database of its own, and only the first one waits for the migration."""
    for name in ("one", "two"):
        environment = airflow_home.prepare(tmp_path / name, tmp_path)
        database = tmp_path / name / "airflow.db"
        assert environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == f"sqlite:///{database}"
        assert database.read_text() == "migrated"
    assert len(migrations.environments) == 1


def test_making_the_database_configures_nothing(migrations: Migrations, tmp_path: Path) -> None:
    """Another Airflow version than the one that made the database may run in the home."""
    airflow_home.prepare(tmp_path / "home", tmp_path)
    assert [file.name for file in (tmp_path / "home").iterdir()] == ["airflow.db"]


@pytest.mark.parametrize(("status", "told"), [(1, "failed: no such"), (None, "not ended after 600 s: no such")])
def test_a_failed_migration_leaves_nothing(
    migrations: Migrations, tmp_path: Path, status: int | None, told: str
) -> None:
    """Airflow's words are told, no process is left, and the next try begins anew."""
    migrations.status = status
    with pytest.raises(LocalAwsError, match=told):
        airflow_home.prepare(tmp_path / "home", tmp_path)
    assert list((tmp_path / "cache").iterdir()) == []
    assert not migrations.held


def test_the_callers_own_airflow_is_kept_out(
    migrations: Migrations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables of another Airflow do not reach this one; others do, and those given go before all."""
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", "aws://elsewhere")
    monkeypatch.setenv("AWS_PROFILE", "own")
    given = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO"}
    environment = airflow_home.prepare(tmp_path / "home", tmp_path / "dags", given)
    assert "AIRFLOW__CORE__EXECUTOR" not in environment
    assert environment["AIRFLOW_CONN_AWS_DEFAULT"] == "aws://"
    assert environment["AWS_PROFILE"] == "own"
    assert environment["AIRFLOW__CORE__DAGS_FOLDER"] == str(tmp_path / "dags")
    assert environment.items() >= given.items()


@pytest.mark.parametrize(("kept", "elsewhere"), [(True, False), (False, True)])
def test_bytecode_is_kept_somewhere(
    migrations: Migrations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: bool, elsewhere: bool
) -> None:
    """Where Python is told not to keep bytecode, Airflow's goes into the cache folder."""
    monkeypatch.delenv("PYTHONPYCACHEPREFIX", raising=False)
    monkeypatch.setattr(sys, "dont_write_bytecode", not kept)
    environment = airflow_home.prepare(tmp_path / "home", tmp_path)
    assert ("PYTHONPYCACHEPREFIX" in environment) == elsewhere


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ({}, []),
        ({"conf": {"year": "1997"}}, ["--conf", '{"year": "1997"}']),
        ({"logical_date": datetime(1998, 1, 1, tzinfo=UTC)}, ["1998-01-01T00:00:00+00:00"]),
    ],
)
def test_dags_test_is_airflows_command(options: dict[str, Any], arguments: list[str]) -> None:
    """The DAG, its conf and its date reach `airflow dags test`, in the environment given."""
    started: list[tuple[Any, Any]] = []

    class Noting(Leash):
        def start(self, command: Sequence[str], **options: Any) -> Any:
            started.append((command, options["env"]))

    airflow_home.dags_test(Noting(), {"A": "b"}, "sales", **options)
    assert started == [([sys.executable, "-m", "airflow", "dags", "test", "sales", *arguments], {"A": "b"})]
