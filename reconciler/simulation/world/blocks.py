"""What a block of edits rests on that was open while others wrote (W8), known without the product.

Edits that mean the same anywhere are made on what stands when the block ends; all others
are made beside it, by a writer that saw only what the block read.
"""

from collections.abc import Iterable

from reconciler.crdt.base import Edit
from reconciler.item.image import read
from reconciler.item.schema import Schema
from reconciler.values.wire import Image

_ANYWHERE = {("counter_pn", "increment"), ("set_aw", "add"), ("register_lww", "assign")}


def mean_the_same(
    schema: Schema, edits: Iterable[Edit], seen: Image | None, current: Image | None
) -> bool:
    """Return whether edits mean the same on the current image as on the one that was seen."""
    if read(seen) is not None and read(current) is None:
        return False  # the item was deleted meanwhile
    return {(schema.type_at(edit.path), edit.verb) for edit in edits} <= _ANYWHERE
