"""Keyed edits of many items, each by itself: those that are not there yet are inserted in batches.

Many are read in one call. An item that shows its key is answered, one that is not there is inserted
unless it is there by then. All else is left: what stands there already, and whatever is not certain
to be written, because a call failed, however it did, or its answer was lost. Carried out one by one
afterwards, it counts once, by its key (K4).
"""

from collections.abc import Sequence

from reconciler.client.writer import Writer, Written
from reconciler.errors import KeyExpired, ReconcilerError
from reconciler.item.schema import Schema
from reconciler.ports import KeyedEdit, NewItems
from reconciler.values.wire import Image

_MOST_INSERTS = 25  # of a call


def carried_out_at_once(
    writer: Writer, schema: Schema, items: NewItems, edits: Sequence[KeyedEdit]
) -> list[Written | None]:
    """Return what became of up to `MOST_AT_ONCE` edits of different items; None: it is left.

    KeyExpired if one of the keys is too old.
    """
    try:
        images = items.images([schema.key_image(each.key) for each in edits])
    except Exception:  # whatever it is, the edit that it comes of meets it again, alone
        return [None] * len(edits)
    done: dict[int, Written | None] = {}
    new: list[int] = []
    for index, image in enumerate(images):
        if image is None:
            new.append(index)
        elif _is_done(writer, edits[index], image):
            done[index] = Written(image, repeated=True)
    for start in range(0, len(new), _MOST_INSERTS):
        batch = new[start : start + _MOST_INSERTS]
        made = _inserted(writer, items, [edits[index] for index in batch])
        done |= zip(batch, made, strict=True)
    return [done.get(index) for index in range(len(edits))]


def _is_done(writer: Writer, edit: KeyedEdit, image: Image) -> bool:
    try:
        return writer.keyed(edit.once, edit.key).is_done(image)
    except KeyExpired:
        raise
    except ReconcilerError:  # such as KeyReused: it is raised again for this edit alone
        return False


def _inserted(writer: Writer, items: NewItems, edits: Sequence[KeyedEdit]) -> list[Written | None]:
    """Insert the items that edits make; return those that are written.

    HAZARD if stamps were drawn for more than are sent now: folds count on that they are young.
    """
    made = [_made(writer, each) for each in edits]
    images = [image for image in made if image is not None]
    try:
        written = iter(items.insert(images) if images else ())
    except Exception:  # HAZARD if what one item brings about ended the work on all beside it
        return [None] * len(edits)
    return [Written(image) if image is not None and next(written) else None for image in made]


def _made(writer: Writer, edit: KeyedEdit) -> Image | None:
    """Return the item that an edit makes where there is none; None if it makes none."""
    keyed = writer.keyed(edit.once, edit.key)
    editor = writer.editor(edit.key, None)
    try:
        edit.change(editor)
        return writer.next(edit.key, None, editor.finished(), keyed)
    except Exception:
        return None  # whatever it is, it is raised again for this edit alone
