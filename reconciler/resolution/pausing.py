"""When a resolver leaves an item alone for a while, so that a loop does not write without end.

More write-backs of one item than the limit within the window pause it. Nothing is lost by a pause:
the rows stay OPEN and the messages come back, at the latest through a redrive, which does not
pause; detection never pauses.
Limits: a process counts its own write-backs, so a region makes at most the limit times its
processes; of the items, the latest 10,000 are remembered.
"""

from collections import OrderedDict, deque

from reconciler.deployment.wiring import LoopPause

_ITEMS = 10_000


class WriteBacks:
    """The latest write-backs of each item, by its ledger's name; times are milliseconds."""

    def __init__(self, pause: LoopPause) -> None:
        self._pause = pause
        self._times: OrderedDict[str, deque[int]] = OrderedDict()

    def add(self, item_key: str, at_ms: int) -> None:
        """Remember a write-back."""
        times = self._times.setdefault(item_key, deque(maxlen=self._pause.limit + 1))
        times.append(at_ms)
        self._times.move_to_end(item_key)
        if len(self._times) > _ITEMS:
            self._times.popitem(last=False)

    def are_too_many(self, item_key: str, now_ms: int) -> bool:
        """Return whether there were more than the limit within the window that ends now."""
        times = self._times.get(item_key)
        since = now_ms - self._pause.window_seconds * 1_000
        return times is not None and len(times) > self._pause.limit and times[0] > since
