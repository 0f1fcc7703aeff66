"""What is started on a leash ends with it and with its owner, to the last grandchild."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from elt_redshift.local import leash
from elt_redshift.local.leash import Leash
from tests.local.server.processes import alive, descendants
from tests.local.waiting import wait_for

#: A process with a child that has a child, all of which sleep; a lone letter says that they are there.
FAMILY = """
import subprocess, sys
depth = int(sys.argv[1])
if depth:
    subprocess.Popen([sys.executable, "-c", sys.argv[2], str(depth - 1), sys.argv[2]])
else:
    print("x", flush=True)
sys.stdin.read()
"""
COMMAND = [sys.executable, "-c", FAMILY, "2", FAMILY]
OWNER = f"""
import subprocess, sys
from elt_redshift.local.leash import Leash
with Leash() as leash:
    leash.start({COMMAND!r}, stdin=subprocess.PIPE)
    sys.stdin.read()
"""


def family(process: subprocess.Popen[bytes]) -> set[int]:
    """All processes of a family, once they are there."""
    assert process.stdout is not None
    assert process.stdout.read(2) == b"x\n"
    return descendants(process.pid) | {process.pid}


def test_all_end_with_the_block() -> None:
    """At the end of the block nothing is left, not even the grandchild of a child that was killed."""
    with Leash() as held:
        process = held.start(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        pids = family(process)
        assert len(pids) == 3
        process.kill()
        process.wait()
        assert len(alive(pids)) == 2
    assert not alive(pids)


def test_one_is_ended_alone() -> None:
    """Ending one leaves nothing of it, and the others alone."""
    with Leash() as held:
        first, second = (held.start(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(2))
        families = family(first), family(second)
        held.end(first)
        assert [len(alive(pids)) for pids in families] == [0, 3]


def test_all_end_with_a_killed_owner() -> None:
    """After kill -9 of the owner nothing that it started is left, nor the keeper."""
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert owner.stdin is not None
    with owner:
        pids = family(owner)
        assert len(pids) == 5, "the owner, its keeper and the family"
        owner.kill()
        wait_for(lambda: not alive(pids), "all of them end")


def test_a_command_that_begins_after_its_owners_death_is_ended() -> None:
    """An owner killed while it starts a command, before anybody has been told of that, leaves nothing either."""
    reading, pipe = os.pipe()
    script = str(Path(leash.__file__))
    keeper = subprocess.Popen([sys.executable, script, "keep"], stdin=reading, start_new_session=True)
    runner = subprocess.Popen(
        [sys.executable, script, "run", str(pipe), *COMMAND],
        pass_fds=[pipe],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    os.close(reading)
    os.close(pipe)  # as the kernel does for the dead owner
    assert runner.wait() < 0
    assert keeper.wait() == 0


def test_a_command_finds_its_surroundings_as_usual(tmp_path: Path) -> None:
    """Folder, environment, signals and exit status are the command's own, and it holds no pipe of the leash's."""
    command = ["sh", "-c", "pwd; echo $WHO; ls /proc/self/fd | wc -l; trap; exit 7"]
    options = {"cwd": tmp_path, "env": {**os.environ, "WHO": "me"}, "stdout": subprocess.PIPE, "text": True}
    usual = subprocess.run(command, check=False, **options)
    with Leash() as held:
        process = held.start(command, **options)
        printed, _ = process.communicate()
    assert (process.returncode, printed) == (usual.returncode, usual.stdout)


@pytest.mark.skipif(not Path("/proc").exists(), reason="reads /proc")
def test_a_finished_process_is_not_waited_for() -> None:
    """A zombie, which its parent has not looked at yet, counts as ended."""
    with subprocess.Popen([sys.executable, "-c", ""], start_new_session=True) as process:
        wait_for(lambda: not alive({process.pid}), "it ends")
        assert leash._members([process.pid]) == []
