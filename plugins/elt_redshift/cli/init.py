"""The command ``init``: a job from a folder of SQL files, or from a few questions."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from elt_redshift.cli.options import Commands, command
from elt_redshift.exceptions import EltError
from elt_redshift.job.loading import FILE


def add_parser(commands: Commands) -> None:
    made = command(commands, "init", init, job=False)
    made.add_argument("folder", type=Path, metavar="FOLDER", help="where the job's .sql files are, or are to be")
    made.add_argument("--name", help="the job's name; default: the folder's")
    made.add_argument("--job-id", metavar="ID", help="the key of its item in the audit table; default: its name")


def init(given: argparse.Namespace) -> int:
    folder: Path = given.folder
    if folder.exists() and not folder.is_dir():
        raise EltError(f"{folder} is a file. Name the folder of the job's .sql files.")
    if os.path.lexists(folder / FILE):
        raise EltError(f"{folder / FILE} is there already, and is left as it is.")
    return _from_files(given)


def _from_files(given: argparse.Namespace) -> int:
    try:
        from elt_redshift.drafting import naming, rendering, scripts
        from elt_redshift.drafting.draft import draft
    except ModuleNotFoundError as error:
        raise EltError(
            f"Reading SQL needs the module {error.name}. "
            "Install the extra: pip install 'airflow-provider-elt-redshift[init]'."
        ) from error
    folder: Path = given.folder
    name = given.name or naming.job_name(folder.resolve().name)
    made = draft(folder, name, given.job_id or name, scripts.uses)
    text = rendering.render(made)
    rendering.checked(text, folder)
    _write(folder / FILE, text)
    for line in rendering.report(made):
        print(line)
    for line in rendering.warnings(made):
        print(f"Warning: {line}", file=sys.stderr)
    print(f"Wrote {folder / FILE}. Next: elt-redshift check {folder}")
    return 0


def _write(file: Path, text: str) -> None:
    """Write a file as a whole, or not at all where there is one already."""
    whole = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with whole.open("x", encoding="utf-8") as opened:
            opened.write(text)
        os.link(whole, file)
    except FileExistsError as error:
        raise EltError(f"{file} is there already, and is left as it is.") from error
    except OSError as error:
        raise EltError(f"{file} cannot be written: {error.strerror}.") from error
    finally:
        whole.unlink(missing_ok=True)
