"""Items are found in an ordering as they are by looking at all of them."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from elt_redshift.local.dynamodb.ordering import Between, Key, Ordering, Schema

SCHEMA = Schema(("of",), ("a", "b"), ("name",), tuple((name, "S") for name in ("of", "a", "b", "name")))

COMPARISONS: dict[str, Callable[..., bool]] = {
    "=": lambda key, given: key == given,
    "<": lambda key, given: key < given,
    "<=": lambda key, given: key <= given,
    ">": lambda key, given: key > given,
    ">=": lambda key, given: key >= given,
    "BETWEEN": lambda key, first, last: first <= key <= last,
    "BEGINS_WITH": lambda key, given: key.startswith(given),
}

#: Beside letters the last character of all, and one that UTF-16 would put before it.
texts = st.text("ab\ue000\U0010ffff", max_size=2)
conditions = st.one_of(
    st.just(Between()),
    st.builds(
        lambda equal, comparison, values: Between(equal, comparison, values[: 1 + (comparison == "BETWEEN")]),
        st.one_of(st.just(()), st.tuples(texts)),
        st.sampled_from([*COMPARISONS]),
        st.tuples(texts, texts),
    ),
)


def item(of: str, *keys: str | None) -> Any:
    """With these key attributes; None: it lacks one."""
    attributes = dict(zip(("of", "a", "b", "name"), (of, *keys), strict=True))
    return SimpleNamespace(
        attrs={name: SimpleNamespace(type="S", value=text) for name, text in attributes.items() if text is not None}
    )


def sort_keys(one: Any) -> Key:
    return tuple(one.attrs[name].value for name in ("a", "b", "name"))


def meets(one: Key, which: Between) -> bool:
    """Whether a condition takes an item."""
    count = len(which.equal)
    if one[:count] != which.equal:
        return False
    return which.comparison is None or COMPARISONS[which.comparison](one[count], *which.values)


written = st.tuples(
    st.sampled_from("0123456789"),
    st.one_of(st.none(), st.builds(item, st.sampled_from("xy"), st.one_of(st.none(), texts), texts, texts)),
)


@given(st.lists(written, max_size=30), conditions, st.one_of(st.none(), st.tuples(texts, texts, texts)), st.booleans())
def test_it_finds_what_a_look_at_all_items_finds(
    writes: list[tuple[str, Any]], which: Between, behind: Key | None, forward: bool
) -> None:
    """After any writes, any condition on the first or second sort key, and any place to go on behind, in either
    direction."""
    ordering, kept = Ordering(SCHEMA), dict[str, Any]()
    for name, one in writes:
        if one is not None:
            one.attrs["name"] = SimpleNamespace(type="S", value=name)
        ordering.put(name, one)
        kept[name] = one
    there = sorted(sort_keys(one) for one in kept.values() if one and "a" in one.attrs and one.attrs["of"].value == "x")
    wanted = [
        key
        for key in (there if forward else there[::-1])
        if meets(key, which) and (behind is None or (key > behind if forward else key < behind))
    ]
    assert [sort_keys(one) for one in ordering.find(("x",), which, behind, forward)] == wanted


@given(st.tuples(texts, texts, texts), conditions)
def test_a_condition_holds_of_the_keys_that_it_takes(key: Key, which: Between) -> None:
    """Of one item's keys a condition tells whether it takes them, whether or not there is such an item."""
    assert which.holds(key) == meets(key, which)
