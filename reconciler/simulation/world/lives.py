"""The lives of items that operators delete for good: what belongs to which, and what nobody knows.

What was written before a delete has ended with it, unresolved losses included. A life is contested
where last-writer-wins lets the old item go on, or where the old item and the new one meet as two
that were created at once: then its values are not judged. A delete that no region is left to know
of, because its own was lost before it left, has ended nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from reconciler.simulation.plan.faults import HOUR, MINUTE
from reconciler.simulation.world.causes import Origin

# Two regions may create one item at once while they are cut off from each other for so long.
_TOLD_APART_MS = 24 * HOUR + 5 * MINUTE


@dataclass
class Delete:
    """One delete of an item: when, what has ended with it, and when the next life began.

    `heard` are the regions whose replicas took it in.
    """

    at_ms: int
    ended: int
    heard: set[str] = field(default_factory=set)
    next_life_ms: int | None = None
    is_contested: bool = False


class Lives:
    """The deletes of every item."""

    def __init__(self) -> None:
        self._deletes: dict[str, list[Delete]] = {}

    def of(self, key: str) -> list[Delete]:
        """Return the deletes of an item."""
        return self._deletes.get(key, [])

    def known_to(self, regions: Iterable[str], key: str) -> list[Delete]:
        """Return the deletes of an item that one of these regions knows of."""
        return [delete for delete in self.of(key) if not delete.heard.isdisjoint(regions)]

    def end(self, key: str, region: str, at_ms: int, ended: int) -> None:
        """Note that an operator of a region deleted an item."""
        self._deletes.setdefault(key, []).append(Delete(at_ms, ended, {region}))

    def note_remade(self, region: str, source: str) -> None:
        """Note that a region's replica knows what another one does, and no more."""
        for delete in (delete for deletes in self._deletes.values() for delete in deletes):
            (delete.heard.add if source in delete.heard else delete.heard.discard)(region)

    def note_write(self, key: str, replaced: Origin, new: Origin) -> None:
        """Note a write of a region over what it held."""
        for delete in self.of(key):
            if replaced.rests_on & delete.ended:
                delete.is_contested = True  # by somebody who has not heard of the delete
            elif new.rests_on & delete.ended and new.label.startswith("operation"):
                delete.is_contested = True  # by a block that was opened before
            elif delete.next_life_ms is None:
                delete.next_life_ms = new.at_ms

    def note_arrival(self, key: str, region: str, held: Origin, new: Origin, *, gone: bool) -> None:
        """Note what replication brought over what a region held; `gone`: a delete."""
        for delete in self.of(key):
            was_old, is_old = held.rests_on & delete.ended, new.rests_on & delete.ended
            if was_old and not is_old:
                delete.heard.add(region)
            if gone:
                delete.is_contested |= bool(held.rests_on and not was_old)
            elif is_old and not was_old:
                delete.is_contested |= new.at_ms <= delete.at_ms
            elif was_old and not is_old:
                began = delete.next_life_ms
                apart = began is not None and began - delete.at_ms > _TOLD_APART_MS
                delete.is_contested |= not apart
