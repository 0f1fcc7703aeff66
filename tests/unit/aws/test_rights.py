"""Needs become policies."""

from __future__ import annotations

from typing import get_args

import pytest

from elt_redshift.asl.compiler import compile_job
from elt_redshift.asl.language.needs import Need, Resource
from elt_redshift.asl.language.states import Flow, Succeed
from elt_redshift.asl.machine import StateMachine
from elt_redshift.asl.target import Target
from elt_redshift.aws.template.rendering import render
from elt_redshift.aws.template.roles import allowed
from elt_redshift.job.model import Schedule
from tests.unit.asl.jobs import job, task


def test_each_resource_is_one_statement() -> None:
    """Actions on the same resource stand together, each once; a resource that nobody needs has no statement."""
    needs = [Need("s:B", "machine"), Need("s:A", "machine"), Need("s:A", "machine"), Need("s:A", "anything")]
    assert allowed(needs, {"anything": "*", "machine": {"Ref": "M"}, "secret": {"Ref": "S"}}) == {
        "anything": {"Effect": "Allow", "Action": ["s:A"], "Resource": "*"},
        "machine": {"Effect": "Allow", "Action": ["s:A", "s:B"], "Resource": {"Ref": "M"}},
    }


def test_a_need_of_something_that_is_not_there_is_no_silent_hole() -> None:
    """A state that is new in a template whose resource nobody has named fails when the template is rendered."""
    with pytest.raises(KeyError, match="The template has no secret"):
        allowed([Need("secretsmanager:GetSecretValue", "secret")], {"anything": "*"})


@pytest.mark.parametrize("resource", get_args(Resource))
def test_a_jobs_template_knows_every_resource(resource: Resource, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a state may need something on has a name in the template, and the policy holds what was needed."""
    scheduled = job(task("a"), schedule=Schedule(rate="1 day"))
    target = Target(other_account=resource == "warehouse role")
    functions: dict[Resource, frozenset[Need]] = {"sql function": frozenset(), "state function": frozenset()}
    follows = resource == "follower"
    parts = (
        compile_job(job(task("a"), layout="parts")).parts if "part" in resource or resource == "rule of ends" else ()
    )
    end = Flow((Succeed("end"),))
    machine = StateMachine(scheduled, target, end, graph={}, functions=functions, follows=follows, parts=parts)
    monkeypatch.setattr(StateMachine, "needs", lambda _: frozenset({Need("some:Action", resource)}))
    policy = render(machine).template["Resources"]["StateMachineRights"]["Properties"]["PolicyDocument"]
    (statement,) = policy["Statement"]
    assert "some:Action" in str(statement)
