"""The guide docs/getting-started.md does what it says."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from elt_redshift.local import process
from tests import bounds, commands

PAGE = Path(__file__).parents[3] / "docs" / "getting-started.md"


def typed() -> str:
    """What a reader types from "Play with it" on: on a free port, in an environment that is active already."""
    play = PAGE.read_text().partition("## Play with it")[2].partition("## On AWS")[0]
    commands = "".join(re.findall(r"^```sh\n(.*?)^```", play, re.MULTILINE | re.DOTALL))
    return commands.replace(". .venv/bin/activate\n", "").replace("local up\n", "local up --port 0\n")


@pytest.mark.exhaustive
def test_the_guide_works_as_written(tmp_path: Path) -> None:
    """Typed one after another, the commands deploy a job, see it fail, mend it, redrive it and show its rows."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    try:
        done = commands.run(["sh", "-c", typed()], bounds.EXECUTION, env=environment, cwd=tmp_path)
    finally:
        process.down(tmp_path / process.DEFAULT_DIRECTORY)
    failed, redriven = done.stdout.split("Redriving", 1)
    assert 'relation "public.guest" does not exist' in failed
    assert re.search(r"Welcome, Ada\s+Welcome, Grace\s+\(2 rows\)", redriven)
    assert redriven.rstrip().endswith("stopped")
