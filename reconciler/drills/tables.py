"""What writes and reads a table's items in one region: the write client, or its HTTP door."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

Key = Mapping[str, Any]
Path = str | tuple[str, ...]


class Editor(Protocol):
    """What an edit is made with: as much of `ItemEditor` as drills use."""

    def get(self, where: Path, default: Any = None, /) -> Any:
        """Return the value at a path, or `default` if there is none."""

    def __setitem__(self, where: Path, value: Any, /) -> None: ...

    def increment(self, where: Path, amount: int, /) -> None:
        """Add to a counter."""

    def add(self, where: Path, /, *elements: Any) -> None:
        """Add elements to a set."""

    def delete(self) -> None:
        """Delete the item."""


class Table(Protocol):
    """A table in one region: as much of `ReplicatedTable` as drills use."""

    def apply(self, key: Key, change: Callable[[Editor], None], /) -> object:
        """Edit an item; `change` may run several times."""

    def get(self, key: Key, /) -> dict[str, Any] | None:
        """Return an item as plain values, None if there is none."""
