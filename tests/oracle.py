"""What an item must be, from the history alone: operations, and which ones each of them had seen.

A dumb second implementation. It never looks at an image and shares no code with `reconciler.crdt`:
the value of an attribute is computed from scratch from the operations on it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from reconciler.codec import canonical_bytes, from_wire
from reconciler.crdt.base import Edit
from reconciler.schema import AttributeSchema, Schema
from tests.builders import KEY
from tests.world import Write

Path = tuple[str, ...]
GONE = object()  # no attribute, which is not the value None
ITEM: Path = ()  # operations on the item itself: "alive" and "delete"


@dataclass(frozen=True, eq=False)
class Op:
    """One operation on one leaf: the write it is part of, its place in it, and what it saw."""

    write: Write
    place: int
    path: Path
    verb: str
    wire: Any
    stamp: tuple[int, int]

    @property
    def value(self) -> Any:
        return GONE if self.wire is None else from_wire(self.wire)

    def saw(self, other: "Op") -> bool:
        same = self.write.number == other.write.number
        return other.place < self.place if same else other.write.number in self.write.seen


Ops = Sequence[Op]


def live(ops: Ops, verbs: str = "assign") -> list[Op]:
    """Return the operations of these verbs that no operation on the same thing has seen."""
    return [o for o in ops if o.verb in verbs.split() and not any(p.saw(o) for p in ops)]


class Oracle:
    """Expands writes into operations, in the order they were acknowledged, and evaluates them."""

    def __init__(self, schema: Schema, writes: Iterable[Write]) -> None:
        self._schema = schema
        self._ops: list[Op] = []
        self._stamps: dict[int, tuple[int, int]] = {}
        self._cache: dict[Op, Any] = {}
        for write in writes:
            latest = max((self._stamps[number] for number in write.seen), default=(-1, 0))
            ahead = write.wall_ms > latest[0]
            self._stamps[write.number] = (write.wall_ms, 0) if ahead else (latest[0], latest[1] + 1)
            known = [op for op in self._ops if op.write.number in write.seen]
            start = len(known)
            for edit in write.edits:
                self._edit(write, edit, known)
            self._ops += known[start:]

    def value(self) -> dict[str, Any] | None:
        """Return what readers must see once every write has been merged, or None."""
        if not self._exists(self._ops):
            return None
        shown = {name: self._shown((name,), self._ops) for name in self._names((), self._ops)}
        return KEY | {name: value for name, value in shown.items() if value is not GONE}

    def _edit(self, write: Write, edit: Edit, known: list[Op]) -> None:
        def note(path: Path, verb: str, wire: Any = None) -> None:
            stamp = self._stamps[write.number]
            known.append(Op(write, len(known), path, verb, wire, stamp))

        if edit.verb == "delete":
            return note(ITEM, "delete")
        if not self._exists(known):
            for path in {op.path for op in known} - {ITEM}:
                note(path, "remove")
        note(ITEM, "alive")
        return self._primitive(edit.path, edit.verb, edit.value, known, note)

    def _primitive(
        self, path: Path, verb: str, wire: Any, known: Ops, note: Callable[..., None]
    ) -> None:
        kind = self._type(path)
        if kind == "map_or" and verb == "remove":
            for leaf in {op.path for op in known if op.path[: len(path)] == path and op.path}:
                note(leaf, "remove")
        elif kind == "map_or":
            for key in self._names(path, known) - wire["M"].keys():
                self._primitive((*path, key), "remove", None, known, note)
            for key, nested in wire["M"].items():
                if self._shown((*path, key), known) != from_wire(nested):
                    self._primitive((*path, key), "assign", nested, known, note)
        elif kind in ("set_aw", "set_rw") and verb == "assign":
            ((of, _),) = wire.items()
            after, before = from_wire(wire), self._shown(path, known)
            before = set() if before is GONE else before
            note(path, "add", {of: sorted(after - before)})
            note(path, "discard", {of: sorted(before - after)})
        else:
            note(path, verb, wire)

    def _type(self, path: Path) -> str:
        declared: AttributeSchema | None = self._schema.attributes.get(path[0])
        for name in path[1:]:
            declared = declared and (declared.fields.get(name) or declared.values)
        return declared.type if declared else "register_lww"

    def _names(self, path: Path, ops: Ops) -> set[str]:
        depth = len(path)
        return {op.path[depth] for op in ops if op.path[:depth] == path and len(op.path) > depth}

    def _shown(self, path: Path, ops: Ops) -> Any:
        kind = self._type(path)
        if kind == "map_or":
            shown = {key: self._shown((*path, key), ops) for key in self._names(path, ops)}
            return {key: value for key, value in shown.items() if value is not GONE} or GONE
        mine = [op for op in ops if op.path == path]
        return getattr(self, kind)(mine)

    def _exists(self, ops: Ops) -> bool:
        left = live([op for op in ops if op.path == ITEM], "alive delete")
        wins = self._schema.delete == "delete_wins" and any(op.verb == "delete" for op in left)
        return any(op.verb == "alive" for op in left) and not wins

    def register_lww(self, ops: Ops) -> Any:
        def rank(op: Op) -> Any:
            return (op.stamp, op.write.region, canonical_bytes(op.wire))

        nested = bool(ops) and len(ops[0].path) > 1  # where a removed key is no value
        left = live(ops, "assign" if nested else "assign remove")
        return max(left, key=rank).value if left else GONE

    def register_mv(self, ops: Ops) -> Any:
        values = {canonical_bytes(op.wire): op.value for op in live(ops)}
        return [values[data] for data in sorted(values)] or GONE

    def flag_ew(self, ops: Ops) -> Any:
        left = live(ops)
        return any(op.value for op in left) if left else GONE

    def register_max(self, ops: Ops) -> Any:
        return self._extreme(ops, max)

    def register_min(self, ops: Ops) -> Any:
        return self._extreme(ops, min)

    def _extreme(self, ops: Ops, best: Callable[..., Any]) -> Any:
        # An assignment asserts the greatest of its value and what its writer saw.
        for op in ops:
            if op not in self._cache:
                before = self._extreme([p for p in ops if op.saw(p)], best)
                held = [v for v in (op.value, before) if v is not GONE]
                self._cache[op] = best(held, key=_order, default=GONE)
        return best((self._cache[op] for op in live(ops)), key=_order, default=GONE)

    def counter_pn(self, ops: Ops) -> Any:
        removes = [op for op in ops if op.verb == "remove"]
        kept = [op for op in ops if op.verb != "remove" and not any(r.saw(op) for r in removes)]
        return self._total(ops) if kept else GONE

    def _total(self, ops: Ops) -> Any:
        for op in ops:
            if op not in self._cache:
                before = self._total([p for p in ops if op.saw(p)]) if op.verb != "increment" else 0
                self._cache[op] = (op.value if op.wire else 0) - before
        return sum(self._cache[op] for op in ops)

    def set_aw(self, ops: Ops) -> Any:
        def gone(op: Op, element: Any) -> bool:
            return op.verb == "remove" or (op.verb == "discard" and element in op.value)

        return {
            element
            for op in ops
            if op.verb == "add"
            for element in op.value
            if not any(later.saw(op) and gone(later, element) for later in ops)
        } or GONE

    def set_rw(self, ops: Ops) -> Any:
        members = set()
        for element in {e for op in ops if op.wire for e in op.value}:
            votes = [op for op in ops if op.wire is None or element in op.value]
            verbs = {op.verb for op in live(votes, "add discard")}
            if verbs == {"add"}:
                members.add(element)
        return members or GONE


def _order(value: Any) -> tuple[Any, ...]:
    return (0, value) if isinstance(value, int | Decimal) else (1, value)
