"""The way through a replica: segments at once, each page by page, no faster than told.

A run keeps no place to go on from: what is done shows in the items, so the next run passes over it.
Units: write and read units as DynamoDB counts them; milliseconds, seconds where the name says so.
Source: DynamoDB guide, "Scan" (parallel scan), "Read and write units".
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import TypeVar

from reconciler.ports import Page, Segment, WholeReplica
from reconciler.values.size import item_size
from reconciler.values.wire import Image, canonical_image

A_BATCH = 100  # keys that one call asks for
T = TypeVar("T")
_READ_BYTES, _WRITE_BYTES = 4096, 1024  # a unit of each


@dataclass(frozen=True)
class Time:
    """The physical clock, and how to wait."""

    now_ms: Callable[[], int]
    sleep_seconds: Callable[[float], object]


class Budget:
    """Units a second that are not passed, whichever thread spends them."""

    def __init__(self, per_second: float, time: Time) -> None:
        self._per_second = per_second
        self._time = time
        self._lock = Lock()
        self._free_ms = 0.0

    def spend(self, units: float) -> None:
        """Wait until all that was spent before is worked off; then these count, too."""
        with self._lock:
            now = self._time.now_ms()
            turn = max(self._free_ms, now)
            self._free_ms = turn + units * 1000 / self._per_second
        if turn > now:
            self._time.sleep_seconds((turn - now) / 1000)


class Walk:
    """Goes through a replica and hands its items over in batches, several at once.

    hear: told how many items are done with. What `work` raises ends the walk: no segment goes on.
    """

    def __init__(
        self, whole: WholeReplica, segments: int, reads: Budget, hear: Callable[[int], object]
    ) -> None:
        self._whole = whole
        self._segments = segments
        self._reads = reads
        self._hear = hear
        self._is_over = False

    def go(self, work: Callable[[Sequence[Image]], object]) -> None:
        """Hand over every item, in batches of up to 100."""

        def go_through(number: int) -> None:
            try:
                for images in self._batches(Segment(number, self._segments)):
                    work(images)
                    self._hear(len(images))
            except BaseException:
                self._is_over = True
                raise

        with ThreadPoolExecutor(self._segments) as pool:
            try:
                list(pool.map(go_through, range(self._segments)))
            finally:
                self._is_over = True

    def _batches(self, segment: Segment) -> Iterator[Sequence[Image]]:
        for page in self._pages(segment):
            for images in in_batches(page.images):
                if self._is_over:
                    return
                yield images

    def _pages(self, segment: Segment) -> Iterator[Page]:
        after: Image | None = None
        while not self._is_over:
            page = self._whole.page(segment, after)
            self._reads.spend(scanned_units(page.images))
            yield page
            after = page.after
            if after is None:
                return


class Stretch:
    """Goes on through one segment, batch after batch, until it is done or is to stop.

    after: the key behind which it goes on, None at the beginning. goes_on: asked before each batch.
    A run that was killed behind `after` goes that way once more, which changes nothing.
    """

    def __init__(  # noqa: PLR0913, PLR0917 (a stretch is all of these)
        self,
        whole: WholeReplica,
        segment: Segment,
        key_names: Sequence[str],
        reads: Budget,
        after: Image | None,
        goes_on: Callable[[], bool],
    ) -> None:
        self._whole = whole
        self._segment = segment
        self._key_names = key_names
        self._reads = reads
        self._goes_on = goes_on
        self.after = after
        self.is_done = False

    def go(self, work: Callable[[Sequence[Image]], object]) -> None:
        """Hand over what comes behind `after`, in batches of up to 100; `after` follows."""
        while not self.is_done and self._goes_on():
            page = self._whole.page(self._segment, self.after)
            self._reads.spend(scanned_units(page.images))
            for images in in_batches(page.images):
                if not self._goes_on():
                    return
                work(images)
                self.after = key_of(images[-1], self._key_names)
            self.after, self.is_done = page.after, page.after is None


def looked_up(
    replicas: Iterable[WholeReplica], keys: Sequence[Image], reads: Budget
) -> list[tuple[Image | None, ...]]:
    """Return the items of some keys as each replica has them, key by key, in canonical form."""
    columns = []
    for whole in replicas:
        found = whole.images(keys)
        reads.spend(sum(_read_units(image) for image in found))
        columns.append([None if each is None else canonical_image(each) for each in found])
    return list(zip(*columns, strict=True))


def scanned_units(images: Sequence[Image]) -> float:
    """Return what a page costs, which is read consistently: its size as a whole counts."""
    return _units(sum(map(item_size, images)), _READ_BYTES)


def write_units(image: Image) -> int:
    """Return what a write of an image costs in one region."""
    return _units(item_size(image), _WRITE_BYTES)


def _read_units(image: Image | None) -> int:
    return 1 if image is None else _units(item_size(image), _READ_BYTES)


def _units(size: int, unit: int) -> int:
    return max(1, -(-size // unit))


def key_of(image: Image, names: Sequence[str]) -> Image:
    """Return an item's key."""
    return canonical_image({name: image[name] for name in names})


def in_batches(listed: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield all that is listed, as much at once as one call asks for."""
    for start in range(0, len(listed), A_BATCH):
        yield listed[start : start + A_BATCH]
