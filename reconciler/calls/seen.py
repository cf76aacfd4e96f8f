"""What a client's callers were shown of items last, thread by thread: what a put differs from.

HAZARD if it were one for all threads: a put would be taken to have seen what another thread read
since, and would take that back.
HAZARD if an update did not end it: what the update did would be the put's own difference, too.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from reconciler.values.wire import Image

REMEMBERED_ITEMS = 1_000


class Sight(NamedTuple):
    """An item as it was, and what its caller knows of it; None: it was not there, or deleted.

    They differ after a put beside which others wrote: the caller knows what it put.
    HAZARD if they were one: the caller's next put would take away what it never saw.
    """

    image: Image | None
    view: Image | None


class Seen:
    """What was seen of items, by their names."""

    def __init__(self, thread: Callable[[], int]) -> None:
        self._thread = thread
        self._kept: OrderedDict[tuple[int, str], Sight] = OrderedDict()

    def last(self, name: str) -> Sight | None:
        """Return what this thread saw of an item last; None if it saw nothing."""
        return self._kept.get((self._thread(), name))

    def keep(self, name: str, sight: Sight) -> None:
        """Remember an item as it was shown, or as this thread wrote it."""
        self.forget(name)
        self._kept[self._thread(), name] = sight
        while len(self._kept) > REMEMBERED_ITEMS:
            self._kept.popitem(last=False)

    def forget(self, name: str) -> None:
        """Forget an item: this thread wrote it, and does not know what it is now."""
        self._kept.pop((self._thread(), name), None)
