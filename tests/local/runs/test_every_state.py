"""A stop in a call of any state leaves a job that a redrive or the next run goes on with, on the embedded AWS as in the
simulation (``tests/unit/testing/test_every_state.py``), which stops in each state at each moment."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import pytest

from elt_redshift.job.model import EltJob, Layout, Wait
from elt_redshift.local.faults import Faults
from elt_redshift.local.process import LocalAws
from elt_redshift.protocol import messages
from tests import bounds
from tests.cases import exhaustive
from tests.local.runs.conftest import DeployedJob
from tests.local.waiting import wait_for
from tests.unit.asl.jobs import job, task

#: A call is held up for so many seconds; the run is stopped meanwhile, and the call arrives all the same.
HELD_UP = 1.0


class Window(NamedTuple):
    """A call that a run is stopped in.

    :param state: whose it is.
    :param containing: tells it from the others of its kind.
    :param fails: whether b fails before.
    :param redriven: whether it is one of the redrive behind that.
    """

    state: str
    service: str
    call: str
    containing: str = ""
    fails: bool = False
    redriven: bool = False


WINDOWS = (
    Window("acquire lock", "dynamodb", "UpdateItem", "JobStart"),
    Window("a", "redshift-data", "ExecuteStatement", "/a/"),
    Window("b", "redshift-data", "BatchExecuteStatement", "/b/"),
    Window("release lock", "dynamodb", "UpdateItem", "JobState = :ready"),
    Window("b: record", "dynamodb", "UpdateItem", '{"S": "b"}', fails=True),
    Window("b: reclaim", "dynamodb", "UpdateItem", '":redrives": {"N": "1"}', fails=True, redriven=True),
    Window("b: find", "redshift-data", "ListStatements", "/b/", fails=True, redriven=True),
)
#: The three kinds of definitions, in each of which states of its own follow a statement.
KINDS: tuple[tuple[Layout, Wait], ...] = (("unrolled", "long_poll"), ("unrolled", "event"), ("map", "long_poll"))

Next = Literal["start", "redrive"]

#: Every other stop is followed by a redrive. An event takes a long poll's place, so that only some states differ.
CASES: list[tuple[Layout, Wait, Window, Next]] = [
    (layout, wait, window, "redrive" if (number + (layout == "map")) % 2 else "start")
    for layout, wait in KINDS
    for number, window in enumerate(WINDOWS)
    if wait != "event" or number in (1, 2, 5)
]
QUICK = [
    case
    for case in CASES
    if (*case[:2], case[2].state)
    in (("unrolled", "long_poll", "release lock"), ("unrolled", "event", "a"), ("map", "long_poll", "b: reclaim"))
]


class Stage:
    """A deployed job of two tasks; b fails while there is a row in the table ``<ledger>_flaw``."""

    def __init__(self, deploy: Callable[[EltJob], DeployedJob], ledger: str, layout: Layout, wait: Wait) -> None:
        note = f"insert into {ledger} values ('%s')"
        check = f"select 1 / (case when count(*) > 0 then 0 else 1 end) from {ledger}_flaw"
        first, second = task("a", sql=(note % "a",), wait=wait), task("b", "a", sql=(check, note % "b"), wait=wait)
        self.deployed, self.ledger = deploy(job(first, second, layout=layout)), ledger
        self.deployed.sql(f"create table {ledger}_flaw (x int)")

    def stopped_in(self, window: Window, faults: Faults) -> str:
        """Run until the call is under way, and stop there; give the execution."""
        deployed = self.deployed
        if window.fails:
            deployed.sql(f"insert into {self.ledger}_flaw values (1)")
        hold_up = lambda: faults.delay(window.service, window.call, HELD_UP, containing=window.containing)  # noqa: E731
        if not window.redriven:
            hold_up()
        arn = deployed.start()
        if window.redriven:
            assert deployed.end(arn).status == "FAILED"
            deployed.sql(f"delete from {self.ledger}_flaw")
            hold_up()
            deployed.executions.redrive(arn, deployed.audit, "101")

        def met() -> bool:
            assert not deployed.executions.describe(arn).ended, f"it ended without a call of {window.state}"
            return sum(faults.met()) > 0

        wait_for(met, f"the call of {window.state}", bounds.EXECUTION, 0.02)
        deployed.executions.stop(arn, "test")
        assert deployed.executions.describe(arn).status == "ABORTED"
        time.sleep(HELD_UP + 0.2)
        deployed.sql(f"delete from {self.ledger}_flaw")
        return arn

    def works(self) -> None:
        """The next run does its work, or is told that a failed run holds the job, and does it after an unlock."""
        deployed = self.deployed
        ended = deployed.run()
        held = messages.held_by_failure("101", **dict.fromkeys(_TOLD, ""))[0]
        if held in str(ended.cause or ended.skipped):
            deployed.audit.unlock(deployed.item, by="tester", reason="it is mended")
            ended = deployed.run()
        assert (ended.status, ended.skipped) == ("SUCCEEDED", None), ended.cause
        assert deployed.submissions(ended.arn) == Counter(a=1, b=1)


_TOLD = ("task", "since", "message", "owner", "redrive", "unlock")


@pytest.mark.parametrize(("layout", "wait", "window", "then"), exhaustive(CASES, QUICK))
def test_a_stop_in_a_call_leaves_a_job_that_goes_on(
    deploy: Callable[[EltJob], DeployedJob],
    local_aws: LocalAws,
    ledger: str,
    layout: Layout,
    wait: Wait,
    window: Window,
    then: Next,
) -> None:
    """A redrive of the stopped run does the rest of the work once; or the next run does all of it by itself, or is
    refused by an item that names a failure."""
    stage = Stage(deploy, ledger, layout, wait)
    with Faults(local_aws) as faults:
        arn = stage.stopped_in(window, faults)
    if then == "redrive":
        stage.deployed.executions.redrive(arn, stage.deployed.audit, "101")
        ended: Any = stage.deployed.end(arn)
        assert ended.status == "SUCCEEDED", ended.cause
        assert stage.deployed.ran(ledger) == Counter(a=1, b=1)
    else:
        stage.works()
    assert stage.deployed.item.state == "Ready"
