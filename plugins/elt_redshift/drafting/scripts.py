"""What the statements of a script do with tables."""

from __future__ import annotations

from collections.abc import Iterable

from elt_redshift.drafting import commands, queries
from elt_redshift.drafting.uses import Script, Use, Uses
from elt_redshift.job.parts import SqlStatement


def uses(statements: Iterable[SqlStatement]) -> Uses:
    """The sum of a script; of statements that nobody understands, it has the places."""
    script = Script()
    for statement in statements:
        try:
            script.add(_of(statement.text))
        except queries.UnknownError:
            script.add(commands.target(statement.text))
            script.uses.unknown.append(statement.place)
    return script.uses


def _of(text: str) -> list[Use]:
    query = commands.unloaded(text)
    if query is not None:
        return queries.uses(query)
    known = commands.uses(text)
    return queries.uses(text) if known is None else known
