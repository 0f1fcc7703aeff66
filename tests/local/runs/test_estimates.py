"""Estimates against what executions really leave in their histories."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable

import pytest

from elt_redshift.asl.compiler import compile_job
from elt_redshift.graph.layout import arrange
from elt_redshift.job.model import EltJob
from elt_redshift.planning.estimates import simulate
from elt_redshift.planning.scenario import Scenario
from elt_redshift.planning.simulation import Simulation
from tests.local.runs.conftest import WAREHOUSE, Barrier, DeployedJob
from tests.local.runs.test_joins import N, noting
from tests.unit.asl.jobs import job, task

Deploy = Callable[[EltJob], DeployedJob]


def measured(deployed: DeployedJob, arn: str) -> tuple[int, int]:
    """Billed transitions and history events of an execution."""
    return len(deployed.states(arn)), len(deployed.executions.new_events(arn, after=0))


def simulated(made: EltJob, seconds: float = 1.0, **more: object) -> tuple[int, int]:
    scenario = Scenario(dict.fromkeys(made.task_names, seconds), **more)  # type: ignore[arg-type]
    run = simulate(compile_job(made), scenario)
    return run.transitions, run.events


NESTED = job(
    *(task(name, *ups, sql=("select 1",)) for name, ups in {"a": "", "b": "a", "c": "a", "d": "b", "e": "cd"}.items())
)


def test_a_healthy_run_is_estimated_exactly(deploy: Deploy) -> None:
    """Nested branches, every statement short: as many transitions and events as foreseen."""
    deployed = deploy(NESTED)
    execution = deployed.run()
    assert execution.status == "SUCCEEDED"
    assert measured(deployed, execution.arn) == simulated(NESTED)


def test_a_long_statement_is_estimated_exactly(
    deploy: Deploy, barrier: Barrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What follows a statement past its first two long polls, the caught errors included."""
    for module in ("asl.patterns.waiting", "planning.simulation"):
        monkeypatch.setattr(f"elt_redshift.{module}.LONG_POLL", 1)
    made = job(task("a", sql=(barrier.pass_,)))
    deployed = deploy(made)
    arn = deployed.start()
    deployed.until(arn, lambda _: deployed.states(arn).count("a: describe") == 2)
    barrier.open()
    assert deployed.end(arn).status == "SUCCEEDED"
    assert measured(deployed, arn) == simulated(made, 2.0 + deployed.states(arn).count("a: describe"))


@pytest.mark.parametrize(("slow", "joins"), [("b", "always"), ("a", "never")])
def test_joins_are_estimated_exactly(deploy: Deploy, barrier: Barrier, ledger: str, slow: str, joins: str) -> None:
    """c stands behind a and awaits b: a wait and its waking cost what was foreseen, and so does a join without one."""
    made = noting(ledger, N, **{slow: barrier.pass_})
    deployed = deploy(made)
    arn = deployed.start()
    if slow == "b":
        deployed.until(arn, lambda _: "c: join" in deployed.states(arn))
    else:
        deployed.until(arn, lambda tasks: tasks["d"].status == "succeeded")
    barrier.open()
    assert deployed.end(arn).status == "SUCCEEDED"
    assert measured(deployed, arn) == simulated(made, joins=joins)


def test_many_waiters_are_estimated_exactly(deploy: Deploy, barrier: Barrier, ledger: str) -> None:
    """An upstream that tells several waiters by a transaction, and wakes all of them."""
    sources = [f"s{number}" for number in range(4)]
    graph = {"hub": (), **dict.fromkeys(sources, ()), **{f"t{name}": ("hub", name) for name in sources}}
    waiters = arrange(graph).told_by()["hub"]
    assert len(waiters) > 1
    made = noting(ledger, graph, hub=barrier.pass_)
    deployed = deploy(made)
    arn = deployed.start()
    deployed.until(arn, lambda _: {f"{waiter}: join" for waiter in waiters} <= set(deployed.states(arn)))
    barrier.open()
    assert deployed.end(arn).status == "SUCCEEDED"
    assert deployed.states(arn).count("hub: wake") == len(waiters)
    slow = Scenario({**dict.fromkeys(made.task_names, 1.0), "hub": 9.0})
    run = Simulation(compile_job(made).flow, slow)
    assert measured(deployed, arn) == (run.transitions, run.events)


def test_a_polling_task_is_estimated_exactly(deploy: Deploy) -> None:
    """A statement that ends within the first pause of a second."""
    made = job(task("a", sql=("select 1",), wait="poll"))
    deployed = deploy(made)
    assert measured(deployed, deployed.run().arn) == simulated(made)


def test_tasks_that_wait_for_events_are_estimated_exactly(deploy: Deploy) -> None:
    """One state each, which ends its branch where it is the last one."""
    made = job(
        *(task(name, *ups, sql=("select 1",), wait="event") for name, ups in {"a": "", "b": "a", "c": "a"}.items())
    )
    deployed = deploy(made)
    execution = deployed.run()
    assert execution.status == "SUCCEEDED"
    assert measured(deployed, execution.arn) == simulated(made)


MAPPED = job(
    *(task(name, *ups, sql=("select 1",)) for name, ups in {"a": "", "b": "a", "c": "a"}.items()), layout="map"
)


def test_the_parent_of_the_map_layout_is_estimated_exactly(deploy: Deploy) -> None:
    """Its own states and events, and one transition for each child that is started."""
    deployed = deploy(MAPPED)
    arn = deployed.run().arn
    parent, *children = simulate(compile_job(MAPPED), Scenario(dict.fromkeys(MAPPED.task_names, 1.0))).executions
    states, events = measured(deployed, arn)
    assert (states + len(children), events) == (parent.transitions, parent.events)


def test_a_child_of_the_map_layout_is_estimated_exactly(deploy: Deploy) -> None:
    """Its states run as a machine of their own, since histories of children are not kept here: a task that two others
    wait for."""
    deployed, machine = deploy(MAPPED), compile_job(MAPPED)
    client, name = deployed.client("stepfunctions"), f"child-{uuid.uuid4().hex}"
    described = client.describe_state_machine(stateMachineArn=deployed.deployed.state_machine_arn)
    processor = json.loads(described["definition"])["States"]["run tasks"]["ItemProcessor"]
    processor.pop("ProcessorConfig")
    definition = json.dumps({"QueryLanguage": "JSONata", **processor})
    made = client.create_state_machine(name=name, definition=definition, roleArn=described["roleArn"])
    assert machine.job_file is not None
    run = {"connection": WAREHOUSE, "role": "r", "parameters": {}, "redrives": 0, "redriven": False}
    given = {"task": machine.job_file[0], "run": {**run, "owner": made["stateMachineArn"], "name": name, "key": name}}
    arn = client.start_execution(stateMachineArn=made["stateMachineArn"], input=json.dumps(given))["executionArn"]
    assert deployed.end(arn).status == "SUCCEEDED"
    child = simulate(machine, Scenario(dict.fromkeys(MAPPED.task_names, 1.0), joins="never")).executions[1]
    assert measured(deployed, arn) == (child.transitions, child.events)


def test_settling_is_estimated_exactly(deploy: Deploy) -> None:
    """One state more for each task that can run beside others."""
    made = job(*NESTED.tasks, on_task_failure="finish_independent")
    deployed = deploy(made)
    assert measured(deployed, deployed.run().arn) == simulated(made)
