"""Run these tests once without each patch, to see that every patch is needed: some test must fail.

    python tests/local/stepfunctions/without_each_patch.py [TARGET ...]

For a new version of moto, or a new patch; it takes the better part of an hour, so that it is no test itself. Patches
that only save time, threads or noise, or close a race, change no behaviour, and survive.
"""

import os
import subprocess
import sys
from pathlib import Path

from elt_redshift.local import stepfunctions

COMMAND = [
    sys.executable,
    "-m",
    "pytest",
    "-q",
    "-x",
    "--tb=no",
    "--no-header",
    "-k",
    "not stock",
    str(Path(__file__).parent),
]


def main() -> None:
    for target in sys.argv[1:] or [patch.target for patch in stepfunctions.patches()]:
        answer = subprocess.run(
            COMMAND, env={**os.environ, "WITHOUT_PATCH": target}, capture_output=True, text=True, check=False
        )
        failed = [line for line in answer.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
        sys.stdout.write(f"{'needed  ' if failed else 'SURVIVED'} {target} {' '.join(failed[:1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
