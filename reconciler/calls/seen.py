"""What a client's callers were shown of items last, thread by thread: what a put differs from.

HAZARD if it were one for all threads: a put would be taken to have seen what another thread read
since, and would take that back.
HAZARD if an update did not end it: what the update did would be the put's own difference, too.
HAZARD if it lasted: a put that was made of nothing that was read would do no more than differ from
what somebody read long ago.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from reconciler.values.wire import Image

REMEMBERED_ITEMS = 1_000
REMEMBERED_MS = 300_000


class Sight(NamedTuple):
    """An item as it was, and what its caller knows of it; None: it was not there, or deleted.

    They differ after a put beside which others wrote: the caller knows what it put.
    HAZARD if they were one: the caller's next put would take away what it never saw.
    """

    image: Image | None
    view: Image | None


class Seen:
    """What was seen of items, by their names; `now_ms` is a clock that nobody sets."""

    def __init__(self, thread: Callable[[], int], now_ms: Callable[[], int]) -> None:
        self._thread = thread
        self._now_ms = now_ms
        self._kept: OrderedDict[tuple[int, str], tuple[Sight, int]] = OrderedDict()

    def last(self, name: str) -> Sight | None:
        """Return what this thread saw of an item last; None if it saw nothing lately."""
        sight, at_ms = self._kept.get((self._thread(), name), (None, 0))
        return sight if self._now_ms() - at_ms < REMEMBERED_MS else None

    def keep(self, name: str, sight: Sight) -> None:
        """Remember an item as it was shown, or as this thread wrote it."""
        self.forget(name)
        self._kept[self._thread(), name] = sight, self._now_ms()
        while len(self._kept) > REMEMBERED_ITEMS:
            self._kept.popitem(last=False)

    def forget(self, name: str) -> None:
        """Forget an item: this thread does not know what it is now."""
        self._kept.pop((self._thread(), name), None)
