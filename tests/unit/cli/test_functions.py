"""``template`` hands out what the template of a job with functions goes with."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from elt_redshift.cli.main import main

JOB = """
job_id: "1"
name: j
runtime: lambda
tasks:
  a: {statement: select 1, timeout: 5m}
"""


def test_the_code_of_functions_is_written_where_it_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a zip; and the parameters are told that name it."""
    (tmp_path / "job.yaml").write_text(JOB)
    code = tmp_path / "functions.zip"
    assert main(["template", str(tmp_path), "--functions", str(code)]) == 0
    told = capsys.readouterr()
    assert {"FunctionsBucket", "FunctionsKey"} <= json.loads(told.out)["Parameters"].keys()
    assert "FunctionsBucket and FunctionsKey" in told.err
    with zipfile.ZipFile(code) as archive:
        assert "elt_redshift/functions/sql.py" in archive.namelist()
