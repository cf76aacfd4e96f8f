"""The slots of a counter that were added around the library: which count, and how they join.

One that was added to one image holds all of that so far, so the greater amount is the later. What a
plain item showed has a slot for each amount seen, of which the greatest counts.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from reconciler.causality.context import ADOPTED, FROM_PLAIN, Dot

Slots = Mapping[Dot, Decimal]


def is_added(dot: Dot) -> bool:
    """Return whether a slot is what writers around the library added to one image."""
    return dot.lineage.replica == ADOPTED and dot.hlc != FROM_PLAIN


def without_plain(slots: Slots) -> Slots:
    """Return the slots without what plain items showed."""
    return {dot: amount for dot, amount in slots.items() if dot.hlc != FROM_PLAIN}


def counted(slots: Slots) -> Iterator[Decimal]:
    """Yield the amounts that count: of several versions of one plain item, the greatest."""
    rest = without_plain(slots)
    if len(rest) < len(slots):
        yield _greatest(amount for dot, amount in slots.items() if dot.hlc == FROM_PLAIN)
    yield from rest.values()


def greater_amount(dot: Dot, a: Slots, b: Slots) -> Decimal:
    """Return the amount of a slot that two states hold: the same, if the library made it."""
    return _greatest(slots[dot] for slots in (a, b) if dot in slots)


def _greatest(amounts: Iterator[Decimal]) -> Decimal:
    return max(amounts, key=lambda n: (abs(n), n))
