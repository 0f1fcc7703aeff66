"""The event history of an execution, shared by its start and its redrives.

(https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html and
https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext, EventManager

from elt_redshift.local.stepfunctions.progress import Aborted, Run

MAX_EVENTS = 25_000  # AWS's limit; the last one is ExecutionFailed


class History(EventManager):
    """Events of one run, appended to those of the runs before it. A run that is over adds nothing any more.

    :param former: the history of the run before.
    :param on_full: called, once, instead of adding the event that would leave no room for the last one.
    """

    def __init__(self, run: Run, former: History | None, on_full: Callable[[], None]) -> None:
        super().__init__()
        self._run = run
        # The run's own lock: a state's exit, its event and the record of it are one step.
        self._mutex = run.lock  # type: ignore[misc, assignment]
        self._on_full = on_full
        self._filling = False
        if former is not None:
            self._event_id_gen = former._event_id_gen
            self._history_event_list = former._history_event_list  # type: ignore[misc]

    def add_event(self, context: EventHistoryContext, *args: Any, **kwargs: Any) -> int:
        """Append an event, unless the run is over or the branch it comes from was halted."""
        with self._mutex:
            if not self._run.open or getattr(context, "closed", False):
                return context.last_published_event_id
            if len(self) >= MAX_EVENTS - 1 and not self._filling:
                self._filling = True
                self._on_full()
                return context.last_published_event_id
            super().add_event(context, *args, **kwargs)  # takes the (reentrant) lock again
            return context.last_published_event_id

    def add_aborted(self, aborted: Iterable[Aborted]) -> None:
        """Append an event for each state and iteration that is cut short."""
        for item in aborted:
            details: Any = None
            if item.index is not None:
                details = {"mapIterationAbortedEventDetails": {"name": item.name, "index": item.index}}
            context = EventHistoryContext(previous_event_id=item.event_id)
            self.add_event(context=context, event_type=HistoryEventType(item.event_type), event_details=details)

    def __len__(self) -> int:
        return len(self._history_event_list)


def without_data(event: dict[str, Any]) -> dict[str, Any]:
    """An event as GetExecutionHistory gives it when ``includeExecutionData`` is false."""
    hidden = ("input", "inputDetails", "output", "outputDetails", "parameters", "error", "cause", "assignedVariables")
    return {
        key: {name: item for name, item in value.items() if name not in hidden} if isinstance(value, dict) else value
        for key, value in event.items()
    }
