"""What a writer holds while editing an item: reads as a dict, remembers every change as an edit.

Behaviour: changes are recorded as intentions ("add 5", "add this tag"), so they can be replayed on
a newer image without undoing what others did. Reading back shows the edits made so far. A path of
several names reaches into maps: `item["address", "city"] = "Paris"`.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from reconciler.codec import Path, Wire, canonical, to_wire
from reconciler.crdt.base import Edit, Spec
from reconciler.crdt.counter_pn import CounterPn
from reconciler.errors import InvalidInput
from reconciler.image import DELETE
from reconciler.schema import Schema

Where = str | Path


class ItemEditor:
    """The current item, if any, and the edits made to it. `exists` says whether readers see it."""

    def __init__(self, schema: Schema, plain: Mapping[str, Any] | None) -> None:
        self._schema = schema
        self._plain: dict[str, Any] = dict(plain or {})
        self.exists = plain is not None
        self.edits: list[Edit] = []

    def __getitem__(self, where: Where) -> Any:
        value: Any = self._plain
        for name in _path(where):
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
        path = _path(where)
        wire = canonical(to_wire(value, path))
        if self._spec(path).type is CounterPn and isinstance(value, int | Decimal):
            # What the writer means is the difference to what it saw, not the absolute number.
            self.increment(where, value - self.get(where, 0))
            return
        self._record(path, "assign", wire)
        self._show(path, value)

    def __delitem__(self, where: Where) -> None:
        path = _path(where)
        self._record(path, "remove", None)
        self._show(path, None, gone=True)

    def increment(self, where: Where, amount: int | Decimal = 1) -> None:
        """Add to a counter; a negative amount subtracts."""
        path = _path(where)
        self._record(path, "increment", canonical(to_wire(amount, path)))
        self._show(path, self.get(where, 0) + amount)

    def add(self, where: Where, *elements: Any) -> None:
        """Add elements to a set."""
        path = _path(where)
        self._record(path, "add", canonical(to_wire(set(elements), path)))
        self._show(path, self.get(where, set()) | set(elements))

    def discard(self, where: Where, *elements: Any) -> None:
        """Discard elements from a set."""
        path = _path(where)
        self._record(path, "discard", canonical(to_wire(set(elements), path)))
        rest = self.get(where, set()) - set(elements)
        self._show(path, rest, gone=not rest)

    def delete(self) -> None:
        """Delete the item; deleting an item that is not there changes nothing."""
        if self.exists:
            self.edits.append(DELETE)
        self._plain = {}
        self.exists = False

    def _record(self, path: Path, verb: str, value: Wire | None) -> None:
        self.edits.append(Edit(path, verb, value))
        self.exists = True

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


def _path(where: Where) -> Path:
    path = (where,) if isinstance(where, str) else tuple(where)
    if not path or not all(isinstance(name, str) and name for name in path):
        raise InvalidInput(f"{where!r} is not an attribute name or a path of names")
    return path
