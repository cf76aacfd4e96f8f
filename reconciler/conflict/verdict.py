"""What became of an image that another took the place of: a verdict, with what was lost.

Lost is what the earlier context includes and the later one does not, both filed.
"""

from dataclasses import dataclass
from enum import Enum

from reconciler.causality.context import ADOPTED, KEYED, Dot, Ordering, named_by
from reconciler.item.filing import lost_dots
from reconciler.item.replicated import ReplicatedItem


class Finding(Enum):
    """What a record shows."""

    CLEAN = "clean"
    CONFLICT = "conflict"  # whole-item last-writer-wins took writes away
    UNMANAGED = "unmanaged"  # attributes changed, metadata did not: written around the library
    REVIVED = "revived"  # so was a deleted item, which time-to-live would take away
    OVERWRITTEN = "overwritten"  # a put without metadata took the place of a managed item
    CLOSED = "closed"  # around the library, on a version of the item that is folded since
    REMOVED = "removed"  # a hard delete, of a tombstone before its time, too
    SCALAR = "scalar"  # of an item without metadata, a version of its own did not rise


@dataclass(frozen=True)
class Verdict:
    """The finding, how the old context stands to the new one, and what was lost.

    `role` is "home" if a lost dot is this replica's own, else "witness". `clock_ahead` says that a
    stamp beyond the given limit takes part.
    """

    finding: Finding
    ordering: Ordering = Ordering.BEFORE
    lost_dots: tuple[Dot, ...] = ()
    lost_watermarks: tuple[tuple[str, str], ...] = ()
    role: str = "home"
    clock_ahead: bool = False


CLEAN = Verdict(Finding.CLEAN)


def loss_between(
    finding: Finding,
    before: ReplicatedItem,
    after: ReplicatedItem,
    replica: str,
    latest_plausible: str,
) -> Verdict:
    """Return the verdict on a change from `before` to `after`: CLEAN if nothing is lost."""
    lost, (had, has) = lost_dots(before, after), (before.context, after.context)
    watermarks = had.lost_watermarks(has)
    if not lost and not watermarks:
        return CLEAN  # a watermark of the new image covers what the heads did not show
    # Where a write around the library was made, nobody can tell, so nobody waits for that region.
    ours = (replica, named_by(replica))
    made = {dot.lineage.replica for dot in lost}
    made = made - {KEYED} or made  # as a rule the dot of a keyed write's own is lost beside it
    own = any(each in watermarks for each in ours) or not made.isdisjoint((*ours, ADOPTED, KEYED))
    latest = max(had.latest() or "", has.latest() or "")
    return Verdict(
        finding,
        had.compare(has),
        lost,
        tuple(watermarks.items()),
        "home" if own else "witness",
        latest > latest_plausible,
    )
