"""Names of tasks after their files, and of a job after its folder."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from elt_redshift.job import keys

#: Leaves room for a number.
_LONGEST = keys.MAX_TASK_NAME - 8
_LONGEST_JOB = 64
_TAKEN = {name.lower() for name in (*keys.RESERVED_TASK_NAMES, keys.END_TASK, *keys.TEMPLATE_WORDS)}


def task_names(files: Sequence[PurePosixPath]) -> Mapping[PurePosixPath, str]:
    """A name for each file: its own, without a number in front; where several would have that, with the folders."""
    short = {file: _word(file.stem.lstrip("0123456789_-. ")) for file in files}
    times = Counter(name.lower() for name in short.values())
    alone = {name for name, count in times.items() if count == 1} - _TAKEN
    taken = _TAKEN | alone
    names: dict[PurePosixPath, str] = {}
    for file, name in short.items():
        names[file] = name if name.lower() in alone else _unique(_word("_".join(file.with_suffix("").parts)), taken)
        taken.add(names[file].lower())
    return names


def job_name(folder: str) -> str:
    """A job's name after the name of its folder."""
    return _word(folder, "job").lower()[:_LONGEST_JOB]


def _word(text: str, prefix: str = "task") -> str:
    """``text`` in ASCII letters, digits and ``_``, a letter first."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    word = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")[:_LONGEST]
    return word if word[:1].isalpha() else f"{prefix}_{word}".rstrip("_")


def _unique(name: str, taken: set[str]) -> str:
    number, found = 1, name
    while found.lower() in taken:
        number += 1
        found = f"{name}_{number}"
    return found
