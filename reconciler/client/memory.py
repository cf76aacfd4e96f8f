"""What one client remembers of the items that it wrote: their images, its lanes, and its names.

Others may write around the library, and a stale save brings an old image back, with its token and
its tip; nothing tells it from the one that it equals. So a client goes on with a lineage only if it
started it itself and its own last write there is the image's head: that is its lane.
HAZARD if it went on with any tip of its region: the lineage would claim what stood between.
HAZARD if a lane were older than half a fold's margin: a detector could certify it as closed.
Limit: many processes that write one item in turn start a lineage each. Where nobody writes around
the library, any tip of the region will do.
"""

from collections import OrderedDict
from collections.abc import Callable

from reconciler.causality.context import Dot
from reconciler.causality.hlc import WALL_WIDTH, Hlc, number_of
from reconciler.client.lost_answers import written_dot
from reconciler.conflict import folding
from reconciler.item.standing import Standing
from reconciler.values.wire import Image

REMEMBERED_ITEMS = 1_000


class Memory:
    """The last image that a client wrote of each item, or the name that it put on it since.

    `now` is the clock that epochs follow. `process` names the process: a fork is another one, and
    must not go on with these lanes and names.
    """

    def __init__(
        self, now: Callable[[], Hlc], process: Callable[[], int], *, keeps_to_lanes: bool
    ) -> None:
        self._now = now
        self._process = process
        self._of = process()
        self._keeps_to_lanes = keeps_to_lanes
        self._kept: OrderedDict[str, Image | Standing] = OrderedDict()

    def image(self, name: str) -> Image | None:
        """Return what this client wrote of an item last, if it remembers that."""
        self._check_process()
        kept = self._kept.get(name)
        return None if isinstance(kept, Standing) else kept

    def take_name(self, name: str) -> Standing | None:
        """Return the name that this client put on an item last, and forget the item."""
        self._check_process()
        kept = self._kept.pop(name, None)
        return kept if isinstance(kept, Standing) else None

    def keep(self, name: str, image: Image | Standing) -> None:
        """Remember an image, or the name on it, whose write was acknowledged."""
        self.forget(name)
        self._kept[name] = image
        if len(self._kept) > REMEMBERED_ITEMS:
            self._kept.popitem(last=False)

    def forget(self, name: str) -> None:
        """Forget an item: a write of it is in doubt, or others write it."""
        self._kept.pop(name, None)

    def forget_all(self) -> None:
        """Forget everything: this may be a copy of the process that wrote."""
        self._kept.clear()
        self._of = self._process()

    def _check_process(self) -> None:
        if self._process() != self._of:
            self.forget_all()

    def goes_on(self, name: str, head: Dot) -> bool:
        """Return whether a write of an item may go on with its tip, which ends in `head`."""
        if not self._keeps_to_lanes:
            return True
        image = self.image(name)
        age_ms = self._now().wall_ms - number_of(head.lineage.epoch[:WALL_WIDTH])
        is_young = age_ms < folding.CLOCK_SKEW_MARGIN_MS // 2
        return is_young and image is not None and written_dot(image) == head
