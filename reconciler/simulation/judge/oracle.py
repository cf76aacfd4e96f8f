"""What each attribute of an item must be, from the history alone.

This is a second implementation, about ten lines a type. It knows what every write did and which
writes it had seen, never looks at an image, and shares no code with `reconciler.crdt` but `Edit`.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from reconciler.causality.hlc import HLC_WIDTH, tick
from reconciler.crdt.base import Edit
from reconciler.item.schema import Schema
from reconciler.simulation.judge.oracle_types import GONE, SHOWN, WORTHS, Part, Parts, live
from reconciler.simulation.plan.clash import CLASHING
from reconciler.simulation.plan.plan import DECIDE
from reconciler.simulation.world.history import Done
from reconciler.values.wire import Path, Wire, canonical_bytes, from_wire

ITEM: Path = ()  # where parts about the item itself are: "alive" and "delete"
ALL = -1


class History:
    """The writes of one item, replayed in an order that respects what each of them saw."""

    def __init__(self, schema: Schema, writes: Iterable[Done]) -> None:
        self._schema = schema
        self._leaves: dict[Path, list[Part]] = {}
        self._types: dict[Path, str] = {}
        self._bits: dict[int, int] = {}
        self._spent = 0
        self._stamps: dict[int, Any] = {}
        # Who saw a write saw all that it saw, so fewer seen writes means earlier.
        in_order = sorted(writes, key=lambda done: (len(done.seen), done.operation.number))
        self._clashing = CLASHING not in schema.attributes
        self._ranks = _ranks(in_order)
        for done in in_order:
            known = 0
            for number in done.seen:
                known |= self._bits.get(number, 0)
            first = self._spent
            for edit in done.operation.edits:
                known = self._edit(done, edit, known)
            self._bits[done.operation.number] = (1 << self._spent) - (1 << first)

    def value(self) -> dict[str, Any] | None:
        """Return what readers must see, the key left out; None if they must see no item."""
        if not self._exists(ALL):
            return None
        shown = {name: self.shown((name,)) for name in self._names(ITEM, ALL)}
        return {name: value for name, value in shown.items() if value is not GONE}

    def shown(self, path: Path, known: int = ALL) -> Any:
        """Return what readers who know these parts see at a path, or GONE."""
        kind = self.type_of(path)
        if kind == "map_or":
            names = self._names(path, known)
            shown = {name: self.shown((*path, name), known) for name in names}
            return {name: value for name, value in shown.items() if value is not GONE} or GONE
        parts = self.parts(path, known)
        if kind == "register_lww":
            return self._last(parts, nested=len(path) > 1)
        return SHOWN[kind](parts)

    def parts(self, path: Path, known: int = ALL) -> Parts:
        """Return what was done to a leaf, as far as it is known."""
        found = self._leaves.get(path, [])
        return found if known == ALL else [part for part in found if part.bit & known]

    def type_of(self, path: Path) -> str:
        """Return the declared type of what is at a path."""
        if path not in self._types:
            clashes = self._clashing and path == (CLASHING,)
            self._types[path] = "clashing" if clashes else self._schema.type_at(path)
        return self._types[path]

    def _edit(self, done: Done, edit: Edit, known: int) -> int:
        """Take in one edit; return what its write knows then."""

        def note(path: Path, verb: str, wire: Wire | None = None) -> None:
            nonlocal known
            kind, before = self.type_of(path) if path else "", self.parts(path, known)
            worth = WORTHS[kind](before, verb, wire) if kind in WORTHS else None
            part = Part(done, 1 << self._spent, known, verb, wire, worth)
            self._leaves.setdefault(path, []).append(part)
            self._spent += 1
            known |= part.bit

        if edit.verb == "delete":
            if self._exists(known) or not done.operation.once:  # else it just spends its key
                note(ITEM, "delete")
            return known
        if not self._exists(known):
            for path in [path for path in self._leaves if path and self.parts(path, known)]:
                note(path, "remove")
        note(ITEM, "alive")
        for path, verb, wire in self._primitives(edit.path, edit.verb, edit.value, known):
            note(path, verb, wire)
        return known

    def _primitives(
        self, path: Path, verb: str, wire: Wire | None, known: int
    ) -> Iterable[tuple[Path, str, Wire | None]]:
        kind = self.type_of(path)
        if verb == DECIDE:
            yield from self._decision(path, wire, known)
        elif kind == "map_or" and verb == "remove":
            under = [leaf for leaf in self._leaves if leaf[: len(path)] == path]
            yield from [(leaf, "remove", None) for leaf in under if self.parts(leaf, known)]
        elif kind == "map_or" and wire is not None:
            for name in sorted(self._names(path, known) - wire["M"].keys()):
                yield from self._primitives((*path, name), "remove", None, known)
            for name, nested in wire["M"].items():
                if self.shown((*path, name), known) != from_wire(nested):
                    yield from self._primitives((*path, name), "assign", nested, known)
        elif kind in ("set_aw", "set_rw") and verb == "assign" and wire is not None:
            ((of, _),) = wire.items()
            after, before = from_wire(wire), self.shown(path, known)
            before = set() if before is GONE else before
            yield path, "add", {of: sorted(after - before)}
            yield path, "discard", {of: sorted(before - after)}
        else:
            yield path, verb, wire

    def _decision(
        self, path: Path, wire: Wire | None, known: int
    ) -> Iterable[tuple[Path, str, Wire | None]]:
        """Yield what a person's decision writes: nothing of what stands undisputed."""
        kind, stands = self.type_of(path), self.shown(path, known)
        wanted = GONE if wire is None else from_wire(wire)
        if wire is not None and stands == ([wanted] if kind == "register_mv" else wanted):
            return
        if stands is wanted:
            return
        if wire is None or kind in ("register_max", "register_min"):
            yield from self._primitives(path, "remove", None, known)
        if wire is not None:
            yield from self._primitives(path, "assign", wire, known)

    def _names(self, path: Path, known: int) -> set[str]:
        depth = len(path)
        return {
            leaf[depth]
            for leaf in self._leaves
            if leaf[:depth] == path and len(leaf) > depth and self.parts(leaf, known)
        }

    def _exists(self, known: int) -> bool:
        left = live(self.parts(ITEM, known), "alive", "delete")
        wins = self._schema.delete == "delete_wins" and any(p.verb == "delete" for p in left)
        return any(part.verb == "alive" for part in left) and not wins

    def _last(self, parts: Parts, *, nested: bool) -> Any:
        def rank(part: Part) -> Any:
            _, region = self._ranks[part.done.operation.number]
            return (self._stamp(part, parts), region, canonical_bytes(part.wire))

        # Inside a map a removed key is no value, only the end of the values it saw.
        left = live(parts, "assign") if nested else live(parts, "assign", "remove")
        # Of one write's parts only the last is live, so the ranks of two writes decide.
        return max(left, key=rank).value if left else GONE

    def _stamp(self, part: Part, parts: Parts) -> Any:
        """Return what an assignment ranks by: its stamp, but above what it took the place of."""
        stamp = self._ranks[part.done.operation.number][0]
        if not by_name(part.done):
            return stamp
        if part.bit not in self._stamps:
            # Its own parts are one write: what it cleared first is no place that it took.
            before = [e for e in parts if e.bit & part.seen and e.done is not part.done]
            highest = max((self._stamp(each, parts) for each in before), default=None)
            is_above = highest is None or stamp > highest
            self._stamps[part.bit] = stamp if is_above else _next(highest)
        return self._stamps[part.bit]


def by_name(done: Done) -> bool:
    """Return whether a write was a named one: what it took the place of it did not read."""
    return done.operation.named or "~." in done.dot


def _next(stamp: Any) -> Any:
    return tick(0, stamp) if isinstance(stamp, str) else (stamp[0], stamp[1] + 1)


def _ranks(writes: Sequence[Done]) -> dict[int, tuple[Any, str]]:
    if all(done.dot for done in writes):
        return {
            done.operation.number: (done.dot[-HLC_WIDTH:], done.dot.split(".")[0])
            for done in writes
        }
    stamps: dict[int, tuple[int, int]] = {}
    for done in writes:
        wall, logical = max((stamps[n] for n in done.seen if n in stamps), default=(-1, 0))
        ahead = done.wall_ms > wall
        stamps[done.operation.number] = (done.wall_ms, 0) if ahead else (wall, logical + 1)
    return {d.operation.number: (stamps[d.operation.number], d.operation.region) for d in writes}
