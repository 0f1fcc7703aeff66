"""How long a job's tasks took, as somebody has recorded it in a file beside its ``job.yaml``.

It counts where nothing is expected of a task. As a file of the job's it is the same for everybody who compiles it:
``check``, ``deploy``, a pipeline and Airflow come to the same layout, without asking AWS.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from elt_redshift.exceptions import EltError
from elt_redshift.job import files
from elt_redshift.job.findings import Findings
from elt_redshift.job.parts import JobSpec, SqlTask

#: ``elt-redshift plan JOB --from-history --record`` writes it.
FILE = "durations.json"

#: In seconds: what a task may be expected to take, and no statement takes longer.
_SHORTEST, _LONGEST = 1, 86_400
#: The largest file that is read, in bytes: 10,000 tasks have less.
_MOST = 4 * 1024 * 1024

_REMEDY = "Write it anew with `elt-redshift plan JOB --from-history --record`, or delete it."


def render(seconds: Mapping[str, float], measured: str) -> str:
    """The content of the file.

    :param seconds: by task, retries included; written in whole seconds, from one to a day's.
    :param measured: what they were measured in, for people.
    """
    rounded = {task: min(max(math.ceil(took), _SHORTEST), _LONGEST) for task, took in sorted(seconds.items())}
    return json.dumps({"measured": measured, "seconds": rounded}, indent=2, ensure_ascii=False) + "\n"


def write(folder: Path, seconds: Mapping[str, float], measured: str) -> Path:
    """Write the file into a job's folder.

    :raises EltError: that cannot be done.
    """
    path = folder / FILE
    try:
        path.write_text(render(seconds, measured), encoding="utf-8")
    except OSError as error:
        raise EltError(f"{path} cannot be written: {error.strerror}.") from error
    return path


def apply(job: JobSpec, folder: Path, findings: Findings) -> JobSpec:
    """The job, whose tasks are expected to take as long as was recorded, but not past their timeouts, where it does not
    say otherwise. Tasks that the job does not have any more are passed over."""
    recorded = _read(folder / FILE, findings)
    return replace(job, tasks=tuple(_expecting(task, recorded) for task in job.tasks)) if recorded else job


def _expecting(task: SqlTask, recorded: Mapping[str, float]) -> SqlTask:
    seconds = recorded.get(task.name) if isinstance(task.name, str) else None
    if seconds is None or task.expected is not None:
        return task
    took = timedelta(seconds=seconds)
    return replace(task, expected=min(took, task.timeout) if isinstance(task.timeout, timedelta) else took)


def _read(path: Path, findings: Findings) -> Mapping[str, float]:
    try:
        found = json.loads(files.read(path, _MOST))["seconds"]
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is no such file as `plan` writes"
        findings.add_at((), str(path), f"The recorded durations cannot be read: {said}.", _REMEDY)
        return {}
    if not isinstance(found, dict) or not all(_is_duration(one) for one in found.values()):
        findings.add_at(
            (), str(path), f"It holds durations that are none ({_SHORTEST} to {_LONGEST:,} seconds).", _REMEDY
        )
        return {}
    return found


def _is_duration(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and _SHORTEST <= value <= _LONGEST
