"""The Express state machine that starts scheduled runs."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from elt_redshift.asl.compiler import compile_job
from elt_redshift.asl.patterns.starting import GIVEN, PREFIX
from elt_redshift.job.model import EltJob, Schedule
from elt_redshift.job.parts import Parameter
from elt_redshift.local.stepfunctions.jsonata import evaluate
from elt_redshift.protocol.limits import MAX_NAME

from .jobs import job, task

GOLDEN = Path(__file__).parent / "starting.json"
TIME = "2026-11-24T05:30:00Z"
#: What no name of an execution may hold, https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html.
#: With the second pattern it can be logged.
REFUSED, LOGGED = re.compile(r'[\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]'), re.compile("[0-9A-Za-z_-]+")


def _job(**values: Any) -> EltJob:
    declared = tuple(Parameter(name=name) for name in values)
    sql = (f"select {', '.join(f':{name}' for name in values)}",)
    tasks = task("a", sql=sql, parameters=tuple(values))
    return job(tasks, parameters=declared, schedule=Schedule(cron="30 5 * * ? *", parameters=values))


def _definition(of: EltJob) -> Any:
    return compile_job(of).starting("${Machine}", "${Queue}")


def _request(of: EltJob, time: str = TIME) -> dict[str, Any]:
    """What Step Functions is asked for, at a time of the schedule."""
    arguments = _definition(of)["States"]["start run"]["Arguments"]
    return {
        name: evaluate(said[3:-3], {"states": {"input": {"scheduled": time}}}) if said.startswith("{%") else said
        for name, said in arguments.items()
    }


def test_the_machine_is_the_golden_one() -> None:
    """It is exactly the one that was reviewed."""
    of = _job(at={"scheduled": "timestamp"}, day={"scheduled": "date"}, year={"scheduled": "year"}, region="EU")
    if os.environ.get("ELT_REDSHIFT_WRITE_GOLDEN"):
        GOLDEN.write_text(json.dumps(_definition(of), indent=1, ensure_ascii=False) + "\n")
    assert _definition(of) == json.loads(GOLDEN.read_text())


def test_a_run_has_the_values_of_its_schedule() -> None:
    """Those that stand in the job, and the scheduled time in the form that each asks for."""
    of = _job(at={"scheduled": "timestamp"}, day={"scheduled": "date"}, year={"scheduled": "year"}, region="EU")
    assert json.loads(_request(of)["Input"]) == {
        "parameters": {"at": TIME, "day": "2026-11-24", "year": "2026", "region": "EU"},
        "scheduled": TIME,
        "started_by": "schedule",
    }


@pytest.mark.parametrize("time", [TIME, "2026-11-24T05:30:00.123456Z", "2026-11-24T05:30:00+00:00"])
def test_a_run_is_named_after_its_time(time: str) -> None:
    """However AWS writes it, the same time gives one name, which Step Functions takes and logs."""
    name = _request(_job(), time)["Name"]
    assert name == _request(_job(), time)["Name"]
    assert name.startswith(f"{PREFIX}2026-11-24T05-30-00")
    assert LOGGED.fullmatch(name)
    assert not REFUSED.search(name)
    assert len(name) <= MAX_NAME


def test_what_is_given_comes_through_as_it_is() -> None:
    """A value may look like JSONata, a placeholder, a dynamic reference or an attribute of the scheduler."""
    odd = "{% $x %} ${DatabaseName} {{resolve:ssm:x}} <aws.scheduler.scheduled-time> \"'\\é\u2028"
    assert json.loads(_request(_job(odd=odd))["Input"])["parameters"] == {"odd": odd}
    assert "${DatabaseName}" not in json.dumps(_definition(_job(odd=odd)))
    assert GIVEN == {"scheduled": "<aws.scheduler.scheduled-time>"}


@pytest.mark.parametrize(
    ("error", "then"),
    [
        ("Sfn.ExecutionAlreadyExistsException", "run is started"),
        ("StepFunctions.ExecutionAlreadyExistsException", "run is started"),
        ("Sfn.SfnException", "report missed start"),
        ("States.Timeout", "report missed start"),
    ],
)
def test_a_refused_start_is_judged_by_its_error(error: str, then: str) -> None:
    """That a run of the name has been started before is what was wanted; any other refusal is reported."""
    (rule,) = (judge := _definition(_job())["States"]["judge start"])["Choices"]
    holds = evaluate(rule["Condition"][3:-3], {"states": {"input": {"error": error}}})
    assert (rule["Next"] if holds else judge["Default"]) == then
