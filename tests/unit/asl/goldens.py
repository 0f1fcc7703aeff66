"""What is kept of a definition under golden/: all of it, what differs from another's, or a line for each state.

Whole, one key a line: the protocols. As differences from the whole of another job: the policies. As an outline: the
shapes of graphs, whose states are those of the protocols again and again; its first line is a digest of the whole, so
that not a byte of a definition changes unseen.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterator
from typing import Any

from elt_redshift.asl.compiler import compile_job

from . import large
from .jobs import JOBS
from .large import LARGE

#: The definitions of jobs as they are, and those of jobs that are compiled as large ones.
NAMES = (*JOBS, *LARGE)

#: The lock and a statement, an event, joins, a map; what follows a statement; a run of parts, and one of them.
WHOLE = ("one_task", "event", "n", "map", "followed_follower", "parts", "parts_part_1")
#: By name: the definition that is kept whole, and that this one is compared with.
BASES = {
    "batch_auto_commit": "one_task",
    "batch_in_a_transaction": "one_task",
    "fail_when_locked": "one_task",
    "followed": "one_task",
    "functions": "one_task",
    "parameters": "one_task",
    "fence": "one_task",
    "polling": "one_task",
    "retries_and_timeout": "one_task",
    "wait_for_a_failure": "one_task",
    "wait_for_the_lock": "one_task",
    "map_finish_independent": "map",
    "map_fence": "map",
    "map_functions": "map",
    "map_polling": "map",
    "parts_follower": "followed_follower",
}


def file_name(name: str) -> str:
    """The file of a definition under golden/."""
    return f"{name}.{'json' if name in WHOLE else 'diff' if name in BASES else 'txt'}"


def definition_of(name: str) -> dict[str, Any]:
    """The definition of that name."""
    if name not in LARGE:
        return compile_job(JOBS[name]).definition()
    version, which = LARGE[name]
    return dict(large.of(version))[which]


def golden(name: str) -> str:
    """What is to be in its file."""
    definition = definition_of(name)
    if name in WHOLE:
        return text(definition)
    if base := BASES.get(name):
        return differences(definition_of(base), definition)
    return outline(definition)


def text(definition: dict[str, Any]) -> str:
    """The whole definition, one key a line."""
    return json.dumps(definition, indent=1, ensure_ascii=False) + "\n"


def differences(base: dict[str, Any], definition: dict[str, Any]) -> str:
    """The lines of a definition that its base has not, and those that only its base has."""
    return "".join(difflib.unified_diff(*(text(one).splitlines(keepends=True) for one in (base, definition)), n=0))


def outline(definition: dict[str, Any]) -> str:
    """A digest of the whole, then each state's name, kind, call and what comes next; branches stand indented."""
    digest = hashlib.sha256(text(definition).encode()).hexdigest()
    return "\n".join([f"sha256 {digest}", *_lines(definition, "")]) + "\n"


def _lines(flow: dict[str, Any], indent: str) -> Iterator[str]:
    yield f"{indent}start at {flow['StartAt']}"
    for name, state in flow["States"].items():
        call = str(state.get("Resource", "")).removeprefix("arn:aws:states:::")
        yield f"{indent}{name}: {' '.join(filter(None, [state['Type'], call]))} -> {', '.join(_next(state))}"
        for branch in (*state.get("Branches", ()), *filter(None, [state.get("ItemProcessor")])):
            yield from _lines(branch, f"{indent}  ")


def _next(state: dict[str, Any]) -> Iterator[str]:
    for rule in state.get("Choices", ()):
        yield rule["Next"]
    if "Choices" in state or "Next" in state:
        yield state.get("Default") or state.get("Next") or "no match"
    else:
        yield "end"
    for catcher in state.get("Catch", ()):
        yield f"on {' or '.join(catcher['ErrorEquals'])} {catcher['Next']}"
