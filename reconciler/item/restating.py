"""Stating an image's metadata anew while its writers go on: names become metadata, or it is folded.

What readers see stays as it is, so this is an update of the metadata alone, which need not wait
until nobody writes: names are taken from the front of the list, and others are added at its end.
HAZARD if the part of the token changed that names writes around the library: see `basis_of`.
"""

from dataclasses import replace

from reconciler.causality.context import ADOPTED, NAMED_BY_PRESENCE
from reconciler.causality.hlc import Hlc
from reconciler.item.filing import file, filed_image, shown_in
from reconciler.item.leaves import lineage_of
from reconciler.item.metadata import (
    METADATA,
    NAMES,
    basis_of,
    decode,
    encode,
    is_managed,
    is_named,
    token_of,
    with_token,
)
from reconciler.item.names import names_in, places_taken
from reconciler.item.plain import file_plain, plain_base
from reconciler.item.replaying import as_before, replayed
from reconciler.item.replicated import ReplicatedItem
from reconciler.item.undoing import undone
from reconciler.values.wire import Image, Wires, digest

_REVISION_WIDTH = 4


def with_names_filed(image: Wires, count: int, key: Image) -> Image | None:
    """Return the image once the first `count` elements of its list of names are metadata.

    None if more was done to it than they say: that waits for a write on top.
    """
    if not is_named(image):
        return None
    front = {**image, NAMES: {"L": image[NAMES]["L"][:count]}}
    if not is_managed(image):
        whole = file_plain(image, key, lambda _: None)
        if any(hlc == NAMED_BY_PRESENCE for hlc in whole.context.heads.values()):
            return None
        base = plain_base(image, key, lambda _: None)
        filed = replayed(base, names_in(front), shown_in(image, key), "")
        return _beside(image, count, encode(filed))
    item = decode(image)[0]
    if _is_touched(image, item):
        return None
    shown = shown_in(image, item.key)
    if item.exists:
        item = as_before(item, names_in(front), undone(shown, names_in(image)))
    filed = replayed(item, names_in(front), shown, basis_of(image))
    return stated(image, replace(filed, tip=None), count)


def filed_whole(image: Image, key: Image, seen: Hlc) -> Image:
    """Return an image with all its names filed, and all that was done around the library."""
    if is_managed(image):
        return filed_image(image, seen)
    return encode(file_plain(image, key, lambda _: None, seen))


def stated(image: Wires, item: ReplicatedItem, count: int = 0) -> Image:
    """Return a managed image with the metadata of `item`, and without its first `count` names."""
    metadata = encode(item)
    token = f"{basis_of(image)}.{token_of(metadata)[-_REVISION_WIDTH:]}"
    return _beside(image, count, with_token(metadata, token))


def written_in(replica: str, merged: Image) -> Image:
    """Return a merge as a region writes it: two regions that write one do so under two tokens.

    HAZARD without it: the second arrives over what was done around the library to the first, and
    the record shows a writer who took that back.
    """
    revision = digest(replica.encode(), _REVISION_WIDTH)
    return with_token(merged, f"{basis_of(merged)}.{revision}")


def is_written(merged: Image, current: Image | None) -> bool:
    """Return whether an item is this merge, whichever region wrote it."""
    if not is_managed(current) or current is None:
        return False
    return merged in (current, with_token(current, basis_of(current)))


def has_unnamed(image: Wires) -> bool:
    """Return whether more was done to a managed image than its metadata and its names say."""
    return _is_touched(image, decode(image)[0])


def _is_touched(image: Wires, item: ReplicatedItem) -> bool:
    basis, names = basis_of(image), names_in(image)
    taken_out = (lineage_of(basis, each) for name in names for each in places_taken(name))
    known = {*item.context.heads, *taken_out}
    heads = file(image).context.heads
    return any(each.replica == ADOPTED and each not in known for each in heads)


def _beside(image: Wires, count: int, metadata: Image) -> Image:
    left = {NAMES: {"L": image[NAMES]["L"][count:]}} if NAMES in image else {}
    return {**image, **left, METADATA: metadata[METADATA]}
