"""Step Functions of the embedded AWS: moto's interpreter, corrected to behave as AWS documents, and redrive.

Every change to moto is a :class:`~elt_redshift.local.stepfunctions.patching.Patch` in one of the modules named in
:data:`MODULES`; docs/embedded-stepfunctions.md lists them. They hold for moto 5.2.5 with the configuration
``{"stepfunctions": {"execute_state_machine": True}}``; the interpreter's own calls go to ``127.0.0.1:$MOTO_PORT``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from elt_redshift.local.stepfunctions.patching import Patch

MODULES = (
    "services",
    "nested",
    "intrinsics",
    "errors",
    "expressions",
    "engine",
    "tokens",
    "attempts",
    "branches",
    "distributed",
    "parsing",
    "definitions",
    "api",
)


def patches() -> list[Patch]:
    """All patches, in the order in which they are applied. Imports moto's interpreter, which takes a second."""
    modules = [importlib.import_module(f"{__name__}.{name}") for name in MODULES]
    return [patch for module in modules for patch in module.PATCHES.all]


def table() -> str:
    """The patches as Markdown, by module."""
    rows = ["| module | changed in moto.stepfunctions | because moto |", "|---|---|---|"]
    for name in MODULES:
        for patch in importlib.import_module(f"{__name__}.{name}").PATCHES.all:
            target = patch.target.removeprefix("stepfunctions.").removeprefix("parser.")
            rows.append(f"| {name} | `{target}` | {patch.reason[0].lower()}{patch.reason[1:].rstrip('.')} |")
    return "\n".join(rows) + "\n"


def apply_all() -> None:
    """Change moto in this process, for good. A second call does nothing."""
    patches()  # all modules are imported before the first change: each sees moto as it is
    for name in MODULES:
        importlib.import_module(f"{__name__}.{name}").apply()
