"""One embedded AWS and one real Airflow for the tests that drive its processes: both together take a minute to start.
They end with this folder's tests, since an Airflow with nothing to do keeps looking whether there is something.

Each file of tests brings jobs and DAG files of its own, which Airflow finds while it runs, see ``Airflow.add``.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from elt_redshift.local import process
from elt_redshift.local.process import LocalAws
from tests.e2e import airflow_processes
from tests.e2e.airflow_processes import Airflow
from tests.servers import embedded_aws


@pytest.fixture(scope="package")
def aws() -> Iterator[LocalAws]:
    """An embedded AWS for the tests of this folder."""
    with embedded_aws() as running:
        yield running


@pytest.fixture(scope="package")
def airflow(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    """Airflow, as yet without DAGs."""
    folder = tmp_path_factory.mktemp("airflow")
    (folder / "dags").mkdir()
    with airflow_processes.running(folder / "home", folder / "dags", process.environment(aws)) as running:
        yield running
