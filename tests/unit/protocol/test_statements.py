"""The names of statements."""

from __future__ import annotations

from elt_redshift.asl.language.jsonata import Code, joined
from elt_redshift.protocol import statements


def test_a_name_begins_as_its_finder_looks_for_it() -> None:
    """Job, label, task and attempt; a beginning ends in a slash, so that task `a` does not find those of `ab`."""
    assert "".join(statements.name("101", "run-1", "a", "2")) == "101/run-1/a/2"
    assert "".join(statements.beginning("101", "run-1", "a")) == "101/run-1/a/"
    assert "".join(statements.beginning("101")) == "101/"


def test_a_state_machine_computes_the_same_name() -> None:
    """The pieces are texts, or code that gives them."""
    name = statements.name("101", Code("$label"), "a", Code("$attempt"))
    assert joined(*name) == '"101/" & $label & "/a/" & $attempt'


def test_a_statement_that_never_was_has_no_id() -> None:
    """Items say so in a word, since a task that failed may have submitted nothing."""
    assert statements.submitted(statements.NO_STATEMENT) is None
    assert statements.submitted(None) is None
    assert statements.submitted("s1:2") == "s1:2"
    assert statements.whole("s1:2") == statements.whole("s1") == "s1"
