"""EventBridge of the embedded AWS: events reach Step Functions, SNS and SQS targets, and schedules fire.

Moto matches events against rules and keeps rules and schedules, but delivers to few targets and lets no time pass.
"""

from collections.abc import Callable, Iterable
from itertools import chain

from elt_redshift.local.events import delivery, scheduler_api
from elt_redshift.local.events.clock import CLOCK
from elt_redshift.local.events.delivery import emit_execution_event, emit_statement_event
from elt_redshift.local.events.invocations import Invocations
from elt_redshift.local.events.scheduled import scheduled
from elt_redshift.local.events.ticker import Ticker, Timed

__all__ = ["Ticker", "apply_all", "emit_execution_event", "emit_statement_event", "ticker"]


def apply_all() -> None:
    """Patch moto's rules and schedules."""
    delivery.apply_all()
    scheduler_api.apply_all()


def ticker(more: Callable[[], Iterable[Timed]]) -> Ticker:
    """What lets time pass for everything that is scheduled in this process.

    :param more: what is to be done at times beside that.
    """
    invocations = Invocations(CLOCK)
    return Ticker(lambda: chain(scheduled(invocations), more()), CLOCK, invocations.settle)
