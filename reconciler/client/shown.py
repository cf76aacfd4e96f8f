"""The item as an editor shows it: a tree of values whose containers record their changes.

What is shown and what is handed out is one object, so a container that was taken earlier shows the
edits made since.
"""

from collections.abc import Callable, Mapping
from typing import Any

from reconciler.client.tracked import Editor, TrackedMap, TrackedSet, held
from reconciler.crdt.base import Spec
from reconciler.crdt.map_or import MapOr
from reconciler.crdt.set_aw import SetAw
from reconciler.crdt.set_rw import SetRw
from reconciler.values.wire import Path

SETS = (SetAw, SetRw)


class Shown:
    """What an editor shows, by attribute; `spec_at` says which type is declared at a path."""

    def __init__(self, editor: Editor, spec_at: Callable[[Path], Spec]) -> None:
        self._editor, self._spec_at = editor, spec_at
        self.values: dict[str, Any] = {}

    def at(self, path: Path) -> Any:
        """Return the value at a path; KeyError or TypeError if there is none."""
        value: Any = self.values
        for name in path:
            value = value[name]
        return value

    def put(self, path: Path, value: Any) -> None:
        """Show a value at a path; a set that is shown already stays the same object."""
        level: Any = self.values
        for depth, name in enumerate(path[:-1], 1):
            if not isinstance(level.get(name), TrackedMap):
                _set(level, name, TrackedMap(self._editor, path[:depth]))
            level = level[name]
        known = level.get(path[-1])
        if isinstance(known, TrackedSet) and isinstance(value, set):
            known.show(value)
        else:
            _set(level, path[-1], self._tracked(path, value))

    def take(self, path: Path) -> None:
        """Show nothing at a path."""
        try:
            level = self.at(path[:-1])
        except (KeyError, TypeError):
            return
        if not isinstance(level, dict) or path[-1] not in level:
            return
        if isinstance(level[path[-1]], TrackedSet):
            level[path[-1]].show(())
        dict.pop(level, path[-1])

    def _tracked(self, path: Path, value: Any) -> Any:
        kind = self._spec_at(path).type
        if kind is MapOr and isinstance(value, Mapping):
            fields = TrackedMap(self._editor, path)
            for name, each in value.items():
                fields.show(name, self._tracked((*path, name), each))
            return fields
        if kind in SETS and isinstance(value, set | frozenset):
            elements = TrackedSet(self._editor, path)
            elements.show(value)
            return elements
        root = held(value, lambda: self._editor.rewrite(path, root))
        return root


def _set(level: dict[str, Any], name: str, value: Any) -> None:
    dict.__setitem__(level, name, value)  # past what a tracked map makes of it
