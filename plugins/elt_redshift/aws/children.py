"""The children of a map layout's run whose failure nobody has told: those that failed where no state foresaw it.

Such a child leaves nothing in the items of the run, and the run's own cause says only that some child failed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from elt_redshift.aws.errors import AwsError, aws_errors
from elt_redshift.protocol import executions, statements
from elt_redshift.runs import causes
from elt_redshift.runs.progress import Report

#: Further ones failed for the same reason, most likely.
MOST = 10


def failed(client: Any, map_run_arn: str) -> Iterator[Report]:
    """What the children that failed would have told; nothing, where the caller may not ask for them.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html

    :param client: a boto3 Step Functions client.
    :raises AwsError: AWS refused the call for another reason.
    """
    try:
        with aws_errors(f"map run {map_run_arn}"):
            listed = client.list_executions(mapRunArn=map_run_arn, statusFilter=executions.FAILED, maxResults=MOST)
            for one in listed["executions"]:
                yield _report(client.describe_execution(executionArn=one["executionArn"]))
    except AwsError as error:
        if error.code != "AccessDeniedException":
            raise


def _report(child: dict[str, Any]) -> Report:
    message = causes.in_plain_words(child.get("error"), child.get("cause"))
    task = json.loads(child["input"])["task"]["name"]
    return Report(task, "failed", statements.NO_STATEMENT, child["stopDate"], message=message)
