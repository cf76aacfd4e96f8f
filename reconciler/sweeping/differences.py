"""What differs between the replicas of an item, and what can be known of it. Pure.

Two looks, with a wait between that is longer than replication takes: what one replica had at the
first look, and another one still lacks at the second, replication does not bring any more. Only
what has names can be merged: which of two plain versions is right, an image does not tell.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.conflict.lives import is_deleted, may_have_expired
from reconciler.conflict.row import Row
from reconciler.item.metadata import NAMES, context_of, is_managed, token_of
from reconciler.resolution.past import removals
from reconciler.resolution.repair import includes
from reconciler.values.wire import Image

Look = Mapping[str, Image | None]  # an item as each region's replica has it, in canonical form


@dataclass(frozen=True)
class Unknowable:
    """Why nothing is repaired: a person must look."""

    why: str


@dataclass(frozen=True)
class Expired:
    """Why there is nothing to repair: it is being deleted."""

    why: str


def differs(look: Look) -> bool:
    """Return whether replicas show different items."""
    first, *others = look.values()
    return any(other != first for other in others)


def lasts(first: Look, second: Look) -> bool:
    """Return whether replicas differ by something that replication had time enough to bring."""
    return differs(second) and any(
        _still_lacks(first[region], second[region], first[other], second[other])
        for region in first
        for other in first
        if other != region
    )


def _still_lacks(
    had: Image | None, has: Image | None, other_had: Image | None, lacks: Image | None
) -> bool:
    if had is None or had == lacks:
        return False
    if lacks is None:
        return other_had is None and has is not None  # else a delete may be on its way
    if is_managed(had) and is_managed(lacks) and not _is_one(had, lacks):
        return not includes(lacks, had)
    return had == has and other_had == lacks


def losses(
    look: Look, rows: Callable[[], Sequence[Row]], now_ms: int
) -> Sequence[Image] | Unknowable | Expired:
    """Return the images that are to be merged into each replica that lacks anything of them.

    `rows` are the ledgers' rows of the item, of all regions: they tell what was deleted for good.
    """
    there = [image for image in look.values() if image is not None]
    managed = [image for image in there if is_managed(image)]
    if len(managed) < len(there):
        return Unknowable("without metadata nothing says which is right: write that once more")
    if any(_is_one(a, b) and a != b for a in managed for b in managed):
        return Unknowable("others than the library wrote on one image, in two regions at once")
    if any(not context_of(a).meets(context_of(b)) for a in managed for b in managed):
        return Unknowable("replicas have two items of this key that know nothing of each other")
    if len(there) == len(look):
        return managed
    if all(is_deleted(image) and may_have_expired(image, now_ms) for image in managed):
        return Expired("time-to-live is taking its tombstone away")
    if any(context_of(image).meets(each.taken) for image in managed for each in removals(rows())):
        return Unknowable("a ledger tells that it was deleted: delete it where it is left, or not")
    return managed


def _is_one(a: Image, b: Image) -> bool:
    """Return whether two managed images are one, but for what was done around the library."""
    return token_of(a) == token_of(b) and a.get(NAMES) == b.get(NAMES)
