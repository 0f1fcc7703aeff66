"""After which failures a task is submitted again, and when: the rule of its ``retries``, as JSONata."""

from __future__ import annotations

from collections.abc import Mapping

from elt_redshift.asl.language.jsonata import INPUT, Code, Value
from elt_redshift.job.parts import SqlTask
from elt_redshift.protocol import errors
from elt_redshift.protocol.errors import Kind

#: What decides how long the pauses are: the first one in seconds, the factor from one to the next, the longest one.
PAUSE = ("delay", "backoff", "longest")

#: The message of the statement that failed.
_ERROR = f"{INPUT}.error"


def shows(text: str, *kinds: Kind) -> str:
    """Whether ``text``, JSONata, is an error of one of these kinds."""
    return f"$contains({text}, /{errors.pattern(*kinds)}/)"


#: The kind of the failure in the state's input.
KIND = " : ".join(f"{shows(_ERROR, kind)} ? '{kind}'" if kind != "other" else f"'{kind}'" for kind in errors.KINDS)


def allowed(each: Mapping[Kind, int]) -> Value:
    """How many failures like the one in the state's input may be followed by another attempt; kinds that are treated
    as any other need not be looked for."""
    others = each["other"]
    special = [f"{shows(_ERROR, kind)} ? {number}" for kind, number in each.items() if number != others]
    return Code(" : ".join([*special, str(others)])) if special else others


def pauses(task: SqlTask) -> dict[str, float]:
    """The members of :data:`PAUSE` of a task."""
    rule = task.retry_rule
    values = (rule.delay.total_seconds(), rule.backoff, rule.max_delay.total_seconds())
    return {name: int(value) if value == int(value) else value for name, value in zip(PAUSE, values, strict=True)}


def pause(of: Mapping[str, float] | Code) -> Code:
    """Seconds before the next attempt: what the rule says, and up to a quarter more by chance.

    :param of: the members of :data:`PAUSE`; or an object of them.
    """
    given = of if isinstance(of, Code) else None
    delay, backoff, longest = (f"$p.{name}" if given else str(of[name]) for name in PAUSE)  # type: ignore[index]
    rule = f"$ceil($min([{longest}, {delay} * $power({backoff}, {INPUT}.failures)]) * (1 + $random() / 4))"
    return Code(f"($p := {given}; {rule})" if given else rule)
