"""Waiting for processes as long as they make progress, and saying so.

A busy machine makes a start slow, not wrong. So what ends the wait is no time limit but a process
that does nothing: one that uses no processor.
"""

import logging
import time
from collections.abc import Callable, Collection

from reconciler.local.children import Child
from reconciler.local.errors import LocalCloudError

logger = logging.getLogger(__name__)

_STALL_SECONDS = 30
_PROGRESS_CPU_SECONDS = 0.05  # more than a process needs to sit and wait for half a minute
_TOLD_EVERY_SECONDS = 10
_LOOK_SECONDS = 0.05


def await_children(awaited: Callable[[], Collection[Child]]) -> None:
    """Wait until `awaited` returns no child any more; it raises for one that died.

    Raises: LocalCloudError if those that it returns do nothing for half a minute.
    """
    begun = moved = told = time.monotonic()
    used = 0.0
    while children := awaited():
        now = time.monotonic()
        names = ", ".join(child.name for child in children)
        using = sum(child.cpu_seconds() for child in children)
        if abs(using - used) >= _PROGRESS_CPU_SECONDS:
            used, moved = using, now
        elif now - moved > _STALL_SECONDS:
            raise LocalCloudError(f"{names} did not start, and did nothing for {_STALL_SECONDS} s")
        if now - told > _TOLD_EVERY_SECONDS:
            told = now
            logger.warning("%s at work on the start for %.0f s: waiting", names, now - begun)
        time.sleep(_LOOK_SECONDS)
