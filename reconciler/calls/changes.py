"""What a put or a delete of a caller's makes of an item, given what the caller saw of it. Pure.

A put is an edit of what its caller saw: it does what differs, by the types of the schema, and
leaves alone what others wrote since (W8). A delete deletes what is there. With the lineage of an
idempotency key, `once`, each spends that, whether it finds anything to do or not (K1).
"""

from functools import partial
from typing import Any, NamedTuple, Protocol

from reconciler.calls.seen import Sight
from reconciler.calls.shown import is_deleted, shown
from reconciler.calls.steps import Writer
from reconciler.causality.context import Lineage
from reconciler.client.editor import ItemEditor
from reconciler.client.lost_answers import with_own_token
from reconciler.crdt.base import Edit
from reconciler.crdt.register_mv import RegisterMv
from reconciler.errors import InvalidInput
from reconciler.item.image import DELETE, KEEP, merge, write, write_beside
from reconciler.item.metadata import METADATA
from reconciler.item.schema import RESERVED_PREFIX, Schema
from reconciler.values.wire import Image, Wire, canonical_image, from_wire


class Change(Protocol):
    """What a call makes of an item."""

    def onto(self, current: Image | None) -> Image | None:
        """Return the image to put in place of `current`; None if nothing is there, and stays so."""

    def view(self) -> Image | None:
        """Return what the caller knows of the item afterwards."""


class Put(NamedTuple):
    """A whole item, put by one who saw `sight` of it; None: whatever is there is replaced."""

    item: Image
    sight: Sight | None
    writer: Writer
    once: Lineage | None = None

    def onto(self, current: Image | None) -> Image | None:
        schema = self.writer.schema
        is_there = current is not None and not is_deleted(current, schema)
        sight = self.sight or Sight(current, shown(current, schema) if current else None)
        edits = edits_of(self.item, sight.view if current is not None else None, schema)
        if is_there and not edits and self.once is None:
            return current  # the same bytes again, for the caller's condition
        edits = edits if edits or is_there else [KEEP]
        if current is None or sight.image == current:
            return _written(self.writer, self.item, current, edits, once=self.once)
        return _written(self.writer, self.item, sight.image, edits, once=self.once, beside=current)

    def view(self) -> Image | None:
        return self.item


class PutBack(NamedTuple):
    """A whole item with the metadata of an image that is not there any more."""

    item: Image
    writer: Writer
    once: Lineage | None = None

    def onto(self, current: Image | None) -> Image | None:
        if current is None:
            raise InvalidInput(f"the item whose {METADATA} was put is gone: leave {METADATA} out")
        merged = merge(self.item, current)
        if self.once is not None:
            return _written(self.writer, self.item, merged, [], once=self.once)
        return with_own_token(merged, self.writer.fresh())

    def view(self) -> Image | None:
        return shown(self.item, self.writer.schema)


class Deletion(NamedTuple):
    """A delete of whatever is there."""

    key: Image
    writer: Writer
    once: Lineage | None = None

    def onto(self, current: Image | None) -> Image | None:
        is_there = current is not None and not is_deleted(current, self.writer.schema)
        if not is_there and self.once is None:
            return current
        # HAZARD if one that finds nothing left no mark: made again, it would delete what others
        # created since; or if it deleted: under `delete_wins`, what another region created at once.
        edits: list[Edit] = [DELETE] if is_there else []
        return _written(self.writer, self.key, current, edits, once=self.once)

    def view(self) -> Image | None:
        return None


def edits_of(item: Image, view: Image | None, schema: Schema) -> list[Edit]:
    """Return what a put differs in from what its caller knew, as edits."""
    before = canonical_image(view or {})
    plain = {name: from_wire(value) for name, value in before.items()}
    key = {name: from_wire(item[name]) for name in schema.key}
    editor = ItemEditor(schema, plain or None, key)
    for name in before.keys() - item.keys():
        del editor[name]
    for name, value in item.items():
        if name.startswith(RESERVED_PREFIX):
            raise InvalidInput(f"{name!r}: names starting with '_rec' are reserved; leave it out")
        if name not in schema.key and value != before.get(name):
            editor[name] = _assignment(name, value, schema)
    return editor.finished()


def _assignment(name: str, value: Wire, schema: Schema) -> Any:
    plain = from_wire(value)
    if schema.spec(name).type is not RegisterMv:
        return plain
    if not isinstance(plain, list) or len(plain) != 1:
        raise InvalidInput(
            f"{name}: a register_mv shows a list of the values that stand; put a list of one"
        )
    return plain[0]


def _written(  # noqa: PLR0913 (a write is all of these)
    writer: Writer,
    item: Image,
    image: Image | None,
    edits: list[Edit],
    *,
    once: Lineage | None,
    beside: Image | None = None,
) -> Image:
    key = {name: from_wire(item[name]) for name in writer.schema.key}
    given: dict[str, Any] = {"key": key, "schema": writer.schema, "replica": writer.replica()}
    given |= {"clock": writer.clock, "once": once}
    if beside is not None:
        written = write_beside(image, beside, edits, **given)
    else:
        goes_on = partial(writer.lanes.goes_on, writer.name_of(item))
        written = write(image, edits, goes_on=goes_on, **given)
    return with_own_token(written, writer.fresh())
