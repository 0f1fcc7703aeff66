"""The models of the Data API and of Step Functions."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from elt_redshift.testing.clock import Clock, Promise
from elt_redshift.testing.errors import ServiceError, StateError
from elt_redshift.testing.network import Fate, Faults, Network
from elt_redshift.testing.redshift_data import Behaviour, RedshiftData
from elt_redshift.testing.subject import transactions

from .machines import Machine, task


def data_api(clock: Clock, behaviour: Behaviour, memory: float = 3600.0) -> RedshiftData:
    return RedshiftData(clock, lambda name, parts: behaviour, lambda statement: None, memory, transactions)


def request(**more: Any) -> dict[str, Any]:
    return {"StatementName": "101/e1/a/1", "Sql": "select 1", "ClientToken": "t", **more}


def test_a_client_token_is_one_statement_for_as_long_as_it_is_known() -> None:
    """After that the same request is a new statement."""
    clock = Clock(0.0)
    data = data_api(clock, Behaviour(seconds=1))
    first = data.execute_statement(request())["Id"]
    assert data.execute_statement(request())["Id"] == first
    with pytest.raises(ServiceError, match="other parameters"):
        data.execute_statement(request(StatementName="another"))
    clock.run(3601)
    assert data.execute_statement(request())["Id"] != first


def test_a_long_poll_is_answered_when_the_statement_ends_or_the_wait_does() -> None:
    """Whichever comes first."""
    clock = Clock(0.0)
    data = data_api(clock, Behaviour(seconds=40))
    early, late = data.execute_statement(request(WaitTimeSeconds=30)), Promise()
    clock.run(31)
    assert early.value["Status"] == "STARTED"
    late = data.describe_statement({"Id": early.value["Id"], "WaitTimeSeconds": 30})
    assert not late.done
    clock.run(41)
    assert late.value["Status"] == "FINISHED"


def test_a_batch_that_commits_each_statement_keeps_those_before_the_failure() -> None:
    """A batch in one transaction keeps none."""
    clock = Clock(0.0)
    data = data_api(clock, Behaviour(seconds=1, ends="fails", part=1))
    sqls = {"Sqls": ["one", "two", "three"], "ClientToken": None}
    apart = data.batch_execute_statement({**request(), **sqls, "ExecutionMode": "AUTO_COMMIT"})["Id"]
    whole = data.batch_execute_statement({**request(), **sqls})["Id"]
    clock.run(2)
    assert [len(data.statements[one].commits) for one in (apart, whole)] == [1, 0]
    assert [part["Status"] for part in data.describe_statement({"Id": apart})["SubStatements"]][:2] == [
        "FINISHED",
        "FAILED",
    ]


def test_a_statement_is_forgotten_24_hours_after_its_end() -> None:
    """Then it is neither described nor listed."""
    clock = Clock(0.0)
    data = data_api(clock, Behaviour(seconds=1))
    found = data.execute_statement(request())["Id"]
    clock.run(86_000)
    assert data.list_statements({"StatementName": "101/e1/", "Status": "ALL"})["Statements"][0]["Id"] == found
    clock.run(86_402)
    assert data.list_statements({"StatementName": "101/e1/", "Status": "ALL"})["Statements"] == []
    with pytest.raises(ServiceError, match="does not exist"):
        data.describe_statement({"Id": found})


def test_a_cancelled_statement_ends_a_little_later_or_by_itself() -> None:
    """One that has ended cannot be cancelled."""
    clock = Clock(0.0)
    data = data_api(clock, Behaviour(seconds=10, late=3))
    found = data.execute_statement(request())["Id"]
    data.cancel_statement({"Id": found})
    clock.run(2.9)
    assert data.describe_statement({"Id": found})["Status"] == "SUBMITTED"
    clock.run(3.1)
    assert data.describe_statement({"Id": found})["Status"] == "ABORTED"
    with pytest.raises(ServiceError, match="end state"):
        data.cancel_statement({"Id": found})


def test_a_call_is_retried_and_then_caught_with_its_error() -> None:
    """As often as the retrier says; what the retrier excludes is caught at once."""
    retry = [{"ErrorEquals": ["Svc.No"], "MaxAttempts": 0}, {"ErrorEquals": ["States.TaskFailed"], "MaxAttempts": 2}]
    catch = [{"ErrorEquals": ["States.ALL"], "Output": "{% $states.errorOutput.Error %}", "Next": "end"}]
    states = {"a": task(Retry=retry, Catch=catch), "end": {"Type": "Succeed"}}
    machine = Machine(states, go=[StateError("Svc.Busy")] * 3)
    assert machine.run().root.output == "Svc.Busy"
    assert len(machine.calls) == 3
    assert len(Machine(states, go=[StateError("Svc.No")]).run().root.output) == len("Svc.No")


def test_a_redrive_runs_again_what_ended_badly_and_nothing_else() -> None:
    """Of a Parallel only the branches that did not succeed, with the input that they had."""
    branches = [{"StartAt": name, "States": {name: task(name)}} for name in ("good", "bad")]
    machine = Machine({"both": {"Type": "Parallel", "Branches": branches, "End": True}}, bad=[None, {"x": 1}])
    run = machine.run(10)
    machine.service.stop(run.arn)
    assert run.status == "ABORTED"
    machine.service.redrive(run.arn)
    machine.clock.run(20)
    assert run.status == "SUCCEEDED"
    assert run.root.output == [{}, {"x": 1}]
    assert sorted(action for action, _ in machine.calls) == ["bad", "bad", "good"]


def test_a_gate_passes_after_a_redrive_only() -> None:
    """A Choice whose condition raises an error fails the execution, and is evaluated again by a redrive."""
    condition = "{% $states.context.Execution.RedriveCount > 0 ? true : $error('no') %}"
    states = {
        "gate": {"Type": "Choice", "Choices": [{"Condition": condition, "Next": "end"}]},
        "end": {"Type": "Succeed"},
    }
    machine = Machine(states)
    run = machine.run()
    assert (run.status, run.error and run.error.cause) == ("FAILED", "no")
    machine.service.redrive(run.arn)
    machine.clock.run(2000)
    assert run.status == "SUCCEEDED"
    with pytest.raises(ServiceError, match="SUCCEEDED"):
        machine.service.redrive(run.arn)


def test_a_token_ends_its_wait_once() -> None:
    """It is refused after that, after a timeout, and after a stop."""
    waiting = task("go.waitForTaskToken", Arguments={"t": "{% $states.context.Task.Token %}"}, TimeoutSeconds=60)
    machine = Machine({"a": waiting})
    run = machine.run(1)
    token = machine.calls[0][1]["t"]
    machine.service.send_task_success({"TaskToken": token, "Output": '{"x": 2}'})
    machine.clock.run(2)
    assert run.root.output == {"x": 2}
    with pytest.raises(ServiceError, match="Timed Out"):
        machine.service.send_task_success({"TaskToken": token, "Output": "{}"})
    late = Machine({"a": waiting})
    assert str(late.run(70).error).startswith("States.Timeout")
    with pytest.raises(ServiceError, match="Timed Out"):
        late.service.send_task_success({"TaskToken": late.calls[0][1]["t"], "Output": "{}"})


@pytest.mark.parametrize(("fate", "arrives"), [("unanswered", True), ("refused", False), ("well", True)])
def test_a_call_whose_answer_is_lost_has_taken_effect(fate: Fate, arrives: bool) -> None:
    """Its caller is told of an error all the same, however quickly the service has answered."""
    clock, arrived = Clock(0.0), list[Any]()
    network = Network(clock, Random(0), Faults())
    answer = network.call("dynamodb", arrived.append, {"x": 1}, fate)
    clock.run(200)
    assert (arrived != [], answer.done, answer.error is None) == (arrives, True, fate == "well")
