"""One item that writers around the library wrote, too: who wrote what, from the history alone.

A write is named by its operation, and saw what its writer's image rested on. What was there before
the run began is a write that all others saw.
"""

from collections.abc import Iterator, Sequence

from reconciler.crdt.base import Edit
from reconciler.item.metadata import is_managed, is_tombstone_in, metadata_in
from reconciler.simulation.judge.leaf_writes import (
    BEFORE_ALL,
    LeafWrite,
    at,
    gives_type,
    members_of,
    value_of,
    values_of,
)
from reconciler.simulation.judge.oracle import by_name
from reconciler.simulation.judge.oracle_types import GONE
from reconciler.simulation.judge.saved_copies import (
    is_delete,
    is_of_a_deleted_copy,
    may_be_undone,
)
from reconciler.simulation.plan import faults
from reconciler.simulation.plan.plan import DECIDE, Plan
from reconciler.simulation.plan.raw import DELETE_ITEM, OWN_TTL, PUT, REPLACE, SAVE, UPDATE
from reconciler.simulation.world.history import Done
from reconciler.values.wire import Image, Path, from_wire

_DELETES = {DELETE_ITEM, OWN_TTL, REPLACE}
_PUTS = {PUT, REPLACE}
_BARE = {"nothing", "plain"}


