"""Looking at the machine's processes and temporary folders, for tests that kill things."""

from __future__ import annotations

import tempfile
from pathlib import Path

PREFIX = "elt-redshift-"


def _command_line(folder: Path) -> str:
    try:
        return (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""  # it ended while we looked


def descendants(pid: int) -> set[int]:
    """Process ids of all children, grandchildren and so on."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found: set[int] = set()
    while grown := {child for child, parent in parents.items() if parent in found | {pid}} - found:
        found |= grown
    return found


def alive(pids: set[int]) -> set[int]:
    """Those of the processes that still run; zombies do not."""
    return {pid for pid in pids if _state(pid) not in {"", "Z", "X"}}


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def naming(*folders: Path) -> set[int]:
    """Processes whose command lines name one of the folders."""
    lines = {int(found.name): _command_line(found) for found in Path("/proc").iterdir() if found.name.isdigit()}
    return {pid for pid, line in lines.items() if any(str(folder) in line for folder in folders)}


def folders_with(pids: set[int]) -> set[Path]:
    """Temporary folders of the embedded AWS that the command lines of these processes name."""
    lines = [_command_line(Path(f"/proc/{pid}")) for pid in pids]
    root = Path(tempfile.gettempdir())
    return {folder for folder in root.glob(f"{PREFIX}*") if any(str(folder) in line for line in lines)}
