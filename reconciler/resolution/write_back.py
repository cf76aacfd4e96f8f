"""The loop that brings a merge into the item as it is now: merge, write conditionally, or again.

A refused write brings the newer image, which is merged into next, so no second read is needed. The
attempts are bounded: an item that changes faster is left to a later delivery.
"""

from collections.abc import Callable
from dataclasses import dataclass

from reconciler.errors import Contention
from reconciler.ports import Replacement, Superseded
from reconciler.values.wire import Image

ATTEMPTS = 8


@dataclass(frozen=True)
class WriteBack:
    """The item as the last merge found it and as it is now; None if there is none."""

    before: Image | None
    after: Image | None
    is_written: bool


def write_back(
    current: Image | None,
    merged: Callable[[Image | None], Image | None],
    put: Callable[[Replacement], Superseded | None],
    retrying: Callable[[], object] = lambda: None,
) -> WriteBack:
    """Write what `merged` makes of the current image, unless that is None: nothing is to be done.

    `put` writes conditionally and decides what a lost answer means; `retrying` is called before
    each further write. Contention if the item changed each time.
    """
    for attempt in range(ATTEMPTS):
        image = merged(current)
        if image is None:
            return WriteBack(current, current, is_written=False)
        if attempt:
            retrying()
        refused = put(Replacement(image, current))
        if refused is None:
            return WriteBack(current, image, is_written=True)
        current = refused.current
    raise Contention(f"the item changed {ATTEMPTS} times while it was merged; try again")
