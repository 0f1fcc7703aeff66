"""The code of the functions of :mod:`elt_redshift.functions`, as Lambda takes it.

https://docs.aws.amazon.com/lambda/latest/dg/python-package.html
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
#: When all files were made, as zips tell it: the first day that they can.
_MADE = (1980, 1, 1, 0, 0, 0)
_READABLE = 0o644 << 16


def _folder(name: str) -> list[str]:
    return sorted(f"{name}/{file.name}" for file in (_PACKAGE / name).glob("*.py"))


#: What they import, and nothing else.
FILES: tuple[str, ...] = (
    "__init__.py",
    "version.py",
    "exceptions.py",
    *_folder("functions"),
    *_folder("protocol"),
    "aws/__init__.py",
    "aws/errors.py",
    "aws/old_botocore.py",
)


def package() -> bytes:
    """A zip of them: the same files are the same bytes, so that an unchanged function is not deployed anew."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as writing:
        for name in FILES:
            entry = zipfile.ZipInfo(f"{_PACKAGE.name}/{name}", _MADE)
            entry.external_attr, entry.create_system = _READABLE, 3
            writing.writestr(entry, (_PACKAGE / name).read_bytes())
    return archive.getvalue()
