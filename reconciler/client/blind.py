"""An editor of an item that nobody has read: what is recorded here is the same on any image.

HAZARD if a look at the item went unnoticed: an edit that depends on what stands there would be made
blindly.
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NoReturn

from reconciler.client.editor import ItemEditor
from reconciler.crdt.base import Edit
from reconciler.crdt.register_lww import RegisterLww
from reconciler.item import edits
from reconciler.item.edits import Where, path_of
from reconciler.item.schema import Schema


class Unread(Exception):
    """The change looks at an item that was not read."""


class BlindEditor(ItemEditor):
    """Records increments, elements, and whole registers; any look at the item raises `Unread`.

    `looked` says so, too, to whoever called a change that catches everything.
    """

    looked = False

    def __init__(self, schema: Schema, key: Mapping[str, Any]) -> None:
        super().__init__(schema, None, key)

    @property
    def exists(self) -> bool:
        self._look()

    @exists.setter
    def exists(self, exists: bool) -> None:
        """Know nothing of it."""

    def __getitem__(self, where: Where) -> Any:
        self._look()

    def __iter__(self) -> Iterator[Where]:
        self._look()

    def __len__(self) -> int:  # noqa: PLE0303 (it returns nothing)
        self._look()

    def __delitem__(self, where: Where) -> None:
        self._look()

    def __setitem__(self, where: Where, value: Any) -> None:
        path = path_of(where)
        if path[0] in self._schema.key or self._spec(path).type is not RegisterLww:
            self._look()  # of any other type, an assignment is the difference to what stands there
        super().__setitem__(path, value)

    def increment(self, where: Where, amount: int | Decimal = 1) -> None:
        """Add to a counter; a negative amount subtracts."""
        self.edits.append(edits.increment(where, amount))

    def add(self, where: Where, *elements: Any) -> None:
        """Add elements to a set."""
        self.edits.extend([edits.add(where, *elements)] if elements else ())

    def discard(self, where: Where, *elements: Any) -> None:
        """Discard elements from a set."""
        self.edits.extend([edits.discard(where, *elements)] if elements else ())

    def clear(self) -> None:
        """Look: what is there to remove?"""
        self._look()

    def delete(self) -> None:
        """Look: deleting an item that is not there changes nothing."""
        self._look()

    def rewrite(self, path: object, root: object) -> None:  # noqa: ARG002 (nothing is handed out)
        """Look: there is a value that was handed out."""
        self._look()

    def _look(self) -> NoReturn:
        self.looked = True
        raise Unread


def blind_edits(
    change: Callable[[ItemEditor], None], schema: Schema, key: Mapping[str, Any]
) -> list[Edit] | None:
    """Return the edits of a change that looks at nothing; None if it does, or raises anything."""
    editor = BlindEditor(schema, key)
    try:
        change(editor)
        return None if editor.looked else editor.finished()
    except Exception:  # whatever it was, it is raised again on an image that was read
        return None
