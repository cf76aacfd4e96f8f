"""What one write makes of an item's states. Pure.

A write finds a deleted item empty, and keeps the item alive from then on, whatever it does.
"""

from dataclasses import replace

from reconciler.causality.context import Dot
from reconciler.crdt.base import Edit, LocalWrite, Spec
from reconciler.crdt.map_or import state_of_type
from reconciler.errors import TypeMismatch
from reconciler.item.foreign import blocking, is_whole, without
from reconciler.item.leaves import typed
from reconciler.item.replicated import ReplicatedItem
from reconciler.values.wire import label


def applied(item: ReplicatedItem, edit: Edit, write: LocalWrite, spec: Spec) -> ReplicatedItem:
    """Return the item after one edit of an attribute, whose declared type is `spec`.

    InvalidInput and TypeMismatch for what the type does not take.
    """
    name = edit.path[0]
    item = alive(item, write.dot)
    place = blocking(item.foreign, edit)
    if place is not None:
        raise TypeMismatch(
            f"{label(place)} holds what its type cannot hold, put there around the library:"
            " assign it, or remove it",
            path=edit.path,
        )
    foreign = without(item.foreign, edit.path) if is_whole(edit) else item.foreign
    state = state_of_type(typed(item.attributes.get(name), spec, name), spec, (name,))
    written = state.apply(edit, 1, write, spec)
    return replace(item, attributes={**item.attributes, name: written}, foreign=foreign)


def alive(item: ReplicatedItem, dot: Dot) -> ReplicatedItem:
    """Return an item as a write finds it, kept alive by it: nothing of a deleted one shines
    through."""
    if not item.exists:
        write = LocalWrite(dot, item.context.watermarks)
        cleared = {
            name: state.apply(Edit((name,), "remove"), 1, write, state.spec())
            for name, state in item.attributes.items()
        }
        item = replace(item, attributes=cleared, foreign={})
    is_kept = item.alive == (dot,) and not item.dead  # by an earlier edit of the same write
    return item if is_kept else replace(item, alive=(dot,), dead=())
