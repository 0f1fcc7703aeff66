"""The hard limits of Step Functions that a definition can run into.

https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
"""

from __future__ import annotations

import json
from typing import Any

from elt_redshift.exceptions import Problem
from elt_redshift.job.model import EltJob

#: The largest definition, in bytes.
MAX_DEFINITION = 1_048_576

#: The largest input, output or API request of a state, in bytes.
MAX_PAYLOAD = 262_144

#: The most events in the history of one execution; the next one fails it.
MAX_EVENTS = 25_000

#: What a Data API answer holds beside the text of each statement, at most, in bytes.
ANSWER_PER_STATEMENT = 800

#: The same for the largest batch, of 40 statements.
_ANSWER_OVERHEAD = 40 * ANSWER_PER_STATEMENT


def size(definition: Any) -> int:
    """Bytes of ``definition`` as it is deployed."""
    return len(json.dumps(definition, separators=(",", ":"), ensure_ascii=False).encode())


def check_definition(job: EltJob, definition: dict[str, Any]) -> list[Problem]:
    """Problems of the compiled definition as a whole; an empty list when it fits."""
    problems = []
    if (actual := size(definition)) > MAX_DEFINITION:
        problems.append(
            Problem(
                f"job {job.name}",
                f"its definition has {actual:,} bytes, and Step Functions takes at most {MAX_DEFINITION:,}.",
                "Move long SQL into stored procedures, or split the job.",
            )
        )
    for task in job.tasks:
        # DescribeStatement answers with every text of a batch, and an answer is a payload.
        texts = sum(len(statement.text.encode()) for statement in task.statements)
        if texts > MAX_PAYLOAD - _ANSWER_OVERHEAD:
            problems.append(
                Problem(
                    f"job {job.name}: tasks.{task.name}",
                    f"its statements have {texts:,} bytes together, and a state handles at most "
                    f"{MAX_PAYLOAD - _ANSWER_OVERHEAD:,}.",
                    "Split the task in two, or move SQL into a stored procedure.",
                )
            )
    return problems
