"""Owners of locks, as their names tell of them."""

from __future__ import annotations

import pickle

import pytest

from elt_redshift.protocol.owners import DIGITS, Owner

EXECUTION = "arn:aws-cn:states:cn-north-1:123456789012:execution:yearly_sales:run-1"


@pytest.mark.parametrize(
    ("name", "execution", "dag_run", "short"),
    [
        (EXECUTION, True, False, "run-1"),
        (
            "airflow:sales/scheduled__2026-01-01T00:00:00+00:00",
            False,
            True,
            "sales/scheduled__2026-01-01T00:00:00+00:00",
        ),
        ("airflow:states/run", False, True, "states/run"),
        ("nightly load", False, False, "nightly load"),
    ],
)
def test_an_owner_is_known_by_its_name(name: str, execution: bool, dag_run: bool, short: str) -> None:
    """An execution in any partition, a DAG run, or another program under whatever name it gave itself."""
    owner = Owner(name)
    assert (owner.is_execution, owner.is_dag_run, owner.short) == (execution, dag_run, short)
    assert owner == name == pickle.loads(pickle.dumps(owner))


def test_several_locks_of_a_dag_run_have_owners_of_their_own() -> None:
    """The scope stands behind the run's ids."""
    assert Owner.dag_run("sales", "r1") == "airflow:sales/r1"
    assert Owner.dag_run("sales", "r1", "inner[2]") == "airflow:sales/r1/inner[2]"


def test_labels_fit_into_names_of_statements() -> None:
    """An execution's is its name; others' are hashes, and as much of the name as a person needs to know them."""
    assert Owner(EXECUTION).label == "run-1"
    label = Owner.dag_run("sales", "scheduled__2026-01-01T00:00:00+00:00" + "x" * 200).label
    assert label[DIGITS:].startswith("-airflow_sales_scheduled__2026-01-01T00_00_00_00_00")
    assert len(label) == DIGITS + 64
    assert "/" not in label
