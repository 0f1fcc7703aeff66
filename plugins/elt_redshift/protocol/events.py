"""The events about a job's runs that its stack puts on the default event bus, for others to act on.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html

=================== ==================== ==============================================================================
member of the detail of                  what it is
=================== ==================== ==============================================================================
``jobId``           both                 the job's id
``jobName``         both                 the job's name
``execution``       both                 the ARN of the run's execution
``name``            both                 its name
``redriveCount``    both                 how often the run has been redriven
``startedAt``       both                 ISO 8601 in UTC, with milliseconds
``endedAt``         the end              the same
``outcome``         the end              one of :data:`~elt_redshift.protocol.records.OUTCOMES`
``task``            the end              the task that failed, if one did and it is known
``statementId``     the end              of the statement that failed, if one did
``message``         the end              why it failed, or did nothing; not there of a run that has done its work
``parameters``      both                 an object of what it was started with; not there if that was nothing
=================== ==================== ==============================================================================
"""

from __future__ import annotations

from typing import Final

SOURCE: Final = "elt-redshift"

#: The detail-types.
RUN_STARTED: Final = "ELT Run Started"
RUN_ENDED: Final = "ELT Run Ended"
