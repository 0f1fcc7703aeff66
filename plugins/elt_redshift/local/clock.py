"""Letting time pass on an embedded AWS: schedules fire at once that would fire within the next minutes, hours or days.

Only what goes by a schedule does so: rules with a rate or a cron, schedules of EventBridge Scheduler, the further
attempts of calls that they could not make, and the evaluation of alarms. Executions, leases and statements keep the
machine's time. ::

    Clock(aws).advance(timedelta(minutes=5))
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from elt_redshift.local.door import CLOCK_PATH, Application, StartResponse
from elt_redshift.local.management import ask
from elt_redshift.local.state import LocalAws


class Clock:
    """The clock that the schedules of an embedded AWS go by.

    :param aws: a running one, as :func:`elt_redshift.local.process.running` and ``find`` give it.
    """

    def __init__(self, aws: LocalAws) -> None:
        self._aws = aws

    def advance(self, by: timedelta) -> datetime:
        """Set it forward. Whatever falls due on the way is fired at its time, one after the other; when this returns,
        the calls have been made. Gives the time that the schedules have then."""
        told = ask(self._aws, CLOCK_PATH, "POST", {"seconds": by.total_seconds()})
        return datetime.fromisoformat(told["now"])


def application(app: Application, pass_time: Callable[[timedelta], datetime]) -> Application:
    """``app``, and behind its own path the clock to be set forward."""

    def enter(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != CLOCK_PATH:
            return app(environ, start_response)
        now = pass_time(timedelta(seconds=json.loads(environ["wsgi.input"].read())["seconds"]))
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps({"now": now.isoformat()}).encode()]

    return enter
