"""The slots of a counter that were added around the library: which count, and how they join.

One that was added to one image holds all of that so far, so the greater amount is the later. What a
plain item showed has a slot for each amount seen, of which the greatest counts; so has what whole
puts changed the amount by: a later put takes in what an earlier one changed.
HAZARD if puts added up: a region that saw only the last one has all of it in one amount.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from decimal import Decimal

from reconciler.causality.context import (
    ADOPTED,
    BY_A_PUT,
    FROM_PLAIN,
    UNTYPED,
    CausalContext,
    Dot,
    Lineage,
)

PLAIN = (FROM_PLAIN, UNTYPED)  # amounts that an image showed where no library write knew of them
OF_IMAGES = (*PLAIN, BY_A_PUT)
_ALTERNATIVES = (PLAIN, (BY_A_PUT,))
Slots = Mapping[Dot, Decimal]


def is_added(dot: Dot) -> bool:
    """Return whether a slot is what writers around the library added to one image."""
    return dot.lineage.replica == ADOPTED and dot.hlc not in OF_IMAGES


def without_images(slots: Slots) -> Slots:
    """Return the slots without what plain images showed: each is one amount for good."""
    return {dot: amount for dot, amount in slots.items() if dot.hlc not in OF_IMAGES}


def without_puts(slots: Slots) -> Slots:
    """Return the slots without what whole puts changed an amount by."""
    return {dot: amount for dot, amount in slots.items() if dot.hlc != BY_A_PUT}


def without_removed(slots: Slots, removed: Container[Lineage]) -> Slots:
    """Return the slots without those added around the library of which a removal saw some.

    Two regions may have added to one image: what a removal did not see, nobody can tell.
    """
    return {d: n for d, n in slots.items() if not (is_added(d) and d.lineage in removed)}


def counted(slots: Slots) -> Iterator[Decimal]:
    """Yield the amounts that count: of versions of one plain item, and of puts, the greatest."""
    rest = without_images(slots)
    if len(rest) < len(slots):
        for kinds in _ALTERNATIVES:
            alternatives = [amount for dot, amount in slots.items() if dot.hlc in kinds]
            if alternatives:
                yield greatest_amount(alternatives)
    yield from rest.values()


def of_puts(slots: Slots) -> Slots:
    """Return the slots of what whole puts changed an amount by, of which one counts."""
    return {dot: amount for dot, amount in slots.items() if dot.hlc == BY_A_PUT}


def without_baseless(
    dots: Iterable[Dot], sides: Iterable[Slots], known: Iterable[CausalContext] = ()
) -> list[Dot]:
    """Return the dots that states keep, but for puts over what others wrote and is not kept.

    By how much a put changed an amount means nothing without all that it took the place of. What a
    watermark of what is `known` covers is in a sum.
    """
    kept = [*dots]
    folded = max((each.watermarks.get(ADOPTED, "") for each in known), default="")

    def is_gone(dot: Dot) -> bool:
        is_base = dot.lineage.replica == ADOPTED and dot.hlc != BY_A_PUT
        return is_base and dot not in kept and not (is_added(dot) and dot.lineage.epoch <= folded)

    lacking = [side for side in sides if any(map(is_gone, side))]
    return [dot for dot in kept if not any(dot in of_puts(side) for side in lacking)]


def joined_slots(dots: Iterable[Dot], a: Slots, b: Slots) -> Slots:
    """Return the slots of `dots`, which one of two states holds, or both.

    What a put added to an amount stands if all that filed it, over what they had, found the same.
    """
    return {
        dot: greatest_amount(slots[dot] for slots in (a, b) if dot in slots)
        for dot in dots
        if dot.hlc != BY_A_PUT or a.get(dot, b.get(dot)) == b.get(dot, a.get(dot))
    }


def plain_amount(slots: Slots) -> Decimal | None:
    """Return which amount of versions of one plain item counts, None if there is no such."""
    amounts = [amount for dot, amount in slots.items() if dot.hlc in PLAIN]
    return greatest_amount(amounts) if amounts else None


def greatest_amount(amounts: Iterable[Decimal]) -> Decimal:
    """Return the amount that stands, of which all are one and the same thing."""
    return max(amounts, key=lambda n: (abs(n), n))
