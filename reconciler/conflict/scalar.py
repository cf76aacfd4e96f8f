"""Items with a version number of their own: what a number tells of two images, and a merge. Pure.

Many tables had `Version`, `LastUpdatedRegion` and `Timestamp` before they had a reconciler. Where
such items have no metadata, a version that does not rise is a loss: two regions made the same one,
or an older one came back. What was lost is merged attribute by attribute; where both images have
one, that of the later image stands.
Limits of any scalar: a write that was overwritten by a higher version is not seen, nor is what an
image lacks told from what it never had, so an attribute that was removed at once comes back; so
does what an update removes that leaves the version alone. What both images have, one wrote in vain.
Counters and sets are values like others: one of two stands. With metadata none of this is so.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation
from typing import Any, NamedTuple

from reconciler.causality.context import Ordering
from reconciler.conflict.event import ConflictEvent
from reconciler.conflict.verdict import CLEAN, Finding, Verdict
from reconciler.errors import HistoryUnknown, InvalidInput, ItemGone, ItemTooLarge
from reconciler.item.metadata import is_managed, is_named
from reconciler.values.size import COMPARED_ATTRIBUTES
from reconciler.values.wire import Image, Wires, number_text


@dataclass(frozen=True)
class ScalarVersion:
    """The attributes in which an item says which write it is.

    `version` is a number that each write raises; `region`, if it is not "", names the region of the
    last write, and `written_at` its time: a number, or a text that sorts.
    """

    version: str
    region: str = ""
    written_at: str = ""

    @classmethod
    def of(cls, names: Sequence[str]) -> "ScalarVersion | None":
        """Return those of a list: version, region and time of writing, in this order; or None."""
        if len(names) > 3:
            raise InvalidInput("a version has three attributes at most: it, its region, its time")
        return cls(*names) if names else None

    def number(self, image: Wires) -> Decimal | None:
        """Return an image's version, None if it shows no number."""
        try:
            return Decimal(image[self.version]["N"])
        except (KeyError, TypeError, InvalidOperation):
            return None

    def when(self, image: Wires) -> tuple[tuple[int, Decimal, str], ...]:
        """Return when an image says that it was written, and where: later ones compare greater."""
        return tuple(_sortable(image.get(name)) for name in (self.written_at, self.region) if name)


def classify_scalar(
    old: Wires | None, new: Wires | None, by: ScalarVersion, region: str
) -> Verdict:
    """Return what the change of a plain item means to a region, by the version that it shows.

    Of an image with metadata, or without a version, that tells nothing.
    """
    if old is None or new is None or any(is_managed(each) or is_named(each) for each in (old, new)):
        return CLEAN
    was, now = by.number(old), by.number(new)
    if was is None or now is None or now > was:
        return CLEAN
    # HAZARD if images of one version, region and time passed for one write: two merges of one item
    # have those of what they kept, and one of them is gone.
    if now == was and old == new:
        return CLEAN
    ordering = Ordering.CONCURRENT if now == was else Ordering.AFTER
    is_ours = by.region not in old or old[by.region] == {"S": region}
    return Verdict(Finding.SCALAR, ordering, role="home" if is_ours else "witness")


class ScalarLoss(NamedTuple):
    """An image of an item without metadata, and the one that took its place."""

    lost: Image
    winner: Image
    by: ScalarVersion

    @classmethod
    def of(cls, event: ConflictEvent, lost: Image, winner: Image | None) -> "ScalarLoss":
        """Return the loss that an event tells of, of which these are the images."""
        return cls(lost, winner or {}, ScalarVersion(*event.version_attributes or ()))


def merged_scalar(current: Image | None, losses: Iterable[ScalarLoss]) -> Image | None:
    """Return the item with what was lost of it, None if it has all.

    What somebody wrote since stands. The merge shows a version above all, so a writer who holds
    one of them finds his check failed. ItemGone if there is no item; HistoryUnknown if it has
    metadata by now, of which a version says nothing. ItemTooLarge above 100 attributes.
    HAZARD if such an item were put: its version may be one of those that no condition compares.
    """
    if current is None:
        raise ItemGone("the item is gone from the table")
    if len(current) > COMPARED_ATTRIBUTES:
        raise ItemTooLarge(
            f"the item has {len(current)} attributes, and a condition compares"
            f" {COMPARED_ATTRIBUTES}: compare both images, and merge them by hand"
        )
    if is_managed(current) or is_named(current):
        raise HistoryUnknown("the item has metadata by now, and the loss has none")
    item = current
    for loss in losses:
        item = _with(item, loss) or item
    return None if item is current else item


def _with(current: Image, loss: ScalarLoss) -> Image | None:
    lost, winner, by = loss
    later = lost if by.when(lost) > by.when(winner) else winner
    joined = {**lost, **winner, **later}
    since = {name for name in {*joined, *current} if current.get(name) != winner.get(name)}
    if since & {by.region, by.written_at}:
        since |= {by.region, by.written_at}  # they tell of one write together
    result = {
        name: current[name] if name in since else joined[name]
        for name in sorted({*joined, *current})
        if name != by.version and (name in current or name not in winner)
    }
    if result == {name: value for name, value in current.items() if name != by.version}:
        return None
    highest = max(by.number(each) or Decimal(0) for each in (current, lost, winner))
    raised = _EXACT.add(highest, 1)
    if raised <= highest:
        raise InvalidInput("the item's version is so great that none is above it")
    return {**result, by.version: {"N": number_text(raised)}}


def _sortable(value: Any) -> tuple[int, Decimal, str]:
    if isinstance(value, dict) and "N" in value:
        return 1, Decimal(value["N"]), ""
    return (2, Decimal(0), value["S"]) if isinstance(value, dict) and "S" in value else _NOTHING


_NOTHING = (0, Decimal(0), "")
_EXACT = Context(prec=40)  # DynamoDB's numbers have 38 digits
