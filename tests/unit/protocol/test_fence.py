"""The fence's claims: who is held back by what was written, in every order of take-overs, redrives and writes."""

from __future__ import annotations

import pytest

from elt_redshift.job import sql
from elt_redshift.protocol import audit, fence
from tests.unit.protocol.test_writes import written

ERA = "2026-11-20T10:00:00.000Z"
GIVEN = {"start": "s", "end": "e", "era": ERA, "fence": "t", "dead": "one", "seen": "Running", "until": "none"}


def _claim(item: dict[str, str], redrives: str | None = None) -> str:
    return fence.claim_of(item[audit.FENCE_ERA], item[audit.FENCE], redrives or item[audit.REDRIVES])


def _item() -> dict[str, str]:
    """Of a run that has the lock."""
    free = written(audit.FENCE_OFF, {"JobID": "101", audit.FENCE_ERA: ERA}, {**GIVEN, "number": "0"})
    assert free
    item = written(audit.ACQUIRE_FENCED, free, {**GIVEN, "owner": "one", "redrives": "0"})
    assert item
    return item


def test_nobody_takes_a_lock_whose_fence_is_not_written() -> None:
    """A free item must name the table; a table of another schema is none."""
    one = {**GIVEN, "owner": "one", "redrives": "0"}
    assert written(audit.ACQUIRE_FENCED, {"JobID": "101", audit.FENCE_ERA: ERA}, one) is None
    elsewhere = {"JobID": "101", audit.FENCE_ERA: ERA, audit.FENCE_TABLE: "other"}
    assert written(audit.ACQUIRE_FENCED, elsewhere, one) is None
    assert written(audit.FENCE_OFF, _item(), {**GIVEN, "number": "0"}) is None  # somebody was faster


def test_a_call_that_comes_twice_counts_one_acquisition() -> None:
    """A run whose call arrives once more, late, does not know of it: its claim would be held off by that of a take-over
    which was refused. One whose answer was lost learns the number that it has."""
    item, mine = _item(), {**GIVEN, "owner": "one", "redrives": "0"}
    assert written(audit.ACQUIRE_FENCED, item, mine) is None
    kept = written(audit.KEEP_FENCED, item, {**mine, "redrives": "1"})
    assert kept
    assert (kept[audit.FENCE], kept[audit.REDRIVES]) == (item[audit.FENCE], "1")
    assert written(audit.KEEP_FENCED, item, {**mine, "owner": "two"}) is None
    taker = {**GIVEN, "owner": "two", "redrives": "0", "claim": "0", "number": item[audit.FENCE]}
    taken = written(audit.TAKE_OVER_FENCED, item, taker)
    assert taken
    assert written(audit.TAKE_OVER_FENCED, taken, {**taker, "number": taken[audit.FENCE]}) is None


def test_a_take_over_holds_the_dead_owner_back_and_not_the_new_one() -> None:
    """What was written is the dead owner's last claim: older than the next owner's."""
    before = _item()
    dead = _claim(before)
    seen = {**GIVEN, "owner": "two", "redrives": "0", "claim": "0", "number": before[audit.FENCE]}
    after = written(audit.TAKE_OVER_FENCED, before, seen)
    assert after
    assert dead < _claim(after)
    assert written(audit.TAKE_OVER_FENCED, before, {**seen, "number": "7"}) is None  # it was taken once more meanwhile


def test_an_owner_that_is_redriven_while_somebody_takes_over_goes_on() -> None:
    """The write was for nothing: the take-over is refused, and the redriven owner's claim is beyond what was written.
    Claims are compared as numbers are, however many digits those have."""
    before = {**_item(), audit.FENCE: "999999999", audit.REDRIVES: "9"}
    fenced = _claim(before)
    again = written(audit.RECLAIM, {**before, audit.JOB_STATE: "Failed"}, {**GIVEN, "owner": "one", "redrives": "10"})
    assert again
    assert _claim(again) > fenced
    taker = {**GIVEN, "owner": "two", "redrives": "0", "claim": "9", "number": before[audit.FENCE]}
    assert written(audit.TAKE_OVER_FENCED, again, taker) is None


@pytest.mark.parametrize(
    ("write", "values"),
    [
        (audit.RECORD_RELEASED, {"owner": "one", "task": "a", "statement": "s", "message": "m"}),
        (audit.UNLOCK_FAILED_DAG_RUN, {"owner": "one"}),
        (audit.UNLOCK_UNOWNED, {}),
    ],
)
def test_who_frees_a_lock_that_may_have_calls_under_way_has_it_fenced_anew(
    write: audit.Write, values: dict[str, str]
) -> None:
    """The item does not name the table any more."""
    assert audit.FENCE_TABLE in write.removes


def test_jobs_have_tables_of_their_own() -> None:
    """Ids that Redshift would not tell apart, or could not name a table by, are told apart by a hash."""
    names = [fence.table(job_id, "etl") for job_id in ("101", "a", "A", "a.b", "a_b", "a-b")]
    assert names[:2] == ["etl.elt_fence_101", "etl.elt_fence_a"]
    assert len({name.lower() for name in names}) == len(names)
    assert all(len(name) <= 127 for name in (fence.table("X" * 64, "s"),))


def test_its_statements_are_one_each_and_known() -> None:
    """Each has the parameters that all are given, and the check is told from a job's SQL."""
    check, *writes = fence.check("t"), fence.creating("t"), *fence.writing("t")
    assert [len(sql.split(text)) for text in (check, *writes)] == [1, 1, 1, 1]
    assert sorted(sql.parameters(check)) == sorted(sql.parameters(writes[-1])) == sorted(fence.PARAMETERS)
    assert fence.is_check(check)
    assert not fence.is_check("select 1")
