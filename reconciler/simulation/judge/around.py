"""One item that writers around the library wrote, too: who wrote what, from the history alone.

A write is named by its operation, and saw what its writer's image rested on. What was there before
the run began is a write that all others saw.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.crdt.base import Edit
from reconciler.item.metadata import (
    hidden_in,
    is_managed,
    is_named,
    is_tombstone_in,
    key_names_in,
    metadata_in,
)
from reconciler.simulation.judge.oracle import by_name
from reconciler.simulation.judge.oracle_types import GONE
from reconciler.simulation.judge.saved_copies import (
    is_delete,
    is_of_a_deleted_copy,
    may_be_undone,
)
from reconciler.simulation.plan.plan import DECIDE, Plan
from reconciler.simulation.plan.raw import DELETE_ITEM, OWN_TTL, PUT, REPLACE, SAVE, UPDATE
from reconciler.simulation.world.history import Done
from reconciler.values.wire import Image, Path, from_wire

_BEFORE = -1
_DELETES = {DELETE_ITEM, OWN_TTL, REPLACE}
_PUTS = {PUT, REPLACE}
_BARE = {"nothing", "plain"}


@dataclass(frozen=True)
class LeafWrite:
    """What one operation made of one leaf; `number` -1 is what was there before."""

    number: int
    seen: frozenset[int]
    value: Any
    call: str = ""

    def saw(self, other: "LeafWrite") -> bool:
        """Return whether this write was made by somebody who saw the other."""
        return other.number in self.seen or (other.number == _BEFORE != self.number)


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
            and self.over <= {"managed", "tombstone"}
            and (not self.before or is_managed(self.before))
            and not (self.library and self.began_deleted())
        )

    def is_of_one_region(self) -> bool:
        """Return whether all raw writes were made in one region."""
        return len({done.operation.region for done in self.raw}) <= 1

    def began_deleted(self) -> bool:
        """Return whether a deleted item was there before: who brings it back clears it."""
        return is_managed(self.before) and is_tombstone_in(metadata_in(self.before))

    def removes(self, path: Path) -> bool:
        """Return whether a library writer removed what is at a path, or the map that it is in."""
        return any(
            path[: len(edit.path)] == edit.path
            and (edit.verb in ("remove", "delete") or len(edit.path) < len(path))
            for done in self.library
            for edit in done.operation.edits
        )

    def adds_after_removal(self, path: Path, adders: Sequence[int]) -> bool:
        """Return whether library writers added to a set what they had seen another take out.

        Of what a raw write made, nobody says what library writes it rested on.
        """
        seen = [done.seen for done in self.library if done.operation.number in adders]
        return any(
            any(done.operation.number in each for each in seen)
            for done in self.library
            for edit in done.operation.edits
            if edit.path == path and edit.verb in ("discard", "assign", "remove")
        )

    def writes_at(self, path: Path) -> list[LeafWrite]:
        """Return the writes of one leaf that holds one value, what was there before first.

        A delete is none: who writes at the same time keeps what there is. Who brings the item back
        removes what it held.
        """
        held: Mapping[str, Any] = values_of(self.before) or {}
        for name in path[:-1]:
            held = held.get(name) or {}
        found = [LeafWrite(_BEFORE, frozenset(), held.get(path[-1], GONE))]
        for done in (*self.library, *self.raw):
            for edit in done.operation.edits:
                if edit.path and path[: len(edit.path)] == edit.path:
                    value = _value(edit, path)
                    number, raw = done.operation.number, done.operation.raw
                    found.append(LeafWrite(number, done.seen, value, raw))
        known = {each.number for each in found if each.number != _BEFORE or self.began_deleted()}
        back = [each for each in self.library if self._brings_back(each)]
        return found + [
            LeafWrite(done.operation.number, done.seen, GONE)
            for done in back
            if done.operation.number not in known and known & {_BEFORE, *done.seen}
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

    def untyped(self, path: Path, verb: str) -> set[int]:
        """Return the raw edits of a leaf whose writers found no library write that gives a type."""
        typed = {
            done.operation.number
            for done in self.library
            if any(edit.path[:1] == path[:1] for edit in done.operation.edits)
        }
        if path[0] in self.before:
            return set()
        found = (done for done, _ in self.edits_at(path, verb))
        return {done.operation.number for done in found if typed.isdisjoint(done.seen)}

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


def _value(edit: Edit, path: Path) -> Any:
    if edit.verb not in ("assign", DECIDE) or edit.value is None:
        return GONE
    value = from_wire(edit.value)
    for name in path[len(edit.path) :]:
        value = value.get(name, GONE) if isinstance(value, Mapping) else GONE
    return value


def values_of(image: Image | None) -> dict[str, Any] | None:
    """Return what readers see of an item, None for none: a tombstone shows nothing, but names."""
    if not image:
        return None
    hidden = hidden_in(image)
    shown = {name: from_wire(value) for name, value in image.items() if name not in hidden}
    if is_managed(image) and is_tombstone_in(metadata_in(image)) and not is_named(image):
        return shown if shown.keys() - set(key_names_in(metadata_in(image))) else None
    return shown
