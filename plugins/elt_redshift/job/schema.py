"""The JSON Schema of a job.yaml, for editors: they complete keys, show what each means, and mark mistakes at once.

``python -m elt_redshift.job.schema`` writes ``job.schema.json`` beside this module. A schema cannot see everything that
``elt-redshift check`` does (files, SQL, edges); whatever that takes, the schema takes.
It keeps to draft 7, which editors know best (https://json-schema.org/draft-07).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from elt_redshift.job import keys
from elt_redshift.job.keys import Key
from elt_redshift.job.parts import SOURCE_KINDS

FILE = Path(__file__).with_name("job.schema.json")

#: Links of the guide, which lead nowhere from an editor: whole remarks, and words.
_REMARK = re.compile(r" ?\(\[[^\]]*\]\([^)]*\)\)|; see \[[^\]]*\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")

#: What the guide's column says where there is none to speak of.
_NO_DEFAULTS = ("", "none", "required", "see there")
_TASK_NAMES = {"maxLength": keys.MAX_TASK_NAME, "not": {"enum": [*keys.RESERVED_TASK_NAMES, *keys.TEMPLATE_WORDS]}}


def schema() -> dict[str, Any]:
    """The schema, as JSON data."""
    job = _properties(keys.JOB)
    job["parameters"] |= {**_named({"anyOf": [_parameter(), {"type": "null"}]}), "type": ["object", "null"]}
    job["tasks"] |= {**_named(_task(), **_TASK_NAMES), "type": "object", "minProperties": 1}
    job["lock"] |= _object(keys.LOCK, nullable=True)
    short = rf"^\s*(rate\s*\(\s*{keys.RATE}|cron\s*\(\s*{keys.CRON})\s*\)\s*$"
    job["notify"] |= _object(keys.NOTIFY, nullable=True)
    job["schedule"] |= {"anyOf": [{"type": "string", "pattern": short}, _schedule(), {"type": "null"}]}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A job of elt_redshift",
        **_object(keys.JOB),
        "properties": job,
        "required": ["job_id", "name", "tasks"],
    }


def text() -> str:
    """The schema as the file has it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _object(known: Mapping[str, Key], nullable: bool = False) -> dict[str, Any]:
    kind = ["object", "null"] if nullable else "object"
    return {"type": kind, "additionalProperties": False, "properties": _properties(known)}


def _properties(known: Mapping[str, Key]) -> dict[str, dict[str, Any]]:
    return {name: _property(key) for name, key in known.items()}


def _property(key: Key) -> dict[str, Any]:
    default = "" if key.default in _NO_DEFAULTS else f" Default: {key.default}."
    words = _LINK.sub(r"\1", _REMARK.sub("", key.value))
    told = {"description": f"{words[0].upper()}{words[1:]}.{default}"}
    return {**({"enum": list(key.choices)} if key.choices else {}), **key.schema, **told}


def _named(each: dict[str, Any], **names: Any) -> dict[str, Any]:
    """A mapping from names to values of one schema.

    :param names: what else a name must be.
    """
    return {"propertyNames": {"pattern": f"^{keys.NAME}$", **names}, "additionalProperties": each}


def _parameter() -> dict[str, Any]:
    """Without a type, or with the type text, a value must be a text: a year without quotes is a number."""
    text = {"type": "string"}
    then = {"properties": {"default": text, "choices": {"items": text}}}
    return {**_object(keys.PARAMETER), "if": {"properties": {"type": {"const": "text"}}}, "then": then}


def _schedule() -> dict[str, Any]:
    schedule = _object(keys.SCHEDULE)
    schedule["properties"]["parameters"] |= {**_named(keys.SCHEDULED_VALUE), "type": ["object", "null"]}
    one = [{"required": [kind], "properties": {kind: {"type": "string"}}} for kind in ("rate", "cron")]
    return {**schedule, "oneOf": one}


def _task() -> dict[str, Any]:
    task = _object(keys.TASK)
    task["properties"]["retries"] |= {"anyOf": [keys.RETRIES["times"].schema, _object(keys.RETRIES)]}
    return {**task, "oneOf": [{"required": [kind]} for kind in SOURCE_KINDS]}


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
