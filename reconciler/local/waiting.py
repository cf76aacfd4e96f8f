"""Waiting as long as there is progress: for processes to start, and for all work to be done.

A busy machine makes things slow, not wrong. So no time limit ends the wait: at the start a process
that uses no processor does, later a cloud in which no count changes.
"""

import json
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from reconciler.local.children import Child
from reconciler.local.errors import LocalCloudError, ServerSilent

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


def await_rest(
    look: Callable[[], tuple[Mapping[str, Any], Sequence[str]]],
    check: Callable[[], object],
    patience_seconds: float,
) -> None:
    """Wait until `look`, which returns a status and what is still busy in it, finds nothing busy.

    `check` raises for a process that is gone for good. Raises: LocalCloudError naming what is busy
    once no status has differed from the one before for `patience_seconds`.
    """
    seen, moved = "", time.monotonic()
    while True:
        try:
            status, busy = look()
        except ServerSilent as silent:
            status, busy = {}, [str(silent)]
        if not busy:
            return
        check()
        now, seeing = time.monotonic(), json.dumps(status)
        if status and seeing != seen:
            seen, moved = seeing, now
        if now - moved > patience_seconds:
            raise LocalCloudError(f"nothing moved for {patience_seconds} s: {'; '.join(busy)}")
        time.sleep(_LOOK_SECONDS)
