"""The history table: what is kept of runs after their ends, by whom and when it is written.

Its items are keyed by ``RunsOf`` and ``Entry``, texts both. DynamoDB removes them ``history_days`` after their last
write:

=================== ======================= ==========================================================================
item                key                     holds
=================== ======================= ==========================================================================
of a run            the job's id, and       how the run ended, when, what it was given: the attributes below
                    :func:`run_at`
pages of a run      :func:`of_run`, and     what its history tells of its tasks, and in the map layout these themselves
                    :func:`page_at`         (:mod:`elt_redshift.asl.patterns.paging`): ``Page``, JSON; and whether it
                                            is the :data:`LAST`
of the job          the job's id, and       what people were told of it last (:mod:`elt_redshift.protocol.notices`)
                    ``standing``
=================== ======================= ==========================================================================

The state machine that follows the ends of runs (:mod:`elt_redshift.asl.patterns.ending`) writes them. An end is taken
up once: the write of the run's item demands that this end, or a later one, was not taken up before.
"""

from __future__ import annotations

from typing import Final, Literal, TypeVar, get_args

from elt_redshift.protocol import audit
from elt_redshift.protocol.joins import EXPIRY
from elt_redshift.protocol.statements import SLASH
from elt_redshift.protocol.writes import Absent, AtMost, Given, Write, some

_Part = TypeVar("_Part")

#: The table's key, and its index of runs by outcome: the key's first part there, which is :func:`of_outcome`, and the
#: index's name.
OF, AT = "RunsOf", "Entry"
JOB_OUTCOME, BY_OUTCOME = "JobOutcome", "ByOutcome"

#: How a run ended: its work is done; a task failed, or something unforeseen; somebody stopped it; it ran into the time
#: limit of the state machine; it met the job at work, and left it alone; or it met the job held after a failure, or in
#: a state that somebody must look at.
Outcome = Literal["succeeded", "failed", "stopped", "timed_out", "skipped", "held"]
DONE: Final = "succeeded"
BROKEN: Final = "failed"
STOPPED: Final = "stopped"
LATE: Final = "timed_out"
SKIPPED: Final = "skipped"
HELD: Final = "held"
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

# The attributes of a run's item; times are ISO 8601 in UTC with milliseconds, and texts that there are none of empty.
EXECUTION, OUTCOME = "Execution", "Outcome"
STARTED, ENDED = "StartedAt", "EndedAt"
PARAMETERS = "Given"  # JSON
STARTED_BY, RESUMED_FROM = "StartedBy", "ResumedFrom"
TOLD = "ToldOf"  # the number of redrives whose end was taken up last

_RUN = {
    EXECUTION: Given("execution"),
    OUTCOME: Given("outcome"),
    JOB_OUTCOME: Given("of_outcome"),
    STARTED: Given("started"),
    ENDED: Given("ended"),
    audit.REDRIVES: Given("redrives", "number"),
    audit.FAILED_TASK: Given("task"),
    audit.FAILED_STATEMENT: Given("statement"),
    audit.MESSAGE: Given("message"),
    PARAMETERS: Given("parameters"),
    STARTED_BY: Given("by"),
    RESUMED_FROM: Given("resumed"),
    EXPIRY: Given("expiry", "number"),
}

#: An end is taken up that was not before; ``before`` is one redrive less than ``redrives``.
TAKE_UP = Write(
    some(Absent(TOLD), AtMost(TOLD, Given("before", "number"))), sets={**_RUN, TOLD: Given("redrives", "number")}
)


def run_at(started: _Part, name: _Part) -> tuple[_Part | str, ...]:
    """The second part of a run's key, in pieces to be joined.

    :param started: when it was started, so that a job's runs are in the order of their starts.
    :param name: of its execution.
    """
    return (started, SLASH, name)


def of_outcome(job_id: str, outcome: _Part) -> tuple[_Part | str, ...]:
    """A job's runs of one outcome, in such pieces."""
    return (f"{job_id}{SLASH}", outcome)


#: The two kinds of pages, in the order of their keys: events, and reports of tasks.
PAGE_OF_EVENTS: Final = "events"
PAGE_OF_REPORTS: Final = "reports"
PAGE = "Page"

#: On the last page of all: the number of redrives whose end it was read after; on the others :data:`NOT_LAST`.
LAST = "LastOf"
NOT_LAST: Final = -1

#: A page is kept; a second time it is the same, or tells more: it is no page that was read after fewer redrives.
KEEP_PAGE = Write(
    some(Absent(audit.REDRIVES), AtMost(audit.REDRIVES, Given("redrives", "number"))),
    sets={
        PAGE: Given("page"),
        LAST: Given("last", "number"),
        audit.REDRIVES: Given("redrives", "number"),
        EXPIRY: Given("expiry", "number"),
    },
)


def of_run(job_id: str, name: _Part) -> tuple[_Part | str, ...]:
    """The first part of the keys of a run's pages, in such pieces.

    :param name: of its execution.
    """
    return (f"{job_id}{SLASH}", name)


def page_at(kind: str, number: _Part) -> tuple[_Part | str, ...]:
    """The second part of the key of a page, in such pieces.

    :param number: six digits: of its first event, or of the page itself. Before those of a part's events stand the name
        of the part's machine and a slash.
    """
    return (f"{kind}{SLASH}", number)
