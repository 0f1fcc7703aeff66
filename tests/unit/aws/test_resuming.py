"""A resumption does not guess what the Data API has forgotten."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from elt_redshift.asl.fingerprints import Fingerprint
from elt_redshift.aws.definitions import Definition
from elt_redshift.aws.execution_status import Execution
from elt_redshift.aws.resumption import Resumption, UnknowableError, plan
from elt_redshift.protocol.times import iso_time
from elt_redshift.runs.history import TaskRun

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
ORIGIN = Execution("arn:aws:states:::execution:m:night", "night", "ABORTED", NOW)


def _run(name: str, hours: float, **more: str) -> TaskRun:
    return TaskRun(name, "aborted", since=NOW - timedelta(hours=hours), started=NOW, **more)


def test_an_old_statement_is_not_guessed_about() -> None:
    """Whoever has not said what to take its task for is asked to, by name."""
    resumption = Resumption(ORIGIN, {}, open=("a", "b", "c"))
    with pytest.raises(UnknowableError, match=r"night ended while a, c ran.*--assume done a") as raised:
        resumption.assuming([_run("a", 25), _run("b", 2), _run("c", 1, statement_id="101/night/c/1")], {}, NOW)
    assert raised.value.tasks == ("a", "c")


def test_a_resumed_resumption_looks_where_that_was_to_look() -> None:
    """A task that a stopped resumption was to look for, and did not come to, is looked for in the run that may have
    done it; nobody guesses when that was too long ago."""
    prints = {"a": Fingerprint("own", (), "whole")}
    definition = Definition("", prints, {})
    submitted = {"task": "a", "fingerprint": "whole", "by": "first", "since": iso_time(NOW - timedelta(hours=2))}
    told = {"from": ORIGIN.arn.replace("night", "second"), "kept": "", "open": [submitted]}
    second = replace(ORIGIN, input=json.dumps({"resume": told}))
    resumption = plan(second, [TaskRun("a")], definition, definition).assuming([TaskRun("a")], {}, NOW)
    assert resumption.given("asked")["open"] == [submitted]
    with pytest.raises(UnknowableError):
        plan(second, [TaskRun("a")], definition, definition).assuming([TaskRun("a")], {}, NOW + timedelta(days=1))


def test_what_a_stopped_resumption_had_found_is_looked_for_again() -> None:
    """One that ended in a task without a statement of its own may have been about to pass the one that it had found:
    both are looked for. With one of its own, it had found none."""
    definition = Definition("", {"a": Fingerprint("own", (), "whole")}, {})
    found = {"task": "a", "fingerprint": "whole", "by": "first", "since": iso_time(NOW - timedelta(hours=2))}
    told = {"from": ORIGIN.arn.replace("night", "first"), "kept": "", "open": [found]}
    second = replace(ORIGIN, input=json.dumps({"resume": told}))
    own = {**found, "by": "night", "since": iso_time(NOW - timedelta(hours=1))}
    assert plan(second, [_run("a", 1)], definition, definition).given("asked")["open"] == [own, found]
    assert plan(second, [_run("a", 1, statement_id="s1")], definition, definition).given("asked")["open"] == [own]


def test_what_is_said_of_it_holds() -> None:
    """Done is kept, not done runs again; of what can still be looked up nothing is assumed."""
    resumption = Resumption(ORIGIN, {}, kept=("z",), open=("a", "b", "c"))
    runs = [_run("a", 25), _run("b", 2), _run("c", 30)]
    said = resumption.assuming(runs, {"a": "done", "b": "done", "c": "not-done"}, NOW)
    assert (said.kept, said.open, [*said.again]) == (("z", "a"), ("b",), ["c"])
