"""An EventBridge schedule that invokes a function at a fixed rate.

The first invocation is one interval after the start. What the function answers or raises changes
nothing: the next one is due all the same. It is loaded when it is first due.
Source: EventBridge user guide, "Creating a scheduled rule" (the event).
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

from reconciler.local.provision import ACCOUNT
from reconciler.local.worker.lambda_runtime import LambdaFunction

# Here a function shares its process with others. One that takes long, as the gauge does while many
# rows are open, waits for this many times as long, so that it leaves most of the time to them.
_LONG_SECONDS = 0.1
_TIMES_ITS_OWN = 20


class ScheduledFunction:
    """One function of one region, invoked every `seconds`, or more rarely if it takes long."""

    def __init__(self, load: Callable[[], LambdaFunction], *, region: str, seconds: float) -> None:
        self._function = cache(load)
        self._region = region
        self._seconds = seconds
        self._due = time.monotonic() + seconds

    def poll(self) -> bool:
        """Invoke the function if it is due; it is never work that others would wait behind."""
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + self._seconds
            event = {
                "source": "aws.events",
                "detail-type": "Scheduled Event",
                "account": ACCOUNT,
                "region": self._region,
                "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "detail": {},
            }
            function, begun = self._function(), time.monotonic()
            function.invoke(event)
            took = time.monotonic() - begun
            if took > _LONG_SECONDS:
                self._due = max(self._due, begun + took * _TIMES_ITS_OWN)
        return False
