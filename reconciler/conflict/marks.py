"""What a replica says, inside an item, of images that it has moved on from; see `marking`."""

from collections.abc import Iterable
from typing import NamedTuple

from reconciler.causality.hlc import COARSE_WIDTH, coarse_after

_APART = 2  # steps of coarse times: more than one whole one, which is more than clocks differ


class Mark(NamedTuple):
    """What a replica says, in coarse times; of two, the later is the greater text.

    From the end of `since` to `at` it had no image of a time up to `up_to`, and of what its stream
    showed until `seen` of those, the item has all.
    """

    since: str
    at: str
    seen: str
    up_to: str

    @classmethod
    def parse(cls, text: str) -> "Mark":
        """Return the mark written as `text`; ValueError if it is none."""
        if len(text) != 4 * COARSE_WIDTH:
            raise ValueError(f"{text[:80]!r} is not a mark")
        return cls(*(text[n * COARSE_WIDTH : (n + 1) * COARSE_WIDTH] for n in range(4)))

    def __str__(self) -> str:
        return "".join(self)


def overlapping(marks: Iterable[Mark]) -> str:
    """Return until when each must have been free of old images, for all to have been so at once."""
    return coarse_after(max(mark.since for mark in marks), _APART)
