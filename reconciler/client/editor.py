"""What a writer holds while editing an item: reads as a dict, remembers every change as an edit.

Behaviour: changes are recorded as intentions ("add 5", "add this tag"), so they can be replayed on
a newer image without undoing what others did. Reading back shows the edits made so far. A path of
several names reaches into maps: `item["address", "city"] = "Paris"`.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from reconciler.crdt.base import Edit, Spec
from reconciler.crdt.counter_pn import CounterPn, exact_sum
from reconciler.crdt.map_or import MapOr
from reconciler.crdt.set_aw import SetAw
from reconciler.crdt.set_rw import SetRw
from reconciler.item import edits
from reconciler.item.edits import Where, path_of
from reconciler.item.schema import Schema
from reconciler.values.wire import Path


class ItemEditor:
    """The current item, if any, and the edits made to it. `exists` says whether readers see it."""

    def __init__(self, schema: Schema, plain: Mapping[str, Any] | None) -> None:
        self._schema = schema
        self._plain: dict[str, Any] = dict(plain or {})
        self.exists = plain is not None
        self.edits: list[Edit] = []

    def __getitem__(self, where: Where) -> Any:
        value: Any = self._plain
        for name in path_of(where):
            value = value[name]
        return value

    def get(self, where: Where, default: Any = None) -> Any:
        """Return the value at `where`, or `default` if there is none."""
        try:
            return self[where]
        except (KeyError, TypeError):
            return default

    def __contains__(self, where: Where) -> bool:
        return self.get(where, self) is not self

    def __setitem__(self, where: Where, value: Any) -> None:
        # What a writer of a counter, a set or a map means is the difference to what it saw: on a
        # newer image the whole value would undo what others wrote in the meantime.
        path, whole = path_of(where), edits.assign(where, value)
        kind, before = self._spec(path).type, self.get(where)
        if kind is CounterPn and _is_number(value):
            seen = Decimal(before if _is_number(before) else 0)
            self.increment(where, _sum(value, seen.copy_negate()))
        elif kind in (SetAw, SetRw) and isinstance(before, set) and isinstance(value, set):
            self.add(where, *(value - before))
            self.discard(where, *(before - value))
        elif kind is MapOr and isinstance(before, dict) and isinstance(value, dict):
            for name in before.keys() - value.keys():
                del self[(*path, name)]
            for name in (name for name in value if self.get((*path, name), self) != value[name]):
                self[(*path, name)] = value[name]
        else:
            self._record(whole)
            self._show(path, value)

    def __delitem__(self, where: Where) -> None:
        self._record(edits.remove(where))
        self._show(path_of(where), None, gone=True)

    def increment(self, where: Where, amount: int | Decimal = 1) -> None:
        """Add to a counter; a negative amount subtracts."""
        self._record(edits.increment(where, amount))
        before = self.get(where)
        self._show(path_of(where), _sum(before if _is_number(before) else 0, amount))

    def add(self, where: Where, *elements: Any) -> None:
        """Add elements to a set."""
        if elements:
            self._record(edits.add(where, *elements))
            self._show(path_of(where), self._members(where) | set(elements))

    def discard(self, where: Where, *elements: Any) -> None:
        """Discard elements from a set."""
        if elements:
            self._record(edits.discard(where, *elements))
            rest = self._members(where) - set(elements)
            self._show(path_of(where), rest, gone=not rest)

    def delete(self) -> None:
        """Delete the item; deleting an item that is not there changes nothing."""
        if self.exists:
            self.edits.append(edits.delete())
        self._plain = {}
        self.exists = False

    def _record(self, edit: Edit) -> None:
        self.edits.append(edit)
        self.exists = True

    def _members(self, where: Where) -> set[Any]:
        held = self.get(where)
        return set(held) if isinstance(held, set) else set()  # if it is no set, the write says so

    def _spec(self, path: Path) -> Spec:
        spec = self._schema.spec(path[0])
        for name in path[1:]:
            spec = spec.fields.get(name) or spec.values or self._schema.spec("")
        return spec

    def _show(self, path: Path, value: Any, *, gone: bool = False) -> None:
        level = self._plain
        for name in path[:-1]:
            nested = level.get(name)
            level[name] = dict(nested) if isinstance(nested, Mapping) else {}
            level = level[name]
        if gone:
            level.pop(path[-1], None)
        else:
            level[path[-1]] = value


def _sum(*numbers: int | Decimal) -> int | Decimal:
    total = exact_sum(map(Decimal, numbers))  # plain Decimal arithmetic keeps 28 digits
    return int(total) if total == total.to_integral_value() else total


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)
