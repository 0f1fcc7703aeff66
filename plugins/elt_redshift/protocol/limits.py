"""The limits of Step Functions and of the Redshift Data API, and those that we set so as to stay within them.

https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html,
https://docs.aws.amazon.com/redshift/latest/mgmt/data-api.html and
https://docs.aws.amazon.com/redshift/latest/mgmt/amazon-redshift-limits.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

#: The largest definition, in bytes.
MAX_DEFINITION = 1_048_576

#: The largest template that CloudFormation reads from S3, in bytes.
MAX_TEMPLATE = 1_048_576

#: The largest input, output or API request of a state, in bytes.
MAX_PAYLOAD = 262_144

#: The most events in the history of one execution; the next one fails it.
MAX_EVENTS = 25_000

#: Lambda ends an invocation after so many seconds. A statement is waited for within it a minute less.
#: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
LONGEST_INVOCATION = 900
LONGEST_FUNCTION_WAIT = LONGEST_INVOCATION - 60

#: At most this many characters in the name of a state or of an execution.
MAX_NAME = 80

#: The most children that a Map Run runs at once.
MAX_CHILDREN = 10_000

#: The longest long poll of the Data API, in seconds.
LONG_POLL = 30

#: The Data API ends a statement after so long by itself, and forgets one that ended so long ago.
LONGEST_STATEMENT = timedelta(hours=24)

#: The Data API has at most this many active statements; a cluster's own concurrency is usually far lower.
MAX_ACTIVE_STATEMENTS = 500

#: It takes so many calls a second, in an account and region, and throttles the rest.
DATA_API_RATES: Mapping[str, float] = {
    "executeStatement": 30,
    "batchExecuteStatement": 20,
    "describeStatement": 100,
    "cancelStatement": 3,
    "listStatements": 3,
}
MAX_SUBMISSIONS = 30

#: What a job that paces itself leaves to others, and to its own calls that fare badly, of these rates.
PACE = 0.95

#: At most so many statements in a batch, and so many bytes in a statement.
MAX_BATCH = 40
MAX_STATEMENT_BYTES = 100_000

#: What an answer of the Data API holds of a statement beside its text, at most, in bytes.
ANSWER_PER_STATEMENT = 800

#: At most so many characters of a statement's name, of 2,048 that the Data API takes: what a person can still read.
MAX_STATEMENT_NAME = 500

#: A database's message is cut to this many characters in audit items and in what a failed execution says.
MAX_MESSAGE = 2000
