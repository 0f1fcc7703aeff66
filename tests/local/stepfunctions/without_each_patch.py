"""Run these tests once without each patch, to find the test that needs it.

    python -m tests.local.stepfunctions.without_each_patch [PATCH ...]

For a new version of moto, or a new patch; of each patch, CI runs only the test that is marked to need it. Patches that
only save time, threads or noise, or close a race, change no behaviour, and survive.
"""

import os
import subprocess
import sys
from pathlib import Path

WITHOUT = "WITHOUT_PATCH"
"""Variable that names the patch that the embedded AWS of these tests lacks."""

COMMAND = [
    sys.executable,
    "-m",
    "pytest",
    "-q",
    "-x",
    "-n0",
    "-p",
    "no:randomly",
    "--tb=no",
    "--no-header",
    "-m",
    "not stock and not exhaustive",
    str(Path(__file__).parent),
]


def main() -> None:
    from elt_redshift.local import stepfunctions
    from tests.local.must_fail import short

    for patch in sys.argv[1:] or [short(patch.target) for patch in stepfunctions.patches()]:
        answer = subprocess.run(
            COMMAND, env={**os.environ, WITHOUT: patch}, capture_output=True, text=True, check=False
        )
        failed = [line for line in answer.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
        sys.stdout.write(f"{'needed  ' if failed else 'SURVIVED'} {patch} {' '.join(failed[:1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
