"""From what a user wrote (plain values, as YAML or keyword arguments give them) to the parts of a job.

Structure is judged here: keys, shapes, files, SQL syntax. Whether values are allowed is judged by :mod:`.checks`, so
that a job built from parts meets the same rules. Whatever cannot be read is noted and left out; reading goes on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from elt_redshift.job import files, keys, mapped, notifying, parameters, schedules, sql
from elt_redshift.job.findings import Findings
from elt_redshift.job.findings import Path as Key
from elt_redshift.job.parts import (
    DURATIONS,
    RETRY_DURATIONS,
    SOURCE_KINDS,
    JobSpec,
    LockPolicy,
    Parameter,
    Retries,
    SourceKind,
    SqlStatement,
    SqlTask,
    Wait,
)
from elt_redshift.job.written import bare, shown

_DURATION = re.compile(keys.DURATION)
_DURATION_WORDS = {**DURATIONS, **RETRY_DURATIONS}
#: The keys of a task that are read, and not taken as they are.
_READ = (*SOURCE_KINDS, "upstream", *DURATIONS, "wait", "retries")


def read_job(data: Mapping[Any, Any], *, base: Path, findings: Findings) -> JobSpec:
    """The job that the content of a ``job.yaml`` describes."""
    mapped.check_keys((), data, keys.JOB, findings)
    for name, key in keys.JOB.items():
        if key.missing and data.get(name) is None:
            findings.add((name,), f"The job has no {name}.", key.missing)
    wait = data.get("wait", "long_poll")
    read = {
        "job_id": data.get("job_id"),
        "name": data.get("name"),
        "tags": tuple(tags) if isinstance(tags := data.get("tags", ()), list) else tags,
        "parameters": _read_parameters(data.get("parameters"), findings),
        "tasks": _read_tasks(data.get("tasks"), base, wait, findings),
        "lock": _read_lock(data.get("lock"), findings),
        "schedule": schedules.read(data.get("schedule"), findings),
        "notify": notifying.read(data.get("notify"), findings),
    }
    return JobSpec(**{**mapped.given(data, keys.JOB), **read})


def read_task(name: str, options: Any, *, base: Path, wait: Wait, findings: Findings) -> SqlTask:
    """The task that ``options`` (the keys of a task in ``job.yaml``) describe.

    :param base: folder of the SQL files.
    :param wait: the job's default.
    """
    key = ("tasks", str(name))
    if not isinstance(options, Mapping):
        written = "nothing" if options is None else f"{shown(options)}"
        findings.add(key, f"The task '{bare(name)}' holds {written}.", "Give it keys, such as {sql: load.sql}.")
        return SqlTask(name=name, statements=())
    mapped.check_keys(key, options, keys.TASK, findings)
    kind = _source_kind(key, options, findings)
    text = options.get(kind)
    return SqlTask(
        name=name,
        statements=_read_source(key, kind, text, base, findings) if kind else (),
        upstream=_read_upstream((*key, "upstream"), options.get("upstream"), findings),
        timeout=_read_duration((*key, "timeout"), options.get("timeout"), findings),
        expected=_read_duration((*key, "expected"), options.get("expected"), findings),
        wait=options.get("wait", wait),
        retries=_read_retries((*key, "retries"), options.get("retries", 0), findings),
        source=text if kind == "sql" and isinstance(text, str) else "",
        kind=kind or "statement",
        **{name: value for name, value in mapped.given(options, keys.TASK).items() if name not in _READ},
    )


def _read_parameters(value: Any, findings: Findings) -> tuple[Parameter, ...]:
    given = mapped.mapping(("parameters",), value, 'year: {default: "1998"}', findings)
    return tuple(_read_parameter(name, options, findings) for name, options in given.items())


def _read_parameter(name: Any, options: Any, findings: Findings) -> Parameter:
    key = ("parameters", str(name))
    if options is None:
        return Parameter(name=name)
    if not isinstance(options, Mapping):
        remedy = f'Write {name}: {{default: "{bare(options)}"}}, or {name}: {{}} if it must be given.'
        findings.add(key, f"The parameter '{name}' holds {shown(options)}.", remedy)
        return Parameter(name=name)
    mapped.check_keys(key, options, keys.PARAMETER, findings)
    if "default" in options and options["default"] is None:
        remedy = "Give it a text, or leave the key out if the value must be given."
        findings.add((*key, "default"), f"The default of '{name}' is nothing.", remedy)
    return parameters.normal(Parameter(name=name, **mapped.given(options, keys.PARAMETER)))


def _read_lock(value: Any, findings: Findings) -> LockPolicy:
    options = mapped.mapping(("lock",), value, "{when_locked: skip}", findings)
    mapped.check_keys(("lock",), options, keys.LOCK, findings)
    return LockPolicy(**mapped.given(options, keys.LOCK))


def _read_tasks(value: Any, base: Path, wait: Wait, findings: Findings) -> tuple[SqlTask, ...]:
    example = "load_supplier: {sql: load_supplier.sql}"
    if value is None or value == {}:
        findings.add(("tasks",), "The job has no tasks.", f"Add at least one, such as {example}.")
    tasks = mapped.mapping(("tasks",), value, example, findings)
    return tuple(read_task(name, task, base=base, wait=wait, findings=findings) for name, task in tasks.items())


def _source_kind(key: Key, options: Mapping[Any, Any], findings: Findings) -> SourceKind | None:
    given = [kind for kind in SOURCE_KINDS if kind in options]
    if len(given) == 1:
        return given[0]
    problem = f"The task '{key[-1]}' has {' and '.join(given)}." if given else f"The task '{key[-1]}' has no SQL."
    findings.add(key, problem, "Give it exactly one of sql (a file), statement, call.")
    return None


def _read_source(key: Key, kind: SourceKind, text: Any, base: Path, findings: Findings) -> tuple[SqlStatement, ...]:
    key = (*key, kind)
    if not isinstance(text, str) or not text.strip():
        remedy = "Give it the name of a file." if kind == "sql" else "Give it a text."
        findings.add(key, f"The {kind} of '{key[1]}' is {shown(text)}.", remedy)
        return ()
    if kind == "sql":
        return _read_script(key, text, base, findings)
    return _read_inline(key, f"CALL {text.strip(sql.WHITE)}" if kind == "call" else text, kind, findings)


def _read_inline(key: Key, text: str, kind: SourceKind, findings: Findings) -> tuple[SqlStatement, ...]:
    try:
        found = sql.split(text)
        called = kind != "call" or _is_call(text)
    except sql.SqlSyntaxError as error:
        findings.add(key, f"The {kind} of '{key[1]}' is not SQL: {error.message}", "Close it.")
        return ()
    if not called:
        remedy = 'Write the procedure and its arguments, without CALL and ";", such as "public.sp_load(:year)".'
        findings.add(key, f"The call of '{key[1]}' is not one call of a procedure.", remedy)
        return ()
    if len(found) != 1:
        remedy = "Write one statement, or put several into a file: sql: load.sql."
        findings.add(key, f"The statement of '{key[1]}' holds {len(found) or 'no'} statements.", remedy)
        return ()
    return (_statement(found[0], ".".join(key)),)


def _is_call(text: str) -> bool:
    """Whether ``text`` is ``CALL``, a name in dotted parts, and arguments in brackets that close at its end."""
    tokens = [token for token in sql.tokenize(text) if token.kind not in sql.BLANK]
    opening = next((index for index, token in enumerate(tokens) if token.text == "("), 0)
    name, arguments = tokens[1:opening], tokens[opening:]
    dotted = all(
        token.text == "." if index % 2 else token.kind in ("name", "quoted") for index, token in enumerate(name)
    )
    return len(name) % 2 == 1 and dotted and _closes_at_end(arguments)


def _closes_at_end(tokens: Sequence[sql.Token]) -> bool:
    depth = 0
    for index, token in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0:
            return index == len(tokens) - 1
    return False


def _statement(found: sql.Statement, place: str) -> SqlStatement:
    return SqlStatement(text=found.text, parameters=found.parameters, place=place)


def _read_script(key: Key, name: str, base: Path, findings: Findings) -> tuple[SqlStatement, ...]:
    text = _read_file(key, name, base, findings)
    if text is None:
        return ()
    try:
        found = sql.split(text)
    except sql.SqlSyntaxError as error:
        findings.add_in_file(key, name, error.line, f"The script ends too early: {error.message}", "Close it.")
        return ()
    if not found:
        findings.add(key, f"The script '{name}' holds no statement.", "Write one, or take the task out.")
    return tuple(_statement(one, f"{name}:{one.line}") for one in found)


def _read_file(key: Key, name: str, base: Path, findings: Findings) -> str | None:
    inline = len(name.split()) > 1
    remedy = "For SQL written here, use statement." if inline else f"Put it into '{base}', or mend the name."
    try:
        path = (base / name).resolve()
        if not path.is_relative_to(base.resolve()):
            findings.add(key, f"The file '{bare(name)}' is outside the job's folder.", f"Move it into '{base}'.")
            return None
        return files.read(path, files.SCRIPT).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        findings.add(key, f"The file '{bare(name)}' is not UTF-8 (byte {error.start}).", "Save it as UTF-8.")
    except RuntimeError:  # what pathlib says of it before Python 3.13
        findings.add(key, f"The file {shown(name)} is a link to itself.", remedy)
    except FileNotFoundError:
        findings.add(key, f"The file {shown(name)} does not exist.", remedy)
    except OSError as error:
        findings.add(key, f"The file {shown(name)} cannot be read: {error.strerror}.", remedy)
    except ValueError:  # it holds a null byte
        findings.add(key, f"No file can be named {shown(name)}.", remedy)
    return None


def _read_upstream(key: Key, value: Any, findings: Findings) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        example = f"[{value}]" if isinstance(value, str) else "[load_supplier, load_customer]"
        findings.add(
            key, f"The upstream of '{key[1]}' is {shown(value)}, not a list of task names.", f"Write {example}."
        )
        return ()
    return tuple(value)


def _read_retries(key: Key, value: Any, findings: Findings) -> Any:
    """A mapping as :class:`Retries`; whatever else as it is."""
    if not isinstance(value, Mapping):
        return value
    mapped.check_keys(key, value, keys.RETRIES, findings)
    made = mapped.given(value, keys.RETRIES)
    for name in ("delay", "max_delay"):
        if name in made and (read := _read_duration((*key, name), made.pop(name), findings)) is not None:
            made[name] = read
    if "on" in made:
        made["on"] = tuple(on) if isinstance(on := made["on"], list) else on
    return Retries(**made)


def _read_duration(key: Key, value: Any, findings: Findings) -> timedelta | None:
    if value is None or isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) and value else None
    if match is None:
        remedy = 'Write hours, minutes, seconds, such as "2h", "1h30m", "90m", "30s".'
        findings.add(key, f"The {_DURATION_WORDS[key[-1]]} of '{key[1]}' is {shown(value)}, not a duration.", remedy)
        return None
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)
