"""What a writer holds while editing an item: a dict that remembers every change as an edit.

Changes are recorded as intentions ("add 5", "add this tag"), so they mean the same on a newer
image, and take away only what their writer saw. Assigning a set, a map or a counter records its
difference to what the block read, where absent counts as empty (W8). Reading back shows the edits
made so far, and what it hands out records changes, too.
HAZARD if an assignment were the whole value: on a newer image it would undo what others wrote.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from decimal import Decimal
from typing import Any

from reconciler.client.shown import SETS, Shown
from reconciler.client.tracked import detached, hold_again, plain
from reconciler.crdt.base import Edit, Spec
from reconciler.crdt.counter_pn import CounterPn, exact_sum
from reconciler.crdt.map_or import MapOr
from reconciler.crdt.register_lww import RegisterLww
from reconciler.crdt.register_mv import RegisterMv
from reconciler.crdt.set_aw import SetAw
from reconciler.errors import InvalidInput
from reconciler.item import edits
from reconciler.item.edits import Where, path_of
from reconciler.item.schema import Schema
from reconciler.values.wire import Path, canonical, label, to_wire

_BLIND = {  # what means the same whatever else was written
    (CounterPn, "increment"),
    (SetAw, "add"),
    (RegisterLww, "assign"),
}


class ItemEditor(MutableMapping[Where, Any]):
    """The current item, if any, and the edits made to it. `exists` says whether readers see it."""

    def __init__(
        self, schema: Schema, seen: Mapping[str, Any] | None, key: Mapping[str, Any] | None = None
    ) -> None:
        self._schema = schema
        self.exists = seen is not None
        self.edits: list[Edit] = []
        self._given: list[tuple[Edit, Any]] = []
        self._shown = Shown(self, self._spec)
        for name, value in {**(key or {}), **(seen or {})}.items():
            self._shown.put((name,), value)

    def __getitem__(self, where: Where) -> Any:
        return self._shown.at(path_of(where))

    def get(self, where: Where, default: Any = None) -> Any:
        """Return the value at `where`, or `default` if there is none."""
        try:
            return self[where]
        except (KeyError, TypeError):
            return default

    def __contains__(self, where: object) -> bool:
        return self.get(where, self) is not self  # type: ignore[arg-type]  # a bad path raises

    def __iter__(self) -> Iterator[Where]:
        return iter(list(self._shown.values))

    def __len__(self) -> int:
        return len(self._shown.values)

    def __setitem__(self, where: Where, value: Any) -> None:
        path = path_of(where)
        kind = self._spec(path).type
        if self._is_key(path, value):
            return
        # What a type cannot hold has no difference to anything: it is assigned over, whole.
        if kind is CounterPn and _is_number(value) and _is_number(self.get(path, 0)):
            seen = Decimal(self.get(path, 0))
            self.increment(path, _sum(value, seen.copy_negate()))
        elif (
            kind in SETS
            and isinstance(value, set | frozenset)
            and isinstance(self.get(path, set()), set | frozenset)
        ):
            seen_elements = self._members(path)
            self.add(path, *(value - seen_elements))
            self.discard(path, *(seen_elements - value))
        elif kind is MapOr and isinstance(value, Mapping):
            self._assign_fields(path, value)
        else:
            whole = edits.assign(path, value)
            self._record(whole)
            if isinstance(value, dict | list | set):
                self._given.append((whole, value))
            self._shown.put(path, value)

    def _assign_fields(self, path: Path, value: Mapping[str, Any]) -> None:
        canonical(to_wire(dict(value), path))  # all of it, before a part of it is recorded
        if not isinstance(self.get(path), dict):
            self._shown.put(path, {})  # to be filled, as in setdefault(name, {})[field] = ...
        known = self[path]
        for name in known.keys() - value.keys():
            del self[(*path, name)]
        for name, wanted in value.items():
            if name not in known or _differ(known[name], wanted, (*path, name)):
                self[(*path, name)] = wanted

    def __delitem__(self, where: Where) -> None:
        path = path_of(where)
        self._is_key(path, None)
        self._record(edits.remove(path))
        self._shown.take(path)

    def clear(self) -> None:
        """Remove every attribute but the key; `delete` deletes the item."""
        for name in self._shown.values.keys() - set(self._schema.key):
            del self[name]

    def increment(self, where: Where, amount: int | Decimal = 1) -> None:
        """Add to a counter; a negative amount subtracts."""
        path = path_of(where)
        self._record(edits.increment(path, amount))
        before = self.get(path)
        self._shown.put(path, _sum(before if _is_number(before) else 0, amount))

    def add(self, where: Where, *elements: Any) -> None:
        """Add elements to a set."""
        if elements:
            path = path_of(where)
            self._record(edits.add(path, *elements))
            self._shown.put(path, self._members(path) | set(elements))

    def discard(self, where: Where, *elements: Any) -> None:
        """Discard elements from a set."""
        if elements:
            path = path_of(where)
            self._record(edits.discard(path, *elements))
            rest = self._members(path) - set(elements)
            if rest:
                self._shown.put(path, rest)
            else:
                self._shown.take(path)

    def delete(self) -> None:
        """Delete the item; deleting an item that is not there changes nothing."""
        if self.exists:
            self.edits.append(edits.delete())
        self._shown.values.clear()
        self._given.clear()
        self.exists = False

    def finished(self) -> list[Edit]:
        """Return the edits; InvalidInput if a value was changed after it was assigned."""
        for given, value in self._given:
            path = given.path
            if edits.assign(path, value) != given:
                raise InvalidInput(
                    f"{label(path)}: the value was changed after it was assigned, and the change"
                    f" would be lost; change item[{path[0]!r}] itself, or assign it last"
                )
        return self.edits

    def is_blind(self) -> bool:
        """Return whether the edits mean the same on an image that their writer has not seen.

        Removals do not, nor does what a type lets give way to a concurrent write, nor an assignment
        to a register_max or register_min: it states again what its writer saw.
        """
        return all(
            edit.path and (self._spec(edit.path).type, edit.verb) in _BLIND for edit in self.edits
        )

    def rewrite(self, path: Path, root: Any) -> None:
        """Record the new value of a register, one of whose containers was changed in place."""
        if self.get(path) is not root:
            raise detached(path)
        if self._spec(path).type is RegisterMv:
            raise InvalidInput(
                f"{label(path)}: a register_mv shows every value that stands; assign the right one"
            )
        self._record(edits.assign(path, root))
        hold_again(root)

    def _record(self, edit: Edit) -> None:
        self.edits.append(edit)
        self.exists = True

    def _members(self, where: Where) -> set[Any]:
        found = self.get(where)
        return set(found) if isinstance(found, set) else set()  # if it is no set, the write says so

    def _spec(self, path: Path) -> Spec:
        spec = self._schema.spec(path[0])
        for name in path[1:]:
            spec = spec.fields.get(name) or spec.values or self._schema.spec("")
        return spec

    def _is_key(self, path: Path, value: Any) -> bool:
        """Return whether this names a part of the key, as it is; another value is refused."""
        if path[0] not in self._schema.key or path[0] not in self._shown.values:
            return False  # what the editor was not told, the write refuses
        if len(path) == 1 and value is not None and not _differ(self[path], value, path):
            return True
        raise InvalidInput(f"{path[0]} is part of the key; a key never changes: write another item")


def _differ(a: Any, b: Any, path: Path) -> bool:
    return canonical(to_wire(plain(a), path)) != canonical(to_wire(plain(b), path))


def _sum(*numbers: int | Decimal) -> int | Decimal:
    total = exact_sum(map(Decimal, numbers))  # plain Decimal arithmetic keeps 28 digits
    return int(total) if total == total.to_integral_value() else total


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)
