"""job.schema.json: what editors know of a job.yaml."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from elt_redshift.cli.main import main
from elt_redshift.job import schema

ROOT = Path(__file__).parents[3]
VALIDATOR = jsonschema.Draft7Validator(schema.schema())
CASES = {case["a job with"]: case for case in yaml.safe_load(Path(__file__).with_name("bad_jobs.yaml").read_text())}
GOOD = [path for folder in ("sql", "dags", "plugins") for path in sorted((ROOT / folder).rglob("job.yaml"))]

#: Mistakes that no schema can see: of YAML itself, files, SQL, edges, names that are used, and how values compare.
BEYOND = re.compile(
    "is not YAML|stands twice|differ only in case|The file '|The script '|No file can|The script ends|is not SQL"
    "|holds (2|no) statements|is not one call|whose statements are one transaction|cannot run in a transaction"
    "|is not declared|No statement uses|2024-13-01|would never be filled in|is a template|is no task|waits for itself"
    "|in a circle|is no time at all|is over 24 hours|not one of its choices"
    "|IANA database|A rate knows no|its field of|it never comes|is another day in UTC|gives it no value"
    "|The job has no parameter|of the scheduled time (is no|will be none)"
    "|not_succeeded_for' is \\d|a Lambda function"
    "|second document|The tag |alias|A key is|takes in mappings|holds a null|(is|are) 0[xo]|is 'yes', not true"
)


def _seen(text: str) -> list[str]:
    """What an editor marks in a job.yaml. To it, dates are texts, and so is ``on``, as in YAML 1.2."""
    data = json.loads(json.dumps(yaml.safe_load(re.sub(r"\bon:", "'on':", text)), default=str))
    return [error.message for error in VALIDATOR.iter_errors(data)]


def test_the_shipped_schema_is_made_from_the_table_of_keys() -> None:
    """The file is what ``python -m elt_redshift.job.schema`` writes, and a JSON Schema."""
    assert schema.FILE.read_text() == schema.text()
    jsonschema.Draft7Validator.check_schema(json.loads(schema.FILE.read_text()))


def test_the_command_prints_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    """`elt-redshift schema` is how it comes into a user's folder."""
    assert main(["schema"]) == 0
    assert capsys.readouterr().out == schema.FILE.read_text()


@pytest.mark.parametrize("file", GOOD, ids=lambda file: str(file.relative_to(ROOT)))
def test_the_examples_are_right_by_the_schema(file: Path) -> None:
    """No editor marks anything in a job that ships."""
    assert _seen(file.read_text()) == []


@pytest.mark.parametrize("case", CASES)
def test_mistakes_of_keys_and_shapes_are_marked(case: str) -> None:
    """Whatever `check` refuses is marked, but for what needs more than keys and shapes."""
    if not all(BEYOND.search(problem) for problem in CASES[case]["problems"].splitlines()):
        assert _seen(CASES[case]["job.yaml"])


def test_most_mistakes_are_of_keys_and_shapes() -> None:
    """The exception above leaves more than half of the table."""
    beyond = [name for name, case in CASES.items() if all(map(BEYOND.search, case["problems"].splitlines()))]
    assert len(beyond) < len(CASES) / 2


def test_a_mark_tells_the_key() -> None:
    """A misspelt key, a number without quotes and a wrong choice are marked where they stand."""
    text = "job_id: 101\nname: j\nlayuot: map\ntasks:\n  a: {statement: select 1, wait: pol}\n"
    assert sorted(_seen(text)) == [
        "'pol' is not one of ['long_poll', 'poll', 'event']",
        "101 is not of type 'string'",
        "Additional properties are not allowed ('layuot' was unexpected)",
    ]
