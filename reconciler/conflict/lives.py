"""Which life of a key an image belongs to: an item deleted for good and created anew is another.

Nothing of an earlier life may come back in a later one. A new item knows nothing of the old one, so
their contexts do not meet; but neither do those of two regions that create one item at once, which
is one life. What tells them apart is when the new one began, and what the ledger knows of hard
deletes; what it does not know yet, nobody may guess.
Source: DynamoDB guide, "Using time to live (TTL)".
Limits: once the new item is folded, its watermark looks as if it knew the old one. A delete and the
new item that replication brings as one change look like two items created at once, for a day.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import NamedTuple

from reconciler.causality.context import ADOPTED, CausalContext, Lineage
from reconciler.causality.hlc import MAXIMUM_CLOCK_DRIFT_MS
from reconciler.item.metadata import Metadata, context_of, expiry_in, is_tombstone_in, reading
from reconciler.values.wire import Wires

_DAY_MS = 86_400_000
_SHORTEST_RETENTION_MS = _DAY_MS  # of a tombstone; which schema it had, nobody can tell later
_LONGEST_OUTAGE_MS = _DAY_MS  # of replication between two regions: as long as a stream keeps a loss
_LONGEST_DELAY_MS = 7 * _DAY_MS  # AWS: time-to-live deletes "within a few days"
_LONGEST_EXPIRED_S = 5 * 366 * 86_400  # AWS: what expired more than five years ago is left alone
_NOTHING = CausalContext()


def is_outlived(tombstone: Wires, item: Wires) -> bool:
    """Return whether the first image is a tombstone that had expired when the item was begun.

    Time-to-live took it where the item was created, and replication brought both changes as one.
    Such a tombstone is nothing lost: a merge would bring the values that it keeps back.
    """
    expiry = reading(tombstone, _tombstone_expiry)
    if expiry is None:
        return False
    later = context_of(item)
    begun = later.begun_ms()
    if begun is None or begun + MAXIMUM_CLOCK_DRIFT_MS < expiry * 1_000:
        return False
    return not later.meets(context_of(tombstone))


def is_deleted(image: Wires) -> bool:
    """Return whether an image is a tombstone."""
    return reading(image, is_tombstone_in)


def may_have_expired(tombstone: Wires, at_ms: int | None) -> bool:
    """Return whether time-to-live may have taken a tombstone by then; None: nobody knows when.

    It never does so early, and where the delete comes by replication, that is later still.
    """
    expiry = reading(tombstone, expiry_in)
    return expiry is None or at_ms is None or at_ms + MAXIMUM_CLOCK_DRIFT_MS >= expiry * 1_000


def may_be_expiry(removed: Wires, at_ms: int, *, by_ttl: bool) -> bool:
    """Return whether time-to-live may have taken a revived item; `at_ms`: when, `by_ttl`: did.

    Time-to-live runs in one region while another revives the tombstone, and its delete replicates
    like any other write: an acknowledged revival can be what it took away. There nothing tells the
    delete from an operator's, but that it comes soon after the expiry and meets a revival that
    replication still carries. An item keeps the expiry of its last deletion.
    """
    expiry = reading(removed, expiry_in)
    if expiry is None or by_ttl:
        return by_ttl and expiry is not None
    latest = context_of(removed).latest()
    written_ms = at_ms if latest is None else latest.wall_ms
    late_ms = at_ms + MAXIMUM_CLOCK_DRIFT_MS - expiry * 1_000
    return 0 <= late_ms <= _LONGEST_DELAY_MS and at_ms - written_ms <= _LONGEST_OUTAGE_MS


def may_be_own_expiry(removed: Wires, attribute: str, at_ms: int) -> bool:
    """Return whether the table's own time-to-live, by this attribute, may have taken an item.

    It says so only in the region that ran it; elsewhere the item itself must tell.
    """
    value = removed.get(attribute, {}).get("N") if attribute else None
    if value is None:
        return False
    late_s = at_ms // 1_000 - Decimal(value)
    return 0 <= late_s <= _LONGEST_EXPIRED_S


def has_fresh_write(removed: Wires, at_ms: int) -> bool:
    """Return whether a library write is in an image that whoever removed it may not have seen.

    Replication and a client's own delay take seconds; a minute is what clocks may be apart.
    """
    stamps = (hlc for lineage, hlc in context_of(removed).heads.items() if _is_named(lineage))
    latest = max(stamps, default=None)
    return latest is not None and latest.wall_ms + MAXIMUM_CLOCK_DRIFT_MS >= at_ms


def _is_named(lineage: Lineage) -> bool:
    return lineage.replica != ADOPTED


class Removal(NamedTuple):
    """What a hard delete that stands took, and when, by the stream of a region."""

    taken: CausalContext
    at_ms: int


class Overwrite(NamedTuple):
    """What took the place of an image, by a ledger's row; `by` None if no context tells."""

    lost: CausalContext
    by: CausalContext | None


def is_recreated(
    current: Wires,
    lost: Wires,
    removed: Callable[[], Iterable[Removal]],
    lost_at_ms: int | None = None,
) -> bool:
    """Return whether a loss and the current item are of two lives.

    `removed` is asked for hard deletes, if the two do not know each other. `lost_at_ms` is when the
    loss was made, by the same stream: the current item may know nothing of what was deleted since.
    """
    now, then = context_of(current), context_of(lost)
    if _meet(now, then):
        return False
    for taken, at_ms in removed():
        is_new = not _meet(now, taken)
        if is_new == _meet(then, taken) or (is_new and (lost_at_ms or at_ms + 1) <= at_ms):
            return True
    return not now.meets(then) and (_is_long_after(now, then) or _is_long_after(then, now))


def is_accounted_for(
    current: Wires, loss: Overwrite, overwrites: Callable[[], Iterable[Overwrite]]
) -> bool:
    """Return whether rows tell, step by step, how the current item took the place of what was lost.

    An image that knows another one came of it. Where none does, some change took the other away,
    and its row is there as soon as the detector has read that far.
    HAZARD if nobody asked: the change that has no row yet may be a hard delete.
    """
    now = context_of(current)
    if _meet(now, loss.lost):
        return True
    reached = [loss]
    left: Iterable[Overwrite] | None = None
    while reached:
        if any(each.by is None or _meet(now, each.by) for each in reached):
            return True
        known = [each.by for each in reached if each.by is not None]
        reached = []
        beyond: list[Overwrite] = []
        for each in overwrites() if left is None else left:
            (reached if any(_meet(each.lost, by) for by in known) else beyond).append(each)
        left = beyond
    return False


def _meet(one: CausalContext, other: CausalContext) -> bool:
    """Return whether what two images know tells that they are of one life.

    Writes around the library have names of what they are, so an old copy that is put anew shares
    them with what was deleted: they tell only of an image that knows nothing else.
    HAZARD if they always told: a loss of the deleted item counts beside the copy of it.
    """
    mine, theirs = one.of_one_life(), other.of_one_life()
    return one.meets(other) if _NOTHING in (mine, theirs) else mine.meets(theirs)


def _is_long_after(later: CausalContext, earlier: CausalContext) -> bool:
    begun, latest = later.begun_ms(), earlier.latest()
    return (
        begun is not None
        and latest is not None
        and latest.wall_ms > 0  # what is adopted tells no time
        and begun > latest.wall_ms + _SHORTEST_RETENTION_MS + MAXIMUM_CLOCK_DRIFT_MS
    )


def _tombstone_expiry(metadata: Metadata) -> int | None:
    return expiry_in(metadata) if is_tombstone_in(metadata) else None
