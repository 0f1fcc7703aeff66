"""How often a failed task is submitted again, and what may be repeated unasked."""

from __future__ import annotations

import pytest

from elt_redshift.job.parts import Retries
from elt_redshift.job.repeating import UNASKED, is_one_transaction, times
from tests.unit.asl.jobs import task


@pytest.mark.parametrize(
    ("sqls", "transaction", "one"),
    [
        (("insert into t select 1",), True, True),
        (("insert into t select 1",), False, True),
        (("delete from t", "insert into t select 1"), True, True),
        (("delete from t", "insert into t select 1"), False, False),
        (("/* why */ Call sp_load()",), True, False),
        (("delete from t", "call sp_load()"), True, False),
        (("delete from t", "truncate u", "insert into t select 1"), True, False),
        (("truncate t", "truncate u", "insert into t select 1"), True, True),
        (("commit",), False, False),
    ],
)
def test_what_is_one_transaction(sqls: tuple[str, ...], transaction: bool, one: bool) -> None:
    """Statements that commit by themselves, and what may commit before the end, are not."""
    assert is_one_transaction(task("a", sql=sqls, transaction=transaction)) is one


def test_a_number_is_for_any_failure() -> None:
    """And a conflict of one transaction is repeated some times anyway."""
    assert times(task("a")) == {"throttled": 0, "connection": 0, "conflict": UNASKED, "other": 0}
    assert set(times(task("a", retries=7)).values()) == {7}


def test_a_rule_names_its_failures() -> None:
    """What it does not name is not retried."""
    rule = Retries(times=3, on=("conflict", "throttled"))
    committing = task("a", sql=("call sp_load()",), retries=rule)
    assert times(committing) == {"throttled": 3, "connection": 0, "conflict": 3, "other": 0}
