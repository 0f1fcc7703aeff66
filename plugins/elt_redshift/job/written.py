"""Texts as people wrote them: what YAML would change, and how messages quote it."""

from __future__ import annotations

import re
import reprlib
from typing import TypeGuard

_SURROGATE = re.compile("[\ud800-\udfff]")


class Plain(str):
    """What stands unquoted in a file and is no text for YAML, but not written as we read such values: ``0101``, which
    YAML takes for 65 or 101, or ``True``. It is none of the two unless its reader knows what to make of it."""

    __slots__ = ()


def is_text(value: object) -> TypeGuard[str]:
    """Whether ``value`` is text for every reader."""
    return isinstance(value, str) and not isinstance(value, Plain)


#: A name is quoted up to so many characters, more than any right one has.
_LONGEST_NAME = 140


class _Quoting(reprlib.Repr):
    """As Python writes values, but those that YAML has too as YAML does, and never more than is looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 4
        self.maxdict = self.maxlist = self.maxtuple = 30
        self.maxstring = self.maxother = self.maxlong = 200

    def repr1(self, x: object, level: int) -> str:
        if isinstance(x, bool):
            return str(x).lower()
        if isinstance(x, int) and x.bit_length() > 1_000:  # Python refuses to write out some
            return f"a number of about {int(x.bit_length() * 0.30103):,} digits"
        return str(x)[: self.maxstring] if isinstance(x, Plain) else super().repr1(x, level)


_QUOTING = _Quoting()


def shown(value: object) -> str:
    """``value`` as a message quotes it, in one line, shortened to 60 characters."""
    text = _QUOTING.repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def unsendable(text: str) -> str | None:
    """What ``text`` holds that cannot be sent to a database, in words; None if it can."""
    if "\0" in text:
        return "a null character, which no database takes"
    if not text.isascii() and _SURROGATE.search(text):
        return "half of a character, a lone surrogate"
    return None


def in_one_line(text: str) -> str:
    """``text`` with what cannot be shown, such as line ends and halves of characters, as Python writes it."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def bare(value: object) -> str:
    """``value`` as it was written, without quotes around it, for a message that gives it quotes."""
    text = str(value) if isinstance(value, str) else _QUOTING.repr(value)
    return text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME - 3]}..."


def count(number: int, thing: str) -> str:
    """``1 task``, ``2 tasks``."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """As ``1h30m`` in job.yaml; tenths of a second below a minute."""
    if seconds < 60:
        return f"{seconds:g}s" if seconds == int(seconds) else f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "m"), (rest, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number)
