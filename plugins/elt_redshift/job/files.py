"""Reading files that somebody else named, without waiting for what is no file and without reading without end."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

#: As much as 40 statements of 100 KB, with three times as many comments.
SCRIPT = 16 * 1024 * 1024
#: More than a job of 10,000 tasks with their SQL in it.
JOB = 4 * SCRIPT


def read(path: Path, most: int) -> bytes:
    """What the file ``path`` holds.

    :param most: how many bytes it may have.

    :raises OSError: it cannot be read, is no file (a pipe would be waited for without end), or is too large.
    """
    with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
        found = os.fstat(file.fileno())
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "It is a pipe or a device, not a file")
        if found.st_size > most:
            raise OSError(errno.EFBIG, f"It has {found.st_size:,} bytes, and {most:,} are the most")
        return file.read(most)
