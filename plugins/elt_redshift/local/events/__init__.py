"""EventBridge of the embedded AWS: events reach Step Functions, SNS and SQS targets, and schedules fire.

Moto matches events against rules and keeps rules and schedules, but delivers to few targets and lets no time pass.
"""

from elt_redshift.local.events.delivery import apply_all, emit_execution_event, emit_statement_event
from elt_redshift.local.events.scheduled import scheduled
from elt_redshift.local.events.ticker import Ticker

__all__ = ["Ticker", "apply_all", "emit_execution_event", "emit_statement_event", "scheduled"]
