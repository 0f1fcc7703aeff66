"""The metric of a job's runs that its stack puts into CloudWatch: for each end of a run, whether the run has done its
work. AWS's own metric of succeeded executions counts the skipped ones, too.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
"""

from __future__ import annotations

from typing import Final

NAMESPACE: Final = "ELT/Redshift"
#: 1 for a run that has done its work, else 0.
RUNS_SUCCEEDED: Final = "RunsSucceeded"
#: The one dimension: the ARN of the job's state machine.
STATE_MACHINE: Final = "StateMachineArn"
