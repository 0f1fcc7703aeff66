"""A job as plugins.zip carries it: one small file, and the SQL beside it, which is read when somebody needs it.

::

    elt_redshift_jobs/<name>/job.json    names, edges, parameters, policies; where each statement stood
    elt_redshift_jobs/<name>/sql.json    the statements' texts by task

A job was validated before it was packaged, so reading it needs no YAML and takes no SQL apart. (DAGs read the SQL for
their tasks' documentation, as text.)
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from elt_redshift.exceptions import EltError, JobError, Problem
from elt_redshift.job import plain
from elt_redshift.job.parts import JobSpec
from elt_redshift.version import __version__

#: Folder beside the package.
FOLDER = "elt_redshift_jobs"
FILE = "job.json"
SQL_FILE = "sql.json"

REMEDY = "Make it anew with `elt-redshift package`, and upload plugins.zip."


@dataclass(frozen=True, slots=True)
class StoredText:
    """The text of statement ``number`` of a task in an SQL file of this module's."""

    file: str
    task: str
    number: int

    def read(self) -> str:
        """
        :raises EltError: the file is not there or damaged.
        """
        try:
            return str(_texts(self.file)[self.task][self.number])
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise EltError(f"{self.file}: The SQL of task {self.task} cannot be read: {error}. {REMEDY}") from error


@lru_cache(maxsize=4)
def _texts(file: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = json.loads(Path(file).read_bytes())
    return found


def render(job: JobSpec) -> dict[str, bytes]:
    """The files of a job, by name; the same job gives the same bytes."""
    data = plain.to_dict(job)
    texts = {task["name"]: [one.pop("text") for one in task["statements"]] for task in data["tasks"]}
    return {FILE: _json({"version": __version__, "job": data}), SQL_FILE: _json(texts)}


def _json(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def read(file: Path) -> JobSpec:
    """The job of a file that :func:`render` made; its statements' texts are read when they are needed.

    :raises JobError: the file cannot be read, or another version of the package made it.
    """
    try:
        data = json.loads(file.read_bytes())
        made_by, job = data["version"], data["job"]
        if made_by == __version__:
            return _job(job, str(file.with_name(SQL_FILE)))
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise JobError([Problem(str(file), f"The packaged job cannot be read: {error!r}.", REMEDY)]) from error
    message = f"The job was packaged by elt_redshift {made_by}; this is {__version__}."
    raise JobError([Problem(str(file), message, REMEDY)])


def _job(data: dict[str, Any], sql_file: str) -> JobSpec:
    for task in data["tasks"]:
        for number, statement in enumerate(task["statements"]):
            statement["stored"] = StoredText(sql_file, task["name"], number)
    return plain.from_dict(data)
