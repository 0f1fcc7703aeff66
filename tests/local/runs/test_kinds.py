"""A stack of any kind becomes one of any other kind, by one deployment, and runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from elt_redshift.job.model import EltJob, Notify, Schedule
from elt_redshift.job.parts import SqlTask
from tests.local.runs.conftest import DeployedJob
from tests.unit.asl.jobs import job, task

SQL = ("select 1",)


def _n(**more: object) -> tuple[SqlTask, ...]:
    """Four tasks whose graph needs a join."""
    edges = {"a": (), "b": (), "c": ("a",), "d": ("a", "b")}
    return tuple(replace(task(name, *up, sql=SQL), **more) for name, up in edges.items())  # type: ignore[arg-type]


KINDS: dict[str, EltJob] = {
    "plain": job(task("a", sql=SQL), fence=True),
    "joins": job(*_n()),
    "events": job(*_n(wait="event")),
    "map": job(*_n(), layout="map"),
    "functions": job(*_n(timeout=timedelta(minutes=1)), runtime="lambda"),
    "parts": job(*_n(), layout="parts"),
    "in redshift": job(*_n(wait="poll"), audit_store="redshift", notify=Notify(on=("failure",))),
    "schedule": job(task("a", sql=SQL), schedule=Schedule(rate="1 day", enabled=False)),
}


def _circuit(kinds: Sequence[str]) -> list[str]:
    """A way that goes from each kind to each other one, once."""
    open_ = {kind: [other for other in kinds if other != kind] for kind in kinds}
    way, back = [], [kinds[0]]
    while back:
        if open_[back[-1]]:
            back.append(open_[back[-1]].pop())
        else:
            way.append(back.pop())
    return way[::-1]


def test_the_way_leads_from_each_kind_to_each_other_one() -> None:
    """So many steps as there are pairs, none twice."""
    way = _circuit([*KINDS])
    assert len(set(pairwise(way))) == len(way) - 1 == len(KINDS) * (len(KINDS) - 1)


def _becomes(kinds: Sequence[str], deploy: Callable[[EltJob], DeployedJob]) -> None:
    """What a kind needs comes with it and goes after it; the machine and its audit item stay, and runs succeed."""
    first, *others = kinds
    deployed = deploy(KINDS[first])
    machine = deployed.deployed.state_machine_arn
    for kind in others:
        deployed.redeploy(KINDS[kind])
        assert deployed.deployed.state_machine_arn == machine
        assert deployed.run().status == "SUCCEEDED", kind
    client = deployed.client("cloudformation")
    stack_id = client.describe_stacks(StackName=deployed.stack)["Stacks"][0]["StackId"]
    client.delete_stack(StackName=deployed.stack)
    assert client.describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"] == "DELETE_COMPLETE"


def test_each_kind_becomes_another_one(deploy: Callable[[EltJob], DeployedJob]) -> None:
    """Each once, and all of it goes with the stack."""
    _becomes([*KINDS], deploy)


@pytest.mark.exhaustive
def test_each_kind_becomes_each_other_kind(deploy: Callable[[EltJob], DeployedJob]) -> None:
    """On the way that leads from each to each."""
    _becomes(_circuit([*KINDS]), deploy)
