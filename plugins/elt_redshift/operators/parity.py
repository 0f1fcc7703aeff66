"""What of Amazon's RedshiftDataOperator ours takes, under the same names, and what it refuses.

Every parameter of Amazon's operator (provider 9.12 to 9.39) stands in one of the two tables. A test compares them with
the provider that is installed, and with docs/operators.md, which shows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Taken as Amazon's operator takes it; where there is a text, that is what is different here.
TAKEN: dict[str, str] = {
    "sql": "A script may hold several statements, and an item of a list, too.",
    "database": "May be left out with `session_id` only; the Data API wants it otherwise.",
    "cluster_identifier": "",
    "workgroup_name": "",
    "session_id": "",
    "session_keep_alive_seconds": "",
    "db_user": "",
    "secret_arn": "Templated too.",
    "parameters": "A dict or a list of `name` and `value`. `None` is NULL; names that no SQL uses are ignored.",
    "with_event": "",
    "wait_for_completion": "`False` cannot go with a result.",
    "poll_interval": "Default 5; what is not above 0 is refused.",
    "return_sql_result": "A statement without a result has an empty one; all pages are in one; no `ResponseMetadata`.",
    "deferrable": (
        "Default yes, unless `[operators] default_deferrable` is set to no, as in an `airflow.cfg` that Airflow wrote "
        "itself."
    ),
    "cancel_on_kill": "",
    "durable": "On every Airflow version, by the statement's name.",
    "aws_conn_id": "",
    "region_name": "",
    "verify": "",
    "botocore_config": "",
}

#: Refused when the DAG file is parsed: why, and what to do.
REFUSED: dict[str, str] = {
    "statement_name": (
        "Statements are named <job or DAG>/<run>/<task>/<try> here: by that name a later try finds what an earlier one "
        "submitted. Leave it out; the XCom statement_id tells which statement it was."
    ),
    "region": "Amazon's operators ignore this old name. Write region_name.",
}


def refusals(given: dict[str, Any]) -> list[str]:
    """Take what is refused out of an operator's arguments, and say why; ``None`` is the same as nothing."""
    found = {name: given.pop(name) for name in REFUSED if name in given}
    return [f"{name}: {REFUSED[name]}" for name, value in found.items() if value is not None]


def rows(taken: Mapping[str, str] = TAKEN, refused: Mapping[str, str] = REFUSED) -> list[str]:
    """The table of docs/operators.md, a line for each parameter."""
    return [
        *(f"| `{name}` | taken | {note} |".replace("|  |", "| |") for name, note in taken.items()),
        *(f"| `{name}` | refused | {reason} |" for name, reason in refused.items()),
    ]
