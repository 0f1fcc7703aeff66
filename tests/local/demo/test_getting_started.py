"""The guide docs/getting-started.md does what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from elt_redshift.local import process

PAGE = Path(__file__).parents[3] / "docs" / "getting-started.md"


def commands() -> str:
    """What a reader types from "Play with it" on: on a free port, in an environment that is active already."""
    play = PAGE.read_text().partition("## Play with it")[2].partition("## On AWS")[0]
    typed = "".join(re.findall(r"^```sh\n(.*?)^```", play, re.MULTILINE | re.DOTALL))
    return typed.replace(". .venv/bin/activate\n", "").replace("local up\n", "local up --port 0\n")


def test_the_guide_works_as_written(tmp_path: Path) -> None:
    """Typed one after another, the commands deploy a job, see it fail, mend it, redrive it and show its rows."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    try:
        done = subprocess.run(
            ["sh"],
            input=commands(),
            env=environment,
            cwd=tmp_path,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
        )
    finally:
        process.down(tmp_path / process.DEFAULT_DIRECTORY)
    failed, redriven = done.stdout.split("Redriving", 1)
    assert 'relation "public.guest" does not exist' in failed
    assert re.search(r"Welcome, Ada\s+Welcome, Grace\s+\(2 rows\)", redriven)
    assert redriven.rstrip().endswith("stopped")
