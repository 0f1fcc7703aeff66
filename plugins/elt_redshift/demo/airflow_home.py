"""A small Airflow for demos and tests: a throwaway home on SQLite, and DAG runs in one process.

Airflow itself is only ever run as a command; this module imports none of it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from elt_redshift.local.errors import LocalAwsError
from elt_redshift.local.leash import Leash

MIGRATE_SECONDS = 600.0
SQL_ALCHEMY_CONN = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"

#: Variables of the caller's own Airflow that would lead ours astray begin with one of these.
_FOREIGN = ("AIRFLOW__", "AIRFLOW_CONN_", "AIRFLOW_VAR_", "AIRFLOW_HOME", "AIRFLOW_CONFIG", "OPENLINEAGE")


def prepare(
    directory: str | Path, dags_folder: str | Path, environment: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Make an Airflow home with a migrated database, and give the environment in which to run Airflow there.

    Airflow needs up to 20 s to make a database, so that one is made once per Airflow version and copied from then on
    (see :func:`cache_folder`).

    :param directory: the home; created if need be. An older database in it is replaced.
    :param dags_folder: the folder of the DAG files.
    :param environment: variables beside the caller's own, such as those that lead to an embedded AWS.
    :raises LocalAwsError: Airflow cannot make a database; its last words are in the message.
    """
    home = Path(directory).resolve()
    home.mkdir(parents=True, exist_ok=True)
    made = variables(home, dags_folder, environment or {})
    shutil.copyfile(_migrated(made), home / "airflow.db")
    return made


def dags_test(
    leash: Leash,
    environment: Mapping[str, str],
    dag_id: str,
    conf: Mapping[str, Any] | None = None,
    logical_date: datetime | None = None,
    output: IO[Any] | int | None = None,
) -> subprocess.Popen[Any]:
    """Start ``airflow dags test``: one DAG run, task after task, in one process; it exits 0 when the run succeeds.

    https://airflow.apache.org/docs/apache-airflow/stable/core-concepts/debug.html

    :param leash: with which it ends, if not before.
    :param environment: what :func:`prepare` gave.
    :param conf: the DAG run's conf; values of Params go here.
    :param logical_date: default: now.
    :param output: where it prints, as ``subprocess`` takes it; default: where the caller does.
    """
    command = [*_airflow(), "dags", "test", dag_id]
    command += [logical_date.isoformat()] if logical_date else []
    command += ["--conf", json.dumps(dict(conf))] if conf else []
    errors = None if output is None else subprocess.STDOUT
    return leash.start(command, env=dict(environment), stdout=output, stderr=errors, text=True)


def variables(home: Path, dags_folder: str | Path, more: Mapping[str, str]) -> dict[str, str]:
    """The environment in which to run Airflow at a home, as :func:`prepare` gives it; nothing is made.

    :param more: variables that go before all others.
    """
    own = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    package = str(Path(__file__).resolve().parents[2])
    paths = [package, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {
        **own,
        **_bytecode(),
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)),
        "PYTHONWARNINGS": "ignore",  # Airflow's own deprecations
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(Path(dags_folder).resolve()),
        "AIRFLOW__CORE__PLUGINS_FOLDER": package,
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        SQL_ALCHEMY_CONN: f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
        "AIRFLOW__DATABASE__CHECK_MIGRATIONS": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRFLOW_CONN_AWS_DEFAULT": "aws://",  # boto3's own search, without asking the database
        **more,
    }


def migrate(environment: Mapping[str, str]) -> None:
    """Make the tables of Airflow's database that the environment names.

    Airflow writes down a configuration when it does that, with its defaults as if somebody had chosen them: so it has a
    home of its own for that. It is within the other, with which it goes if this process is killed.

    :raises LocalAwsError: Airflow cannot; its last words are in the message.
    """
    home = Path(environment["AIRFLOW_HOME"])
    home.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=home) as elsewhere,
        tempfile.TemporaryFile("w+", errors="replace") as printed,
        Leash() as leash,
    ):
        own = {**environment, "AIRFLOW_HOME": elsewhere}
        made = leash.start([*_airflow(), "db", "migrate"], env=own, stdout=printed, stderr=subprocess.STDOUT)
        try:
            failed = "failed" if made.wait(MIGRATE_SECONDS) else ""
        except subprocess.TimeoutExpired:
            failed = f"had not ended after {MIGRATE_SECONDS:g} s"
        if failed:
            printed.seek(0)
            raise LocalAwsError(f"airflow db migrate {failed}: {printed.read()[-2000:].strip()}")


def cache_folder() -> Path:
    """Where migrated databases are kept: in the virtual environment, which goes when its Airflow goes; without one that
    can be written to, in the user's cache folder."""
    if sys.prefix != sys.base_prefix and os.access(sys.prefix, os.W_OK):
        return Path(sys.prefix) / "share" / "elt-redshift"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "elt-redshift"


def _airflow() -> list[str]:
    return [sys.executable, "-m", "airflow"]


def _bytecode() -> dict[str, str]:
    """Airflow imports 2,000 modules: where Python may not keep bytecode beside them, it is kept in the cache folder."""
    if not sys.dont_write_bytecode:
        return {}
    return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(cache_folder() / "bytecode")}


def _migrated(environment: Mapping[str, str]) -> Path:
    """The database of this Airflow version, made if need be. It is put in place in one step, so that several processes
    may want it at once."""
    database = cache_folder() / f"airflow-{version('apache-airflow')}.db"
    if database.exists():
        return database
    database.parent.mkdir(parents=True, exist_ok=True)
    draft = database.with_suffix(f".{os.getpid()}")
    try:
        migrate({**environment, SQL_ALCHEMY_CONN: f"sqlite:///{draft}"})
        draft.replace(database)
    finally:
        draft.unlink(missing_ok=True)
    return database
