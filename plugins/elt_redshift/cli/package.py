"""The command ``package``: what Amazon MWAA is given, into a folder."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

from elt_redshift import mwaa, mwaa_serverless
from elt_redshift.asl.compiler import compile_job
from elt_redshift.aws.account import Account
from elt_redshift.cli.options import Commands, add_aws, command
from elt_redshift.exceptions import EltError, JobError, Problem
from elt_redshift.job.loading import FILE, find, job_folders
from elt_redshift.job.model import EltJob


def add_parser(commands: Commands) -> None:
    made = command(commands, "package", package, job=False)
    made.add_argument("jobs", metavar="JOB", nargs="*", help="a job.yaml, its folder, or a name; default: every job")
    made.add_argument("--dags", type=Path, default=Path("dags"), help="folder of the DAG files (default dags)")
    made.add_argument("--output", type=Path, default=Path("dist"), help="folder to write into (default dist)")
    made.add_argument("--airflow", choices=mwaa.IMAGES, default=mwaa.NEWEST, help=f"default {mwaa.NEWEST}")
    made.add_argument("--plugins", type=Path, metavar="FOLDER", help="other plugins, to go into plugins.zip too")
    made.add_argument("--requirements", type=Path, metavar="FILE", help="other packages to be installed")
    made.add_argument("--serverless", action="store_true", help="write workflows for MWAA Serverless instead")
    made.add_argument("--schedule", metavar="CRON", help="with --serverless: five fields, in UTC; default: none")
    add_aws(made)
    made.add_argument("--constraints", type=Path, metavar="FILE", help="instead of pins of what MWAA's image has")


def package(given: argparse.Namespace) -> int:
    jobs = _jobs(given.jobs)
    if given.serverless:
        return _workflows(given, jobs)
    if given.schedule:
        raise EltError("--schedule goes with --serverless: DAG files have schedules of their own.")
    made = mwaa.bundle(
        jobs,
        given.dags,
        given.airflow,
        plugins=given.plugins,
        requirements=given.requirements,
        constraints=given.constraints,
    )
    files = {"plugins.zip": mwaa.archive(made.plugins), "requirements.txt": made.requirements.encode()}
    same = all((given.output / name).is_file() and (given.output / name).read_bytes() == files[name] for name in files)
    _write(given.output, {} if same else files, made.dags)
    count = f"{len(jobs)} job{'s' if len(jobs) > 1 else ''}"
    if same:
        print(f"Wrote {given.output}/dags ({count}). plugins.zip and requirements.txt are as they were: upload dags/.")
    else:
        print(f"Wrote {given.output}/plugins.zip, requirements.txt and dags/ ({count}) for Airflow {given.airflow}.")
    return 0


def _workflows(given: argparse.Namespace, jobs: Mapping[str, EltJob]) -> int:
    stacks, folder = Account.here(given.region).stacks, given.output / "workflows"
    machines = {name: stacks.find(job.name, given.stack).state_machine_arn for name, job in jobs.items()}
    made = {name: mwaa_serverless.workflow(jobs[name], arn, given.schedule) for name, arn in machines.items()}
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in made.items():
        (folder / f"{name}.yaml").write_bytes(data)
        print(f"Wrote {folder}/{name}.yaml, which starts {machines[name]}.")
    return 0


def _jobs(named: list[str]) -> Mapping[str, EltJob]:
    """The jobs by the names under which DAG files load them: their folders'.

    :raises JobError: with the mistakes of all jobs.
    """
    files = [find(name) for name in named] or sorted(_all())
    if not files:
        places = ", ".join(str(folder) for folder in job_folders())
        raise EltError(f"There is no job in {places}. Name the jobs to package, or set ELT_REDSHIFT_JOBS.")
    jobs: dict[str, EltJob] = {}
    problems: list[Problem] = []
    for file in files:
        name = file.resolve().parent.name
        if name in jobs:
            problems.append(Problem(str(file), f"Another job is in a folder '{name}'.", "Rename one of the folders."))
        try:
            jobs[name] = EltJob.load(file)
            compile_job(jobs[name])
        except JobError as error:
            problems += error.problems
    if problems:
        raise JobError(problems)
    return jobs


def _all() -> Iterator[Path]:
    """Every job that can be loaded by its name; of two with the same name the one that is."""
    seen: set[str] = set()
    for folder in job_folders():
        for file in sorted(folder.glob(f"*/{FILE}")):
            if file.parent.name not in seen:
                seen.add(file.parent.name)
                yield file


def _write(output: Path, files: Mapping[str, bytes], dags: Mapping[str, bytes]) -> None:
    """Write everything; files of an earlier package that this one does not have would still be uploaded, so they are
    refused, as nothing is ever deleted.

    :raises JobError: there are such files; nothing was written.
    """
    folder = output / "dags"
    left = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    stale = [path for path in left if path.relative_to(folder).as_posix() not in dags]
    if stale:
        raise JobError(
            [
                Problem(str(path), "The package does not have this file.", "Remove it, or give another --output.")
                for path in stale
            ]
        )
    for name, data in {**files, **{f"dags/{name}": data for name, data in dags.items()}}.items():
        (output / name).parent.mkdir(parents=True, exist_ok=True)
        (output / name).write_bytes(data)
