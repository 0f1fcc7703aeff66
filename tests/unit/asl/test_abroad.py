"""Jobs whose warehouse is in another account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from elt_redshift.asl.compiler import compile_job
from elt_redshift.asl.target import Target
from elt_redshift.aws.template.machine import MACHINE
from elt_redshift.aws.template.rendering import render
from elt_redshift.exceptions import JobError
from tests.unit.asl.jobs import JOBS, job, task

ABROAD = Target(other_account=True)
HEARD = [
    name
    for name, one in JOBS.items()
    if not (one.uses_functions or one.audit_in_redshift) and all(task.wait != "event" for task in one.tasks)
]


def _tasks(node: Any) -> Iterator[dict[str, Any]]:
    """Every state of a definition that calls AWS."""
    if isinstance(node, dict):
        if node.get("Type") == "Task":
            yield node
        for one in node.values():
            yield from _tasks(one)
    elif isinstance(node, list):
        for one in node:
            yield from _tasks(one)


@pytest.mark.parametrize("name", HEARD)
def test_only_calls_of_the_data_api_are_made_as_the_other_accounts_role(name: str) -> None:
    """In every layout, and nothing else of the definition is different."""
    at_home, abroad = compile_job(JOBS[name]), compile_job(JOBS[name], ABROAD)
    as_another = [one for one in _tasks(abroad.definition()) if "Credentials" in one]
    assert as_another
    for one in _tasks(abroad.definition()):
        assert (":aws-sdk:redshiftdata:" in one["Resource"]) == ("Credentials" in one)
        assert one.pop("Credentials", {"RoleArn": "${WarehouseRoleArn}"}) == {"RoleArn": "${WarehouseRoleArn}"}
    assert abroad.definition() == at_home.definition()


def test_the_machines_role_may_do_nothing_in_redshift() -> None:
    """It may assume the other role; who may what in the warehouse, the other account says."""
    template = render(compile_job(JOBS["n"], ABROAD)).template
    policy = template["Resources"]["StateMachineRights"]["Properties"]["PolicyDocument"]
    assert "redshift" not in str(policy)
    (assuming,) = [one for one in policy["Statement"] if one["Action"] == ["sts:AssumeRole"]]
    assert assuming["Resource"] == {"Ref": "WarehouseRoleArn"}
    assert "DatabaseUser" not in template["Outputs"]
    assert {"RoleArn": {"Ref": "WarehouseRoleArn"}} in [
        one.get("Credentials") for one in _tasks(template["Resources"][MACHINE]["Properties"]["Definition"])
    ]


def test_events_of_another_account_are_not_waited_for() -> None:
    """They would never come; the refusal names the task and what to take."""
    with pytest.raises(
        JobError, match=r"tasks\.b\.wait: Events of statements go to the account of the warehouse.*Take"
    ):
        compile_job(job(task("a"), task("b", "a", wait="event")), ABROAD)


def test_functions_call_no_warehouse_of_another_account() -> None:
    """They are roles of this one; the refusal says what to do."""
    with pytest.raises(JobError, match=r"the warehouse is in another one\. Leave out runtime: lambda"):
        compile_job(JOBS["functions"], ABROAD)
    with pytest.raises(JobError, match=r"the warehouse is in another one\. Leave out audit_store: redshift"):
        compile_job(JOBS["audit_in_redshift"], ABROAD)


def test_eighty_tasks_stay_unrolled() -> None:
    """The role stands in each call; a definition that fits at home fits with it."""
    tasks = job(*(task(f"t{number}") for number in range(80)))
    at_home, abroad = compile_job(tasks), compile_job(tasks, ABROAD)
    assert (at_home.job_file, abroad.job_file) == (None, None)
    assert abroad.size < 1.08 * at_home.size
