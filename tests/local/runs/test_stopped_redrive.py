"""A run that was stopped from outside, with its statements cancelled, goes on at its first redrive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from elt_redshift.aws.statements import Statements
from elt_redshift.aws.stopping import stop_and_settle
from elt_redshift.job.model import EltJob, Layout, LockPolicy, Wait
from tests import bounds
from tests.cases import exhaustive
from tests.local.runs.conftest import Barrier, DeployedJob
from tests.local.waiting import wait_for
from tests.unit.asl.jobs import job, task

Deploy = Callable[[EltJob], DeployedJob]


#: The map layout has no tasks that wait for events.
WAYS = [*((wait, "unrolled") for wait in ("long_poll", "poll", "event")), ("long_poll", "map"), ("poll", "map")]


@pytest.mark.parametrize(("wait", "layout"), exhaustive(WAYS, quick=[WAYS[0], WAYS[2], WAYS[4]]))
def test_a_run_that_airflow_has_stopped_goes_on_at_its_first_redrive(
    deploy: Deploy, barrier: Barrier, ledger: str, wait: Wait, layout: Layout
) -> None:
    """What the stop has cancelled, in its submission or followed already, is submitted anew; `release` stays so."""
    note = f"insert into {ledger} values ('%s')"
    tasks = [task(name, sql=(barrier.pass_, note % name), wait=wait) for name in ("a", "b")]
    deployed = deploy(job(*tasks, layout=layout, lock=LockPolicy(after_failure="release")))
    arn = deployed.start()
    for name in ("a", "b"):
        deployed.until_submitted(arn, name)
    data = Statements(deployed.data)
    assert stop_and_settle(deployed.executions, data, deployed.audit, "101", arn, "Ann stopped it.")
    wait_for(lambda: not deployed.at_work(arn), "the statements end", bounds.EXECUTION)
    barrier.open()
    deployed.executions.redrive(arn, deployed.audit, "101")
    assert deployed.end(arn).status == "SUCCEEDED"
    assert deployed.ran(ledger) == Counter(a=1, b=1)
    assert deployed.submissions(arn) == Counter(a=2, b=2)
    assert (deployed.item.state, deployed.item.failed_task) == ("Ready", None)


def test_a_statement_that_is_cancelled_after_the_redrive_has_failed(deploy: Deploy, barrier: Barrier) -> None:
    """Only what was cancelled before is submitted anew, and it once."""
    deployed = deploy(job(task("a", sql=(barrier.pass_,))))
    arn = deployed.start()
    deployed.until_submitted(arn, "a")
    stop_and_settle(deployed.executions, Statements(deployed.data), deployed.audit, "101", arn, "Ann stopped it.")
    wait_for(lambda: not deployed.at_work(arn), "the statement ends", bounds.EXECUTION)
    deployed.executions.redrive(arn, deployed.audit, "101")
    deployed.until_submitted(arn, "a")
    (second,) = deployed.statements(arn, status="STARTED")
    deployed.data.cancel_statement(Id=second["Id"])
    assert deployed.end(arn).status == "FAILED"
    assert deployed.submissions(arn) == Counter(a=2)
    assert "cancel" in str(deployed.item.failure_message)
