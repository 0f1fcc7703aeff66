"""Whatever Airflow writes down of our classes, it can build again: found by walking the packages."""

from __future__ import annotations

import inspect
import json
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest
from airflow.triggers.base import BaseTrigger

import elt_redshift
from elt_redshift.airflow_compat import DAG, BaseOperator
from elt_redshift.job.model import EltJob
from elt_redshift.triggers.base import TriggerArguments
from tests.unit.airflow_names import serialized_and_back

#: A value for each type that a trigger's argument may have: another type, and JSON might not hold it.
SAMPLES = {
    "str": "text",
    "str | None": "other",
    "float": 1.5,
    "int": 2,
    "bool": True,
    "bool | str | None": "/ca.pem",
    "Sequence[str]": ["load", "check"],
    "dict[str, Any] | None": {"job_id": "7", "name": "sales"},
}


def _job() -> EltJob:
    job = EltJob(job_id="7", name="sales", parameters={"year": "1998"})
    job.task("load", statement="select :year")
    return job


#: What each operator cannot do without.
NEEDED: dict[str, dict[str, Any]] = {
    "AwsOperator": {},
    "ConnectedOperator": {},
    "StartExecutionOperator": {"job": _job(), "parameters": {"year": "{{ params.year }}"}},
    "MirrorOperator": {"statements": _job().task("load").statements},
    "GroupMirrorOperator": {"group": {"load": _job().task("load").statements}},
    "AuditLockAcquireOperator": {"job_id": "7", "table_name": "audit"},
    "AuditLockReleaseOperator": {"job_id": "7", "table_name": "audit"},
    "ExecutionSensor": {"execution_arn": "arn"},
    "RedshiftStatementSensor": {"statement_id": "s-1"},
    "RedshiftSqlOperator": {"sql": "select 1", "database": "dev", "cluster_identifier": "warehouse"},
}


def _classes(base: type) -> list[Any]:
    """The public subclasses of ``base`` in every folder where Airflow classes live, each from its own module."""
    return sorted(set(_walk(base)), key=lambda cls: cls.__name__)


def _walk(base: type) -> Iterator[type]:
    for role in ("operators", "sensors", "triggers"):
        for module in pkgutil.walk_packages([str(Path(elt_redshift.__path__[0]) / role)], f"elt_redshift.{role}."):
            for name, found in vars(import_module(module.name)).items():
                ours = inspect.isclass(found) and issubclass(found, base) and found.__module__ == module.name
                ours = ours and not inspect.isabstract(found)  # of which there is never an object
                if ours and not name.startswith("_"):
                    yield found


@pytest.mark.parametrize("cls", _classes(BaseTrigger), ids=lambda cls: cls.__name__)
def test_every_trigger_survives_serialization(cls: Any) -> None:
    """Any trigger of the package is rebuilt equal from its class path and JSON arguments, all of which it gives."""
    own = {name: parameter.annotation for name, parameter in inspect.signature(cls.__init__).parameters.items()}
    shared = {name: kind.__forward_arg__ for name, kind in TriggerArguments.__annotations__.items()}
    given = {name: SAMPLES[kind] for name, kind in {**own, **shared}.items() if name not in ("self", "given")}
    path, kwargs = cls(**given).serialize()
    assert kwargs == given
    assert resolve_name(path) is cls
    assert resolve_name(path)(**json.loads(json.dumps(kwargs))).serialize() == (path, kwargs)


@pytest.mark.parametrize("cls", _classes(BaseOperator), ids=lambda cls: cls.__name__)
def test_every_operator_survives_serialization(cls: Any) -> None:
    """Any operator of the package comes back from the database with its templates, its links and its look."""
    with DAG("sales", schedule=None) as dag:
        task = cls(task_id="task", **NEEDED[cls.__name__])
    again = serialized_and_back(dag).get_task("task")
    assert (again.task_type, again.ui_color) == (cls.__name__, task.ui_color)
    assert tuple(again.template_fields) == tuple(task.template_fields)
    for name in task.template_fields:
        assert getattr(again, name) == getattr(task, name), name
    assert set(again.extra_links) == {link.name for link in task.operator_extra_links}


def test_the_discovery_finds_every_class() -> None:
    """The tests above test the classes that there are: each operator has its line in NEEDED, and no other."""
    assert {cls.__name__ for cls in _classes(BaseOperator)} == set(NEEDED)
    assert {"TaskTrigger", "LockTrigger", "StatementTrigger"} <= {cls.__name__ for cls in _classes(BaseTrigger)}
