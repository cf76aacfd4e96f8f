"""How an object is split, so that many functions ingest it at once. Pure.

A line belongs to the range in which it begins. Only plain JSON lines are split: in a CSV object a
line may end inside quotes, and compressed text has no places to begin at; these go on part after
part. What a function does of a range in one go ends after so many lines or bytes, always at the
same place: another part goes on there, and whoever does the work again meets the same parts.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.ingest.source import Form, Packing

RANGE_BYTES = 4 * 2**20
MOST_RANGES = 10_000  # of one object; larger ones have larger ranges
# What a function does in one go: within its time, even if each line takes 30 ms.
MOST_LINES = 10_000
MOST_BYTES = 16 * 2**20  # of their text, and so of what is rejected of them


@dataclass(frozen=True)
class Range:
    """Bytes of an object's text, from `start` to `end`, which is not included; None is its end."""

    start: int
    end: int | None = None


def ranges_of(
    size: int, form: Form, packing: Packing, range_bytes: int = RANGE_BYTES
) -> Iterator[Range]:
    """Yield the ranges of an object of `size` bytes, in order."""
    if form is not Form.JSON or packing is not Packing.PLAIN:
        yield Range(0)
        return
    step = max(range_bytes, -(-size // MOST_RANGES))
    starts = range(0, max(size, 1), step)
    for start in starts:
        yield Range(start, start + step if start + step < size else None)
