"""Lists of statements, as the Data API gives them to a state.
https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ListStatements.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elt_redshift.asl.language.jsonata import Code, expression
from elt_redshift.asl.target import Target
from elt_redshift.job.model import EltJob
from elt_redshift.protocol.limits import ANSWER_PER_STATEMENT, MAX_PAYLOAD

#: The API gives at most so many at once.
_MOST = 100


def page(job: EltJob) -> int:
    """How many statements of a job one answer may hold. It tells the text of each, and an answer that is larger than a
    payload ends the execution. The rest is for what other versions of the job have submitted."""
    largest = max(sum(len(one.text.encode()) + ANSWER_PER_STATEMENT for one in task.statements) for task in job.tasks)
    return max(1, min(_MOST, MAX_PAYLOAD * 3 // 4 // largest))


def request(job: EltJob, target: Target, beginning: Code, status: str) -> Mapping[str, Any]:
    """For the newest of the statements whose names begin with something, by whichever session of the role."""
    return {
        **target.warehouse,
        "StatementName": expression(beginning),
        "Status": status,
        "RoleLevel": True,
        "MaxResults": page(job),
    }
