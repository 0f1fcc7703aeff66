"""A job from a folder of SQL files: its tasks, their edges and parameters."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from elt_redshift.drafting import naming
from elt_redshift.drafting.ordering import Ordering, ordering
from elt_redshift.drafting.uses import Uses
from elt_redshift.job import edges, files, reading, sql, statements
from elt_redshift.job.findings import Findings
from elt_redshift.job.loading import FILE
from elt_redshift.job.parts import SqlStatement, SqlTask

#: Tells what the statements of a script do.
Reader = Callable[[Sequence[SqlStatement]], Uses]

SUFFIX = ".sql"


@dataclass(frozen=True)
class Draft:
    """A job that is not written yet.

    :param tasks: each after those it waits for.
    :param empty: files without a statement, which are no tasks.
    """

    name: str
    job_id: str
    tasks: Sequence[SqlTask]
    ordering: Ordering
    empty: Sequence[str] = ()

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for task in self.tasks for name in task.parameters))


def sql_files(folder: Path) -> list[PurePosixPath]:
    """The .sql files in a folder, relative to it, in order; without hidden folders, and those that hold another job."""
    found: list[PurePosixPath] = []
    for at, folders, names in os.walk(folder):
        inside = Path(at)
        folders[:] = sorted(one for one in folders if one[0] != "." and not (inside / one / FILE).exists())
        found += [
            PurePosixPath((inside / name).relative_to(folder).as_posix())
            for name in names
            if name.lower().endswith(SUFFIX) and name[0] != "."
        ]
    return sorted(found)


def draft(folder: Path, name: str, job_id: str, reader: Reader) -> Draft:
    """The job that the SQL files of a folder are.

    :param reader: as :func:`.scripts.uses`.
    :raises JobError: with every mistake for which a job could not hold a file.
    """
    found = sql_files(folder)
    empty = [file for file in found if _is_empty(folder / file)]
    names = naming.task_names([file for file in found if file not in empty])
    findings = Findings(str(folder), base=folder)
    tasks = [_task(task, file, folder, findings) for file, task in names.items()]
    findings.raise_if_any()
    order = ordering({task.name: reader(task.statements) for task in tasks})
    wired = [replace(task, upstream=tuple(order.upstream[task.name])) for task in tasks]
    return Draft(name, job_id, edges.in_order(wired), order, [str(file) for file in empty])


def _is_empty(file: Path) -> bool:
    """What cannot be read is not empty; reading it as a task tells why."""
    try:
        return not sql.split(files.read(file, files.SCRIPT).decode("utf-8-sig"))
    except (OSError, ValueError):
        return False


def _task(name: str, file: PurePosixPath, folder: Path, findings: Findings) -> SqlTask:
    """The task of a file; in one transaction, unless its statements cannot be that."""
    task = reading.read_task(name, {"sql": str(file)}, base=folder, wait="long_poll", findings=findings)
    if why_apart(task) is None:
        return task
    apart = replace(task, transaction=False)
    statements.check(apart, findings)
    return apart


def why_apart(task: SqlTask) -> str | None:
    """Why the statements of a task cannot be one transaction; None if they can."""
    findings = Findings(task.name)
    statements.check(replace(task, transaction=True), findings)
    return findings.problems[0].message if findings.problems else None
