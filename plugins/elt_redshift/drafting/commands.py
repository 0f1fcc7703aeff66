"""What statements do that hold no query: their first words tell it.

Their syntax is Redshift's own (https://docs.aws.amazon.com/redshift/latest/dg/c_SQL_commands.html), which parsers of
SQL know least of.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache

from elt_redshift.drafting.uses import Kind, Use, folded, procedure, schema
from elt_redshift.job import sql

_Does = Callable[..., list[Use]]
#: Each says what a statement that fits it does with the names in it; the first that fits holds.
_Patterns = tuple[tuple[str, _Does], ...]

_NAME = r"([^\s(),=]+)"
_IF = r"(?: if (?:not )?exists)?"


def _all(*kinds: Kind) -> _Does:
    """Does this with each name of the statement: the first kind with the first name, and so on."""
    return lambda *names: [Use(kind, name) for kind, name in zip(kinds, names, strict=True)]


def _renamed(old: str, new: str) -> list[Use]:
    """The new name is in the old one's schema."""
    whole = f"{old.rpartition('.')[0]}.{new}" if "." in old else new
    return [Use("reads", old), Use("drops", old), Use("makes", whole)]


def _listed(names: str) -> list[Use]:
    return [Use("drops", name) for name in re.findall(r"[^\s,]+", names) if name not in ("cascade", "restrict")]


#: What does nothing with tables, or with none in particular.
_OTHERS = (
    "vacuum|analyze|comment on|grant|revoke|set|reset|show|use|begin|start|commit|end|rollback|abort|close|deallocate"
    "|explain|(?:create|alter|drop) (?:or replace )?(?:external )?(?:user|group|role|database|schema|library|function"
    "|procedure|datashare|identity provider|(?:row level security|rls|masking) policy|default privileges)"
)
_COMMANDS: _Patterns = (
    (rf"copy {_NAME}", _all("writes")),
    (rf"truncate(?: table)? {_NAME}", _all("empties")),
    (rf"vacuum(?: full| sort only| delete only| reindex| recluster)? {_NAME}", _all("reads")),
    (rf"analyze(?: verbose| compression)* {_NAME}", _all("reads")),
    (rf"refresh materialized view {_NAME}", _all("writes")),
    (rf"lock(?: table)? {_NAME}", _all("needs")),
    (rf"alter table {_NAME} append from {_NAME}", _all("writes", "reads")),
    (rf"alter (?:external )?(?:table|view) {_NAME} rename to {_NAME}", _renamed),
    (rf"alter (?:external )?(?:table|view|materialized view) {_NAME}", _all("writes")),
    (rf"drop (?:external )?(?:table|view|materialized view){_IF} (.+)", _listed),
    (rf"create external table{_IF} {_NAME} (?!.* as )", _all("makes")),
    (rf"create (?:external )?schema{_IF} (?!authorization){_NAME}", lambda name: [Use("makes", schema(name))]),
    (rf"create (?:or replace )?procedure {_NAME}", lambda name: [Use("makes", procedure(name))]),
    (rf"call {_NAME}", lambda name: [Use("calls", procedure(name))]),
    (rf"comment on (?:table|view|materialized view) {_NAME}", _all("needs")),
    (
        rf"(?:grant|revoke) .* on (?:table )?(?!(?:all|schema|database|function|procedure|language|model|external) )"
        rf"{_NAME} (?:to|from)",
        _all("needs"),
    ),
    (rf"(?:grant|revoke) .* on schema {_NAME} (?:to|from)", lambda name: [Use("needs", schema(name))]),
    (rf"set (?:session |local )?search_path (?:to |= ?)(?:\W*user\W* , )?'?{_NAME}", _all("path")),
    (rf"(?:{_OTHERS})", list),
)
#: Statements with queries, which are not read here.
_TARGETS: _Patterns = (
    (rf"create (?:or replace )?(?:table|view|materialized view){_IF} {_NAME}", _all("makes")),
    (rf"(?:insert into|update|delete from|merge into) {_NAME}", _all("writes")),
)


def uses(text: str) -> list[Use] | None:
    """What a statement does that one of the patterns knows; None if none does."""
    return _matched(_COMMANDS, text)


def target(text: str) -> list[Use]:
    """The table that a statement makes or changes, of which nothing else is known."""
    found = _matched(_TARGETS, text)
    return [] if found is None else found


def unloaded(text: str) -> str | None:
    """The query that an ``UNLOAD`` holds as a string; None if ``text`` is none."""
    tokens = (token for token in sql.tokenize(text) if token.kind not in sql.BLANK)
    if next(tokens).word != "unload":
        return None
    query = next((token for token in tokens if token.kind in ("string", "dollar")), None)
    if query is None:
        return ""
    if query.kind == "dollar":
        return re.sub(r"\A\$\w*\$|\$\w*\$\Z", "", query.text)
    return re.sub(r"''|\\(.)", lambda found: found[1] or "'", query.text.partition("'")[2][:-1], flags=re.DOTALL)


def _matched(patterns: _Patterns, text: str) -> list[Use] | None:
    words = " ".join(_glued(text))
    for pattern, does in _compiled(patterns):
        if found := pattern.match(words):
            return does(*(name.rstrip("'") for name in found.groups()))
    return None


@cache
def _compiled(patterns: _Patterns) -> tuple[tuple[re.Pattern[str], _Does], ...]:
    return tuple((re.compile(rf"(?:{pattern})(?!\w)"), does) for pattern, does in patterns)


def _glued(text: str) -> Iterator[str]:
    """The words of a statement in lower case, a name with its schema being one of them."""
    held = ""
    for token in sql.tokenize(text):
        if token.kind in sql.BLANK:
            continue
        word = folded([token.text[1:-1]]) if token.kind == "quoted" else token.text.lower()
        if held and (word == "." or held.endswith(".")):
            held += word
        else:
            if held:
                yield held
            held = word
    if held:
        yield held
