"""Finding and loading jobs: by file, by folder, by name, or as ``module:attribute``."""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from elt_redshift.exceptions import JobError, Problem
from elt_redshift.job import checks, durations, files, packaged, reading
from elt_redshift.job.findings import Findings, did_you_mean
from elt_redshift.job.parts import JobSpec
from elt_redshift.version import __version__

T = TypeVar("T")

FILE = "job.yaml"
#: Environment variable: folders that hold jobs by name, separated as in ``PATH``.
JOBS_VARIABLE = "ELT_REDSHIFT_JOBS"
#: Where MWAA and repositories that are laid out like it have plugins, with the package in it; and jobs, beside that.
PLUGINS, SQL = "plugins", "sql"
#: The folder that the package is in.
HOME = Path(__file__).resolve().parents[2]

#: A job's name, as opposed to a path.
NAME = re.compile(r"[\w-]+")
_ATTRIBUTE = re.compile(r"(?P<module>[A-Za-z_][\w.]*):(?P<attribute>[A-Za-z_][\w.]*)")


def load(path_or_name: str | Path) -> tuple[JobSpec, Findings]:
    """Read and check a job; see :meth:`elt_redshift.job.model.EltJob.load`. Also gives where its mistakes are told."""
    file = find(path_or_name)
    if file.suffix == packaged.SUFFIX:
        job = packaged.read(file)
        return job, Findings(f"job {job.name}")
    from elt_redshift.job import document  # PyYAML: a packaged job needs none

    data, findings = document.read(_text(file), file)
    if data is None:
        raise JobError(findings.problems)
    job = durations.apply(reading.read_job(data, base=file.parent, findings=findings), file.parent, findings)
    checks.require(job, findings)
    return job, findings


def find(path_or_name: str | Path) -> Path:
    """The ``job.yaml`` meant by a path to it or to its folder, or by a job's name; or the file of the packaged job of
    that name.

    :raises JobError: there is none; it tells where it was looked for.
    """
    looked: list[Path] = []
    for candidate in _candidates(path_or_name):
        if candidate.is_file():
            return candidate
        looked.append(candidate)
    named = _is_name(path_or_name)
    if named and (file := packaged.find(str(path_or_name))):
        return file
    places = ", ".join(
        [*map(str, looked), *([f"{packaged.path(str(path_or_name))} on Python's path"] if named else [])]
    )
    remedy = f"Looked for {places}. {_hint(path_or_name)}".strip()
    raise JobError([Problem(str(path_or_name), f"There is no job '{path_or_name}'.", remedy)])


def _is_name(path_or_name: str | Path) -> bool:
    return isinstance(path_or_name, str) and NAME.fullmatch(path_or_name) is not None


def _hint(path_or_name: str | Path) -> str:
    if NAME.fullmatch(str(path_or_name)):
        others = packaged.versions(str(path_or_name))
        if others:
            return f"It is packaged for elt_redshift {', '.join(others)}; this is {__version__}. {packaged.REMEDY}"
        return did_you_mean(str(path_or_name), sorted(_names()))
    folder = Path(path_or_name)
    name = folder.parent.name if folder.suffix else folder.name
    return f"A job is found by its name everywhere: EltJob.load({name!r})." if name in _names() else ""


def job_folders() -> tuple[Path, ...]:
    """The folders in which a job.yaml is looked for by name, in order."""
    listed = [Path(folder) for folder in os.environ.get(JOBS_VARIABLE, "").split(os.pathsep) if folder]
    beside = [HOME.parent / SQL] if HOME.name == PLUGINS and HOME.parent != Path.cwd() else []
    return (Path(SQL), *listed, *beside)


def _candidates(path_or_name: str | Path) -> Iterator[Path]:
    path = Path(path_or_name)
    yield path if path.suffix in (".yaml", ".yml") else path / FILE
    if _is_name(path_or_name):
        yield from (folder / path_or_name / FILE for folder in job_folders())


def _names() -> set[str]:
    return {file.parent.name for folder in job_folders() for file in folder.glob(f"*/{FILE}")} | packaged.names()


def _text(file: Path) -> str:
    try:
        return files.read(file, files.JOB).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problem = Problem(str(file), f"The file is not UTF-8 (byte {error.start}).", "Save it as UTF-8.")
        raise JobError([problem]) from error
    except OSError as error:
        problem = Problem(str(file), f"The file cannot be read: {error.strerror}.", "Check its rights.")
        raise JobError([problem]) from error


def attribute(spec: str | Path, kind: type[T]) -> T | None:
    """The object that ``module:attribute`` names, or what a function of that name makes; None if ``spec`` is no such.

    :raises JobError: it cannot be imported, or is not of that kind.
    """
    match = _ATTRIBUTE.fullmatch(str(spec))
    if match is None:
        return None
    found = _imported(match["module"], match["attribute"])
    found = found() if not isinstance(found, kind) and callable(found) else found
    if not isinstance(found, kind):
        called = kind.__name__
        message = f"It is {type(found).__name__}, not an {called}."
        raise JobError([Problem(str(spec), message, f"Name an {called} or what makes one.")])
    return found


def _imported(module: str, attribute: str) -> object:
    if "" not in sys.path and os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # a console script has only its own folder there
    try:
        found: object = importlib.import_module(module)
        for name in attribute.split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError) as error:
        remedy = "Check the names, and that PYTHONPATH reaches it."
        raise JobError([Problem(f"{module}:{attribute}", f"It cannot be imported: {error}.", remedy)]) from error
    return found
