"""A job as DAG files on Amazon MWAA find it: one file beside them, that whoever parses a DAG reads a line of.

::

    elt_redshift_jobs/<version>/<name>.jsonl    in a folder of Python's path, as Airflow's DAGs folders are
        first line     names, edges, parameters, policies; where each statement stood; the digest of the second line
        second line    the statements' texts by task, which are read when somebody needs them

A job was validated before it was packaged, so reading it needs no YAML and takes no SQL apart. (DAGs read the SQL for
their tasks' documentation, as text.)

Jobs are synced from S3, file by file, while Airflow reads them. One file for each job is always of one version, and who
reads its second line later than the first learns by the digest whether it is still that file's. The folder is the
package's version, since an environment gets its next package half an hour later than its DAGs folder: until then the
older package finds its own jobs, beside those of the next one.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from elt_redshift.exceptions import EltError, JobError, Problem
from elt_redshift.job import plain
from elt_redshift.job.parts import JobSpec
from elt_redshift.version import __version__

#: Folder in the DAGs folder, and what the files in it end with.
FOLDER = "elt_redshift_jobs"
SUFFIX = ".jsonl"
#: Keeps Airflow from looking for DAGs in the versions' folders, whether it takes patterns for globs or, as Airflow 2
#: does, for regular expressions.
IGNORE = ".airflowignore"
IGNORED = b"[0-9]*\n"

REMEDY = "Make it anew with `elt-redshift package`, and upload dags/."


@dataclass(frozen=True, slots=True)
class StoredText:
    """The text of statement ``number`` of a task in a packaged job's file.

    :param digest: of the file's second line, when its first one was read.
    """

    file: str
    task: str
    number: int
    digest: str

    def read(self) -> str:
        """
        :raises EltError: the file is not there, is damaged, or was replaced since its job was read.
        """
        try:
            return str(_texts(self.file, self.digest)[self.task][self.number])
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise EltError(f"{self.file}: The SQL of task {self.task} cannot be read: {error}. {REMEDY}") from error


@lru_cache(maxsize=4)
def _texts(file: str, digest: str) -> dict[str, list[str]]:
    with open(file, "rb") as opened:
        opened.readline()
        line = opened.readline()
    if _digest(line) != digest:
        raise EltError(f"{file}: The job was replaced, or is half uploaded, since it was read. Run the task again.")
    found: dict[str, list[str]] = json.loads(line)
    return found


def path(name: str) -> str:
    """Where a job's file is in a DAGs folder, by the name under which DAG files load it."""
    return f"{FOLDER}/{__version__}/{name}{SUFFIX}"


def render(job: JobSpec) -> bytes:
    """The file of a job; the same job gives the same bytes."""
    data = plain.to_dict(job)
    sql = _line({task["name"]: [one.pop("text") for one in task["statements"]] for task in data["tasks"]})
    return _line({"sql": _digest(sql), "job": data}) + sql


def _line(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode() + b"\n"


def _digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def find(name: str) -> Path | None:
    """The file of a job by its name; None if there is none of this version."""
    files = (folder / __version__ / f"{name}{SUFFIX}" for folder in _folders())
    return next((file for file in files if file.is_file()), None)


def names() -> set[str]:
    """The names of all packaged jobs."""
    return {file.stem for folder in _folders() for file in folder.glob(f"{__version__}/*{SUFFIX}")}


def versions(name: str) -> list[str]:
    """For which versions of the package a job is packaged."""
    return sorted({file.parent.name for folder in _folders() for file in folder.glob(f"*/{name}{SUFFIX}")})


def _folders() -> Iterator[Path]:
    """The folders of packaged jobs: Airflow has its DAGs folder, or the DAG bundle, on Python's path when it parses a
    DAG file. (``airflow dags test`` of Airflow 3 before 3.3 has not: there it is found as Airflow finds it.)"""
    home = os.environ.get("AIRFLOW_HOME")
    dags = os.environ.get("AIRFLOW__CORE__DAGS_FOLDER") or (os.path.join(home, "dags") if home else "")
    for place in dict.fromkeys([*sys.path, *filter(None, [dags])]):
        if (folder := Path(place) / FOLDER).is_dir():
            yield folder


def read(file: Path) -> JobSpec:
    """The job of a file that :func:`render` made; its statements' texts are read when they are needed.

    :raises JobError: the file cannot be read.
    """
    try:
        with file.open("rb") as opened:
            data = json.loads(opened.readline())
        return _job(data["job"], str(file), data["sql"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise JobError([Problem(str(file), f"The packaged job cannot be read: {error!r}.", REMEDY)]) from error


def _job(data: dict[str, Any], file: str, digest: str) -> JobSpec:
    for task in data["tasks"]:
        for number, statement in enumerate(task["statements"]):
            statement["stored"] = StoredText(file, task["name"], number, digest)
    return plain.from_dict(data)
