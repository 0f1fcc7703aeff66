"""Reading mappings whose keys are known."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from elt_redshift.job.findings import Findings
from elt_redshift.job.findings import Path as Place
from elt_redshift.job.keys import Key
from elt_redshift.job.written import Plain, bare, shown

#: The types of what may be true or false.
_BOOLEANS = ("boolean", ["boolean", "string"])


def check_keys(path: Place, given: Mapping[Any, Any], known: Collection[str], findings: Findings) -> None:
    """Note the keys that mean nothing at ``path``."""
    for word in given:
        if word not in known:
            where = f"in {'.'.join(path)}" if path else "in a job"
            problem = f"The key '{bare(word)}' means nothing {where}."
            findings.add((*path, str(word)), problem, findings.did_you_mean(str(word), known))


def given(data: Mapping[Any, Any], known: Mapping[str, Key]) -> dict[str, Any]:
    """What ``data`` says under keys that are known."""
    return {name: _natural(data[name], key) for name, key in known.items() if name in data}


def _natural(value: Any, key: Key) -> Any:
    """``True`` as ``true``, where only that can be meant."""
    if isinstance(value, Plain) and key.schema.get("type") in _BOOLEANS:
        return {"true": True, "false": False}.get(value.lower(), value)
    return value


def mapping(path: Place, value: Any, example: str, findings: Findings) -> Mapping[Any, Any]:
    """``value`` if it is a mapping with text keys; nothing if it is absent; else noted."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        findings.add(path, f"'{'.'.join(path)}' is {shown(value)}, not a mapping.", f"Write it as {example}.")
        return {}
    return value
