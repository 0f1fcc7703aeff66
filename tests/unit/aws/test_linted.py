"""cfn-lint passes what every kind of job is deployed with; `make templates` asks it about the jobs under sql/."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from elt_redshift.asl.compiler import compile_job
from elt_redshift.asl.target import Target
from elt_redshift.aws.template.choices import Choices
from elt_redshift.aws.template.rendering import render
from elt_redshift.job.model import EltJob, Notify, Schedule
from tests.unit.asl.jobs import JOBS, job, task

INFRA = Path(__file__).parents[3] / "infra"

_KINDS: dict[str, EltJob] = {
    "events": JOBS["event"],
    "joins": JOBS["n"],
    "map": JOBS["map"],
    "functions": JOBS["functions"],
    "audit_in_redshift": JOBS["audit_in_redshift"],
    "functions_and_audit_in_redshift": JOBS["functions_and_audit_in_redshift"],
    "schedule": job(
        task("a"),
        schedule=Schedule(cron="30 5 ? * MON-FRI *", timezone="Europe/Berlin"),
        notify=Notify(not_succeeded_for=2),
    ),
}


@pytest.mark.exhaustive
def test_cfn_lint_has_nothing_to_say(tmp_path: Path) -> None:
    """Each part of the template, in a job that brings it; and the templates that are not made of a job."""
    for kind, of in _KINDS.items():
        (tmp_path / f"{kind}.json").write_text(json.dumps(render(compile_job(of)).template))
    abroad = render(compile_job(JOBS["n"], Target(other_account=True)))
    (tmp_path / "abroad.json").write_text(json.dumps(abroad.template))
    shared = render(compile_job(JOBS["n"]), Choices(shared_audit_table=True, keeps_tables=False))
    (tmp_path / "shared.json").write_text(json.dumps(shared.template))
    by_hand = [one for one in INFRA.glob("*.template.*") if one.name != "yearly_sales.template.json"]
    files = sorted(map(str, [*tmp_path.iterdir(), *by_hand]))
    linter = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run([linter, *files], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
