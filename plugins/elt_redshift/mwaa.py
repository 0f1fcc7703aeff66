"""What Amazon MWAA is given: ``plugins.zip``, ``requirements.txt`` and ``dags/``.

MWAA unpacks plugins.zip into ``/usr/local/airflow/plugins``, which is on Python's path, and syncs the DAGs folder to
``/usr/local/airflow/dags`` as it changes; it syncs nothing else
(https://docs.aws.amazon.com/mwaa/latest/userguide/configuring-dag-import-plugins.html). So the package is in
plugins.zip, whose next version takes an update of the environment, and jobs are beside the DAG files.
"""

from __future__ import annotations

import ast
import io
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from elt_redshift.exceptions import JobError, Problem
from elt_redshift.job import packaged
from elt_redshift.job.findings import did_you_mean
from elt_redshift.job.loading import NAME
from elt_redshift.job.model import EltJob

#: What MWAA's image of each Airflow version has; pip must not change it.
#: https://docs.aws.amazon.com/mwaa/latest/userguide/connections-packages.html
IMAGES: Mapping[str, Mapping[str, str]] = {
    "2.11.2": {"apache-airflow-providers-amazon": "9.22.0", "botocore": "1.42.61"},
    "3.0.6": {"apache-airflow-providers-amazon": "9.12.0", "botocore": "1.39.11"},
    "3.2.1": {"apache-airflow-providers-amazon": "9.25.0", "botocore": "1.42.84"},
    "3.3.1": {"apache-airflow-providers-amazon": "9.34.0", "botocore": "1.43.56"},
}
NEWEST = "3.3.1"

#: Where MWAA puts the DAGs folder: the only place that exists when it installs requirements, besides plugins.
DAGS = "/usr/local/airflow/dags"
CONSTRAINTS = "constraints.txt"

PACKAGE = "elt_redshift"
PLUGIN = "elt_redshift_plugin.py"
IGNORE = ".airflowignore"

#: Parts of the package that only a developer's machine needs: the embedded AWS, the command line, this module.
LEFT_OUT = frozenset({"local", "cli", "drafting", "testing", "__main__.py", "mwaa.py", "mwaa_serverless.py"})

#: The earliest time that a ZIP archive can hold.
EPOCH = (1980, 1, 1, 0, 0, 0)

Files = dict[str, bytes]


@dataclass(frozen=True)
class Bundle:
    """Everything that is uploaded: ``plugins`` and ``dags`` by their paths in the two folders."""

    plugins: Files
    dags: Files
    requirements: str


def bundle(
    jobs: Mapping[str, EltJob],
    dags: Path,
    airflow: str = NEWEST,
    *,
    plugins: Path | None = None,
    requirements: Path | None = None,
    constraints: Path | None = None,
) -> Bundle:
    """Collect the files.

    :param jobs: by the names under which DAG files load them.
    :param dags: the folder of the DAG files.
    :param airflow: the version of MWAA's environment, one of :data:`IMAGES`.
    :param plugins: a folder of other plugins, which MWAA takes from the same archive.
    :param requirements: a requirements.txt of other packages.
    :param constraints: a constraints file, instead of one that pins what the image has.
    :raises JobError: a file or folder is missing, two want the same place, or a DAG file loads another job by name.
    """
    ours, theirs = _package(), _files(plugins) if plugins else {}
    pins = _text(constraints) if constraints else _pins(airflow)
    beside = {CONSTRAINTS: pins.encode(), **_jobs(jobs)}
    found = _files(dags)
    problems = [
        *_twice(ours.keys() & theirs.keys() - {IGNORE}, plugins),
        *_twice(found.keys() & beside.keys(), dags),
        *_not_packaged(found, jobs.keys(), dags),
    ]
    if problems:
        raise JobError(problems)
    ignored = b"".join(files[IGNORE].rstrip(b"\n") + b"\n" for files in (ours, theirs) if IGNORE in files)
    return Bundle(
        plugins={**theirs, **ours, IGNORE: ignored},
        dags={**found, **beside},
        requirements=_requirements(_text(requirements) if requirements else ""),
    )


def archive(files: Mapping[str, bytes]) -> bytes:
    """A ZIP archive; the same files give the same bytes, whenever and wherever they were written."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as made:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
            made.writestr(entry, files[name])
    return written.getvalue()


def _package() -> Files:
    """The package, the plugin module, and what keeps Airflow from importing more than that module."""
    home = Path(__file__).resolve().parent
    package = {name: data for name, data in _files(home).items() if name.split("/")[0] not in LEFT_OUT}
    return {
        **{f"{PACKAGE}/{name}": data for name, data in package.items()},
        PLUGIN: (home.parent / PLUGIN).read_bytes(),
        IGNORE: f"{PACKAGE}/\n".encode(),
    }


def _jobs(jobs: Mapping[str, EltJob]) -> Files:
    """The jobs, and what keeps Airflow from looking for DAGs among them."""
    made = {packaged.path(name): packaged.render(job.spec) for name, job in jobs.items()}
    return {**made, f"{packaged.FOLDER}/{packaged.IGNORE}": packaged.IGNORED}


def _files(folder: Path) -> Files:
    """The files below a folder, without what Python, editors and systems leave there."""
    if not folder.is_dir():
        raise JobError([Problem(str(folder), "There is no such folder.", "Name another, or make it.")])
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if _wanted(path)
    }


def _wanted(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc" and path.name != ".DS_Store"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise JobError(
            [Problem(str(path), f"The file cannot be read: {error}.", "Mend it, or name another.")]
        ) from error


def _twice(names: Iterable[str], folder: Path | None) -> Iterator[Problem]:
    for name in sorted(names):
        yield Problem(f"{folder}/{name}", "The package has a file of this name itself.", "Rename it or take it away.")


def _not_packaged(dags: Files, jobs: Collection[str], folder: Path) -> Iterator[Problem]:
    """The DAG files that load a job by a name that is not among ``jobs``."""
    for file, data in dags.items():
        for line, name in _loaded(data) if file.endswith(".py") else ():
            if name not in jobs:
                yield Problem(
                    f"{folder}/{file}:{line}", f"The job '{name}' is not packaged.", did_you_mean(name, sorted(jobs))
                )


def _loaded(source: bytes) -> Iterator[tuple[int, str]]:
    """Line and name of each ``EltJob.load("name")``."""
    try:
        calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    except (SyntaxError, ValueError):
        return  # Airflow tells, or it is no DAG file
    for call in calls:
        match call:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="EltJob") | ast.Attribute(attr="EltJob"), attr="load"),
                args=[ast.Constant(value=str(name))],
            ) if NAME.fullmatch(name):
                yield call.lineno, name


def _pins(airflow: str) -> str:
    return "".join(f"{name}=={version}\n" for name, version in {"apache-airflow": airflow, **IMAGES[airflow]}.items())


def _requirements(others: str) -> str:
    """MWAA wants a constraint in every requirements.txt, and else chooses one of its own. elt_redshift itself comes in
    plugins.zip, and needs nothing that is not on the image."""
    lines = [line for line in others.splitlines() if not line.lstrip().startswith(("-c ", "--constraint"))]
    return "\n".join([f'--constraint "{DAGS}/{CONSTRAINTS}"', *lines]) + "\n"