class Around:
    """The writes of one item: by the library, and around it."""

    def __init__(
        self,
        plan: Plan,
        key: str,
        writes: Sequence[Done],
        *,
        has_ended: bool = False,
        gone: Sequence[Done] = (),
    ) -> None:
        self.key = key
        self.has_ended = (
            has_ended  # by time-to-live or by an operator, and some of its writes with it
        )
        self.kinds = {fault.kind for fault in plan.faults}
        self.gone = gone  # went with their region, or their item, unless something rests on them
        self.schema = plan.schema
        self.before: Image = dict(plan.before.get(key) or {})
        self.library = [done for done in writes if not done.operation.raw]
        self.raw = [done for done in writes if done.operation.raw]
        self.calls = {done.operation.raw for done in self.raw}
        self.calls_gone = {done.operation.raw for done in gone}
        self.over = {done.over for done in self.raw}

    def is_deleted_raw(self) -> bool:
        """Return whether somebody deleted it around the library."""
        return bool((self.calls | self.calls_gone) & _DELETES)

    def is_put(self) -> bool:
        """Return whether somebody left it without metadata: a put, or a write where none was."""
        return bool(self.calls & _PUTS or self.over & _BARE or self.is_put_stale())

    def is_put_stale(self) -> bool:
        """Return whether somebody saved a copy without metadata that others had written over.

        Nobody can tell that from a put which means to take back what they wrote.
        """
        return any(
            done.operation.raw == SAVE
            and done.operation.read_at_ms is not None
            and done.copy in _BARE
            for done in self.raw
        )

    def is_deleted(self) -> bool:
        """Return whether a library writer deleted it."""
        return any(edit.verb == "delete" for done in self.library for edit in done.operation.edits)

    def keeps_updates(self) -> bool:
        """Return whether every raw write must be kept until somebody writes the same attribute.

        So it is if all are updates of managed items. Of what was never adopted, and of two regions'
        raw writes on one image, nobody can know which came first.
        """
        return (
            self.calls <= {UPDATE}
            and not self.a_region_went()
            and self.over <= {"managed", "tombstone"}
            and (not self.before or is_managed(self.before))
            and not (self.began_deleted() and (self.library or faults.EXPIRY in self.kinds))
        )

    def a_region_went(self) -> bool:
        """Return whether a region was lost, and may be back with what others had."""
        return bool(self.kinds & {faults.DESTROYED, faults.REMADE})

    def is_of_one_region(self) -> bool:
        """Return whether all raw writes were made in one region."""
        return len({done.operation.region for done in self.raw}) <= 1

    def began_deleted(self) -> bool:
        """Return whether a deleted item was there before: who brings it back clears it."""
        return is_managed(self.before) and is_tombstone_in(metadata_in(self.before))

    def removes(self, path: Path, *also: str) -> bool:
        """Return whether a library writer removed what is at a path, or the map that it is in.

        `also`: or did something else to it.
        """
        return any(
            path[: len(edit.path)] == edit.path
            and (edit.verb in ("remove", "delete", *also) or len(edit.path) < len(path))
            for done in self.library
            for edit in done.operation.edits
        )

    def adds_after_removal(self, path: Path, adders: Sequence[int]) -> bool:
        """Return whether who added to a set, or took out all, had seen another take members out.

        Of what a raw write made, nobody says what library writes it rested on.
        """
        took = [
            done
            for done in self.library
            for edit in done.operation.edits
            if edit.path == path and edit.verb in ("discard", "assign", "remove")
        ]
        added = [done for done in self.library if done.operation.number in adders]
        return any(done.operation.number in each.seen for done in took for each in added + took)

    def writes_at(self, path: Path) -> list[LeafWrite]:
        """Return the writes of one leaf that holds one value, what was there before first.

        A delete is none: who writes at the same time keeps what there is. Who brings the item back
        removes what it held.
        """
        found = [LeafWrite(BEFORE_ALL, frozenset(), at(path, values_of(self.before)))]
        for done in (*self.library, *self.raw):
            for edit in done.operation.edits:
                if edit.path and path[: len(edit.path)] == edit.path:
                    value = value_of(edit, path)
                    number, raw = done.operation.number, done.operation.raw
                    found.append(LeafWrite(number, done.seen, value, raw))
        known = {each.number for each in found if each.number != BEFORE_ALL or self.began_deleted()}
        back = [each for each in self.library if self._brings_back(each)]
        return found + [
            LeafWrite(done.operation.number, done.seen, GONE)
            for done in back
            if done.operation.number not in known and known & {BEFORE_ALL, *done.seen}
        ]

    def edits_at(self, path: Path, *verbs: str) -> Iterator[tuple[Done, Edit]]:
        """Yield the raw edits of a leaf with these verbs."""
        for done in self.raw:
            for edit in done.operation.edits:
                if edit.path == path and edit.verb in verbs:
                    yield done, edit

    def are_of_one_image(self, one: int, other: int) -> bool:
        """Return whether two raw writes were made on one image, before and after each other.

        A library write may have seen one of them and met the other: which came first, nobody knows.
        Named writes leave the image what it is.
        """
        library = {done.operation.number for done in self.library if not by_name(done)}
        seen = {done.operation.number: done.seen & library for done in self.raw}
        return one in seen and other in seen and seen[one] == seen[other]

    def of_one_value(self, path: Path) -> Iterator[set[int]]:
        """Yield the raw writes of a leaf, and beside it in a map, that nobody gave a type yet.

        Whose writers found no library write that gives one: all of that is one value.
        """
        # Who brings a deleted item back finds nothing of a type.
        deletes = [done.seen for done in self.library if is_delete(done)]
        cleared = frozenset[int]().union(*deletes)
        for part in (path[: length + 1] for length in range(len(path))):
            typed = {
                done.operation.number
                for done in self.library
                if any(gives_type(edit, part) for edit in done.operation.edits)
            }
            typed -= cleared
            if not self.was_before(part) or deletes:
                yield {
                    done.operation.number
                    for done in self.raw
                    if typed.isdisjoint(done.seen)
                    and any(edit.path[: len(part)] == part for edit in done.operation.edits)
                }

    def was_before(self, path: Path) -> bool:
        """Return whether a leaf was there before the run began, if only in a deleted item."""
        shown = {name: from_wire(value) for name, value in self.before.items()}
        return at(path, shown) is not GONE

    def is_of_no_type(self, number: int, path: Path) -> bool:
        """Return whether a raw write of a leaf found nothing that gives it a type."""
        return any(number in each for each in self.of_one_value(path))

    def takers(self, path: Path, member: str) -> Sequence[Done]:
        """Return the library writes that take a member out of a set."""
        return [
            done
            for done in self.library
            for edit in done.operation.edits
            if (edit.path, edit.verb) == (path, "discard") and member in members_of(edit)
        ]

    def may_be_taken(self, number: int, path: Path) -> bool:
        """Return whether a library write took a raw write's part of a leaf, or met it.

        That is a removal, an assignment or a delete by somebody who saw it, or at the same time.
        Who brings a deleted item back removes all that it held.
        """
        seen = {done.operation.number: done.seen for done in self.raw}.get(number, frozenset())
        met = [done for done in self.library if done.operation.number not in seen]
        return any(map(self._brings_back, met)) or any(
            path[: len(edit.path)] == edit.path
            and edit.verb in ("assign", "remove", "delete", DECIDE)
            for done in met
            for edit in done.operation.edits
        )

    def _brings_back(self, done: Done) -> bool:
        """Return whether a write found the item deleted: nothing that it saw outlives that."""
        before = [
            each
            for each in (*self.library, *self.raw)
            if each.operation.number in done.seen and not is_of_a_deleted_copy(each)
        ]
        deletes = [each for each in before if is_delete(each) and not may_be_undone(each, self.raw)]
        seen = frozenset[int]().union(*(each.seen for each in deletes))
        kept = [
            each for each in before if each not in deletes and each.operation.number not in seen
        ]
        was_deleted = not kept and bool(deletes or self.began_deleted())
        if self.schema.delete == "delete_wins":  # whatever was written at once with it
            over = frozenset[int]().union(*(each.seen for each in kept))
            was_deleted |= any(each.operation.number not in over for each in deletes)
        return was_deleted and not is_delete(done)
