"""``elt-redshift local`` from the outside: what it prints and how it ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from elt_redshift.local import process, rates
from elt_redshift.local.faults import Faults
from tests import bounds

MAIN = "import sys; from elt_redshift.cli.main import main; sys.exit(main())"


def local(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command in a folder."""
    command = [sys.executable, "-c", MAIN, "local", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=bounds.START, check=False)
    return done.returncode, done.stdout, done.stderr


def test_a_session(tmp_path: Path) -> None:
    """up, status, env, psql, down: each says what a user wants to know."""
    try:
        slow = ("--rates", "aws", "--rates", "ExecuteStatement=2")
        code, out, err = local(tmp_path, "up", "--port", "0", "--timeout", str(bounds.START), *slow)
        assert (code, err) == (0, "")
        aws = process.find(tmp_path / ".elt-redshift")
        assert len(Faults(aws).met()) == len(rates.DATA_API)
        assert aws.endpoint in out
        assert "stop it with `elt-redshift local down`" in out
        code, out, _ = local(tmp_path.parent, "up", "--dir", f"{tmp_path.name}/.elt-redshift")
        assert (code, f"`elt-redshift local down --dir {tmp_path.name}/.elt-redshift`" in out) == (0, True)
        assert aws.endpoint in local(tmp_path, "status")[1]
        assert f"export AWS_ENDPOINT_URL={aws.endpoint}\n" in local(tmp_path, "env")[1]
        code, out, _ = local(tmp_path, "psql", "-c", "select 40 + 2 as answer")
        assert (code, "42" in out) == (0, True)
    finally:
        assert local(tmp_path, "down")[:2] == (0, "stopped\n")
    assert local(tmp_path, "down")[:2] == (0, "was not running\n")


@pytest.mark.parametrize("command", ["env", "psql"])
def test_without_a_server(tmp_path: Path, command: str) -> None:
    """A command that needs one says in one line how to start it, and fails."""
    code, out, err = local(tmp_path, command)
    assert (code, out) == (1, "")
    assert err.count("\n") == 1
    assert "elt-redshift local up" in err


def test_status_without_a_server(tmp_path: Path) -> None:
    """Not running is an answer for people and an exit code for scripts."""
    assert local(tmp_path, "status")[:2] == (1, "not running\n")


def test_a_rate_that_is_none(tmp_path: Path) -> None:
    """It is told before anything is started."""
    code, out, err = local(tmp_path, "up", "--rates", "ExecuteStatement=none")
    assert (code, out) == (1, "")
    assert err.startswith("error: ExecuteStatement=none is no rate. Give aws, or such as ExecuteStatement=2")
