"""One leaf of an item, which holds one value: what is there, and what an operation made of it."""

from collections.abc import Mapping, Sequence
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
from reconciler.simulation.judge.oracle_types import GONE
from reconciler.simulation.plan.plan import DECIDE
from reconciler.values.wire import Image, Path, from_wire

BEFORE_ALL = -1  # instead of an operation's number


@dataclass(frozen=True)
class LeafWrite:
    """What one operation made of one leaf; `number` -1 is what was there before."""

    number: int
    seen: frozenset[int]
    value: Any
    call: str = ""

    def saw(self, other: "LeafWrite") -> bool:
        """Return whether this write was made by somebody who saw the other."""
        return other.number in self.seen or (other.number == BEFORE_ALL != self.number)


def value_of(edit: Edit, path: Path) -> Any:
    """Return what an edit of a leaf, or around it, assigns there, GONE if nothing."""
    if edit.verb not in ("assign", DECIDE) or edit.value is None:
        return GONE
    return at(path[len(edit.path) :], from_wire(edit.value))


def gives_type(edit: Edit, path: Path) -> bool:
    """Return whether a library edit says of which type a leaf is."""
    if len(edit.path) < len(path):
        return path[: len(edit.path)] == edit.path and value_of(edit, path) is not GONE
    return edit.path[: len(path)] == path


def members_of(edit: Edit) -> Sequence[str]:
    """Return the members or entries of an edit."""
    return sorted(map(str, from_wire(edit.value or {"L": []})))


def at(path: Path, value: Any) -> Any:
    """Return what is at a path of a value, GONE if nothing is."""
    for name in path:
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
