"""The command ``init``: a job from a folder of SQL files, or from a few questions."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

from elt_redshift.cli.options import Commands, command
from elt_redshift.drafting import naming, rendering
from elt_redshift.drafting.draft import Reader, draft, sql_files
from elt_redshift.drafting.uses import Uses
from elt_redshift.exceptions import EltError
from elt_redshift.job import keys, sql
from elt_redshift.job.loading import FILE

#: The file of a first statement, and one that any warehouse answers and that leaves nothing behind.
FIRST = "first.sql"
STATEMENT = "select current_database(), sysdate"


def add_parser(commands: Commands) -> None:
    made = command(commands, "init", init, job=False)
    made.add_argument("folder", type=Path, metavar="FOLDER", help="where the job's .sql files are, or are to be")
    made.add_argument("--name", help="the job's name; default: the folder's")
    made.add_argument("--job-id", metavar="ID", help="the key of its item in the audit table; default: its name")
    made.add_argument("--statement", metavar="SQL", help=f"for a folder without .sql files; default: {STATEMENT}")


def init(given: argparse.Namespace) -> int:
    folder: Path = given.folder
    if folder.exists() and not folder.is_dir():
        raise EltError(f"{folder} is a file. Name the folder of the job's .sql files.")
    if os.path.lexists(folder / FILE):
        raise _there(folder / FILE)
    name = naming.job_name(folder.resolve().name)
    if not sql_files(folder):
        return _first(given, name)
    if given.statement is not None:
        raise EltError(f"{folder} has .sql files, of which the job is made. Leave --statement out.")
    name = given.name or name
    return _write_job(folder, name, given.job_id or name, _parser())


def _parser() -> Reader:
    try:
        from elt_redshift.drafting import scripts
    except ModuleNotFoundError as error:
        raise EltError(
            f"Reading SQL needs the module {error.name}. "
            "Install the extra: pip install 'airflow-provider-elt-redshift[init]'."
        ) from error
    return scripts.uses


def _write_job(folder: Path, name: str, job_id: str, reader: Reader) -> int:
    """Write the job.yaml of the folder's SQL files, and tell what was found."""
    made = draft(folder, name, job_id, reader)
    text = rendering.render(made)
    rendering.checked(text, folder)
    _write(folder / FILE, text)
    for line in rendering.report(made):
        print(line)
    for line in rendering.warnings(made):
        print(f"Warning: {line}", file=sys.stderr)
    print(f"Wrote {folder / FILE}. Next: elt-redshift check {shlex.quote(str(folder))}")
    return 0


def _first(given: argparse.Namespace, name: str) -> int:
    """A job of one statement, by options or by questions."""
    folder: Path = given.folder
    if not sys.stdin.isatty() and (given.name, given.job_id, given.statement) == (None, None, None):
        raise EltError(
            f"{folder} has no .sql files. For a first job there give --name, --job-id or --statement (by default "
            f"{name}, the name, and '{STATEMENT}'), or answer questions on a terminal."
        )
    if sys.stdin.isatty():
        print(f"{folder} has no .sql files: a first job is made there. Enter takes what stands in brackets.")
    name = _answer("Name of the job", "--name", given.name, name, _name)
    job_id = _answer("Key of its item in the audit table", "--job-id", given.job_id, name, _job_id)
    statement = _answer("First statement", "--statement", given.statement, STATEMENT, _statement)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EltError(f"{folder} cannot be made: {error.strerror}.") from error
    file = folder / FIRST
    _write(file, f"{statement}\n")
    try:
        _write_job(folder, name, job_id, lambda _: Uses())
    except EltError:
        file.unlink()
        raise
    stack = f"--stack {name.replace('_', '-')} --cluster CLUSTER --user USER --database DATABASE"
    print(f"Then: elt-redshift deploy {shlex.quote(str(folder))} {stack}")
    print(f"And:  elt-redshift run {shlex.quote(str(folder))} --watch")
    return 0


def _answer(question: str, option: str, given: str | None, default: str, wrong: Callable[[str], str | None]) -> str:
    """What the option says, or somebody types until it is right, or the default where nobody is there.

    :param wrong: tells what is wrong with an answer.
    """
    if given is not None:
        if told := wrong(given):
            raise EltError(f"{option}: {told}")
        return given
    while sys.stdin.isatty():
        try:
            answer = input(f"{question} [{default}]: ").strip() or default
        except EOFError as error:
            raise EltError("Nothing was written.") from error
        if not (told := wrong(answer)):
            return answer
        print(told)
    return default


def _name(text: str) -> str | None:
    right = re.fullmatch(keys.JOB_NAME, text)
    return None if right else "A name has 1 to 64 lower-case letters, digits and '_', a letter first."


def _job_id(text: str) -> str | None:
    return None if re.fullmatch(keys.JOB_ID, text) else "A key has 1 to 64 letters, digits, '_', '.', '-'."


def _statement(text: str) -> str | None:
    try:
        return None if sql.split(text) else "There is no statement in it."
    except sql.SqlSyntaxError as error:
        return f"This is not SQL: {error.message}"


def _write(file: Path, text: str) -> None:
    """Write a file as a whole, or not at all where there is one already."""
    whole = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with whole.open("x", encoding="utf-8") as opened:
            opened.write(text)
        os.link(whole, file)
    except FileExistsError as error:
        raise _there(file) from error
    except OSError as error:
        raise EltError(f"{file} cannot be written: {error.strerror}.") from error
    finally:
        whole.unlink(missing_ok=True)


def _there(file: Path) -> EltError:
    return EltError(f"{file} is there already, and is left as it is.")
