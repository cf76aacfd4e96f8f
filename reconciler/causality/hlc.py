"""Hybrid logical clock: stamps that follow wall time and never contradict causality.

A stamp is greater than everything its writer has seen, and stays close to wall time. `tick` and
`HybridClock` are monotone whatever the wall clock does.
HAZARD if stamps went back: a later write of the same lineage would look older than one it saw, and
detection would take it for clean.
Source: Kulkarni, Demirbas et al., "Logical Physical Clocks", OPODIS 2014.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

_DIGITS = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
_PAIRS = [first + second for first in _DIGITS for second in _DIGITS]  # by their number
_VALUES = {digit: value for value, digit in enumerate(_DIGITS)}
DIGIT = "[-0-9A-Z_a-z]"
WALL_WIDTH, _LOGICAL_WIDTH = 7, 2
COARSE_WIDTH = 4  # digits of a wall time that are left of it where 4.4 minutes are near enough
COARSE_MS = 64 ** (WALL_WIDTH - COARSE_WIDTH)
_LOGICAL_LIMIT = 64**_LOGICAL_WIDTH
HLC_WIDTH = WALL_WIDTH + _LOGICAL_WIDTH
NONCE_WIDTH = 11  # 66 bits: two of them never meet
EPOCH_WIDTH = WALL_WIDTH + NONCE_WIDTH
MAXIMUM_CLOCK_DRIFT_MS = 60_000  # between the clocks of a deployment
_HLC = re.compile(rf"{DIGIT}{{{HLC_WIDTH}}}")


def fixed_width(number: int, width: int) -> str:
    """Return `number` in base 64, padded to `width` digits; ValueError if it does not fit."""
    if number < 0 or number >= 64**width:
        raise ValueError(f"{number} does not fit in {width} base-64 digits")
    digits = ""
    for _ in range(0, width, 2):  # two at a time: a write draws ten of these texts
        number, pair = divmod(number, 4_096)
        digits = _PAIRS[pair] + digits
    return digits[-width:] if width else ""


def coarse(wall_ms: int) -> str:
    """Return a wall time, cut off to 4.4 minutes; a stamp begins with that of its own."""
    return fixed_width(wall_ms, WALL_WIDTH)[:COARSE_WIDTH]


def coarse_after(time: str, steps: int) -> str:
    """Return the coarse time that is so many steps later."""
    return fixed_width(number_of(time) + steps, COARSE_WIDTH)


def coarse_before(time: str, steps: int = 1) -> str:
    """Return the coarse time that is so many steps earlier; the first one there is at least."""
    return fixed_width(max(0, number_of(time) - steps), COARSE_WIDTH)


def greatest_digits(width: int) -> str:
    """Return the greatest text of so many digits."""
    return _DIGITS[-1] * width


def number_of(text: str) -> int:
    """Return the number that `fixed_width` wrote; KeyError if it wrote no such text."""
    number = 0
    for digit in text:
        number = number * 64 + _VALUES[digit]
    return number


class Hlc(str):
    """One stamp. Compares as text; `wall_ms` and `logical` are its parts."""

    __slots__ = ()

    @classmethod
    def of(cls, wall_ms: int, logical: int = 0) -> "Hlc":
        """Build a stamp from wall milliseconds since 1970 and a logical counter below 4,096."""
        return cls(fixed_width(wall_ms, WALL_WIDTH) + fixed_width(logical, _LOGICAL_WIDTH))

    @classmethod
    def parse(cls, text: str) -> "Hlc":
        """Return the stamp written as `text`; ValueError if it is not one."""
        if not _HLC.fullmatch(text):
            raise ValueError(f"{text!r} is not a stamp")
        return cls(text)

    @property
    def wall_ms(self) -> int:
        return number_of(self[:WALL_WIDTH])

    @property
    def logical(self) -> int:
        return number_of(self[WALL_WIDTH:])


def tick(physical_ms: int, seen: str | None) -> Hlc:
    """Return the least stamp at or after `physical_ms` that is greater than `seen`."""
    if seen is None or Hlc(seen).wall_ms < physical_ms:
        return Hlc.of(physical_ms)
    latest = Hlc(seen)
    if latest.logical + 1 < _LOGICAL_LIMIT:
        return Hlc.of(latest.wall_ms, latest.logical + 1)
    return Hlc.of(latest.wall_ms + 1)


def drift_ms(stamp: str, physical_ms: int) -> int:
    """Return the milliseconds by which `stamp` lies ahead of the physical clock, or 0."""
    return max(0, Hlc(stamp).wall_ms - physical_ms)


@dataclass(frozen=True)
class Stamp:
    """What one local write needs from the clock: its hlc, and the epoch of a lineage it may start.

    The epoch comes from the physical clock, which a foreign clock cannot push ahead.
    """

    hlc: Hlc
    epoch: str


def epoch_above(watermark: str, stamp: Stamp) -> str:
    """Return the epoch of a new lineage: the stamp's own, unless a fold already covers it.

    Only a writer whose clock went back further than clocks may drift apart is ever below.
    """
    return stamp.epoch if stamp.epoch > watermark else epoch_after(watermark)


def epoch_after(epoch: str) -> str:
    """Return the next epoch."""
    return fixed_width(number_of(epoch) + 1, EPOCH_WIDTH)


class HybridClock:
    """A writer's clock, which is given wall time and nonces: nothing is read at import.

    Lambda SnapStart copies what import creates: a nonce drawn then would be shared by all copies.
    """

    def __init__(self, physical_ms: Callable[[], int], nonce: Callable[[], str]) -> None:
        self._physical_ms = physical_ms
        self._nonce = nonce
        self._latest: Hlc | None = None
        self._latest_physical_ms = 0
        self._lock = Lock()

    def stamp(self, seen: str | None) -> Stamp:
        """Return a stamp greater than `seen` and than every stamp this clock gave before."""
        with self._lock:
            physical = self._latest_physical_ms = max(self._physical_ms(), self._latest_physical_ms)
            greatest = max(seen or "", self._latest or "") or None
            self._latest = tick(physical, greatest)
            return Stamp(self._latest, fixed_width(physical, WALL_WIDTH) + self._nonce())

    def now(self) -> Hlc:
        """Return the physical clock as a stamp; it names no write."""
        return Hlc.of(self._physical_ms())

    def drift_ms(self) -> int:
        """Return how far the latest stamp lies ahead of the physical clock, in milliseconds.

        More than clocks may drift apart means that a far-future stamp was seen: writes go on, ahead
        of it, and their conflicts are parked for a person.
        """
        return drift_ms(self._latest, self._physical_ms()) if self._latest else 0
