"""The time of a region, as its answers tell it, whatever this machine's clock shows.

Every answer of DynamoDB carries a `Date`, in whole seconds. Between answers time goes on by a clock
that nobody sets. A machine's clock that agrees with the dates is taken as it is.
HAZARD if epochs were the machine's time: a fold covers every epoch up to its watermark, so epochs
must rise in the order in which a whole region issues them. (A writer that was 75 seconds behind
lost an acknowledged write to a fold.)
Limit: about two seconds, which a fold's margin of a minute allows for. Source: RFC 9110, `Date`.
"""

from collections.abc import Callable
from typing import NamedTuple

_SECOND_MS = 1_000  # dates are cut off to it
_ON_ITS_WAY_MS = 2_000  # how old an answer's date may be when it is heard
_STEP_MS = 1_000


class _Answer(NamedTuple):
    """When the last answer was heard, by three clocks."""

    region_ms: int
    wall_ms: int
    monotonic_ms: int


class RegionTime:
    """The time of one region, by two clocks: anybody may set `wall_ms`, nobody `monotonic_ms`."""

    def __init__(self, wall_ms: Callable[[], int], monotonic_ms: Callable[[], int]) -> None:
        self._wall_ms = wall_ms
        self._monotonic_ms = monotonic_ms
        self._last: _Answer | None = None

    def hear(self, date_ms: int) -> None:
        """Take in the date of an answer that has come just now, in milliseconds since 1970."""
        wall = self._wall_ms()
        agrees = date_ms <= wall <= date_ms + _SECOND_MS + _ON_ITS_WAY_MS
        region = wall if agrees else date_ms + _SECOND_MS // 2
        self._last = _Answer(region, wall, self._monotonic_ms())

    def now_ms(self) -> int:
        """Return the region's time; this machine's until an answer has come."""
        if self._last is None:
            return self._wall_ms()
        return self._last.region_ms + self._monotonic_ms() - self._last.monotonic_ms

    def is_known(self) -> bool:
        """Return whether an answer has told the time, and both clocks went on alike since."""
        return self.is_heard() and self.is_sure()

    def is_heard(self) -> bool:
        """Return whether an answer has told the time."""
        return self._last is not None

    def is_sure(self) -> bool:
        """Return whether both clocks have gone on alike since the last answer.

        They do not when one is set, when the machine slept, or when it is a restored snapshot: then
        only another answer tells the time.
        """
        if self._last is None:
            return True
        wall = self._wall_ms() - self._last.wall_ms
        return abs(wall - (self._monotonic_ms() - self._last.monotonic_ms)) <= _STEP_MS

    def off_ms(self) -> int:
        """Return how far this machine's clock is ahead of the region's; negative if behind."""
        return self._wall_ms() - self.now_ms()
