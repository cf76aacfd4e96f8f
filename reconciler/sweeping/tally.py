"""How the items of a sweep ended: all of them counted, those that somebody must look at named."""

from collections import Counter
from collections.abc import Callable, Mapping
from enum import Enum
from threading import Lock
from typing import Any

from reconciler.conflict.row import item_key
from reconciler.values.wire import Image

Hear = Callable[[str, Enum, str], object]  # the item's key as text, how it ended, why


class Tally:
    """Counts of outcomes; `hear` is told of each item that is counted with a reason."""

    def __init__(self, hear: Hear) -> None:
        self.counts: Counter[Enum] = Counter()
        self._hear = hear
        self._lock = Lock()

    def add(self, key: Image, outcome: Enum, why: str = "") -> None:
        """Count an item; several threads may."""
        with self._lock:
            self.counts[outcome] += 1
            if why:
                self._hear(item_key(key), outcome, why)

    def summary(self, outcomes: type[Enum]) -> Mapping[str, Any]:
        """Return the counts by name, every outcome named."""
        return {each.value: self.counts[each] for each in outcomes}
