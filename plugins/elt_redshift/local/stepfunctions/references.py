"""What a JSONata expression names, so that nothing else is made ready for it.

Most expressions of a state machine are paths (``$states.input.task.sql``); the others name a few members of variables
that hold a whole job. Looked up, and picked, they cost a fraction of giving all to the evaluator.
"""

from __future__ import annotations

import functools
import re
from typing import NamedTuple, Union

#: Members of a value by name, and of those again; None: the whole value.
Parts = dict[str, Union["Parts", None]]

_NAMED = re.compile(r"\$(\w+)((?:\.[A-Za-z_]\w*)*)")
_PATH = re.compile(r"\s*\$(\w+)((?:\.[A-Za-z_]\w*)*)\s*")
_WORDS = {"and", "or", "in", "true", "false", "null"}  # after a dot these are no names
_LOOK_ELSEWHERE = re.compile("[%@#]")  # operators that reach a parent, or bind it: nothing may be left out


class References(NamedTuple):
    """``path``: the names of an expression that is a path and nothing else, otherwise empty; ``names``: the variables
    and functions that it may name, and which of their members. Names in strings and comments count too."""

    path: tuple[str, ...]
    names: Parts


@functools.lru_cache(maxsize=4096)
def references(expression: str) -> References:
    """What ``expression`` names.

    >>> references("$states.input.a & $b")
    References(path=(), names={'states': {'input': {'a': None}}, 'b': None})
    >>> references("$states.input.a").path
    ('states', 'input', 'a')
    """
    names: Parts = {}
    whole = _LOOK_ELSEWHERE.search(expression) is not None
    for name, rest in _NAMED.findall(expression):
        _add(names, (name,) if whole else (name, *rest.split(".")[1:]))
    found = _PATH.fullmatch(expression)
    path = (found[1], *found[2].split(".")[1:]) if found else ()
    return References(() if _WORDS & {*path} else path, names)


def _add(parts: Parts, path: tuple[str, ...]) -> None:
    for name in path[:-1]:
        inner = parts.setdefault(name, {})
        if inner is None:
            return
        parts = inner
    parts[path[-1]] = None
