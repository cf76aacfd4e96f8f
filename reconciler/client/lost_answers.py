"""Settling a write whose answer was lost: was it carried out, or not, or can nobody tell?

A write is sent again only as the same image under the same condition, so it takes effect at most
once. HAZARD if it were applied anew on a newer image: it would count twice.
"""

from reconciler.causality.context import Dot, Lineage
from reconciler.causality.hlc import NONCE_WIDTH
from reconciler.errors import OutcomeUnknown, Undecodable
from reconciler.item.metadata import (
    context_of,
    is_managed,
    reading,
    time_of,
    tip_in,
    token_of,
    with_token,
)
from reconciler.item.standing import named_dot
from reconciler.ports import Naming, Replacement
from reconciler.values.wire import Image, digest


def written_dot(image: Image) -> Dot:
    """Return the dot of the local write that made the image."""
    lineage = reading(image, lambda metadata: Lineage.parse(tip_in(metadata) or ""))
    return Dot(lineage, context_of(image).heads[lineage])


def carried_out(write: Replacement, current: Image | None) -> bool:
    """Return whether the current image proves that a write in doubt was carried out.

    Its token does, and so does a lineage that the write started. A lineage that it extended does
    not: every writer of the region extends it, so a later stamp may be another writer's (W4). An
    image that cannot be read proves nothing.
    HAZARD if it were asked of a write that was refused with an answer: that one was not carried
    out, whatever the image looks like.
    """
    if current is None or not is_managed(current):
        return False
    try:
        known = context_of(current).heads
    except Undecodable:
        return False
    lineage, before = written_dot(write.image).lineage, write.replacing
    if before is not None and is_managed(before) and lineage in context_of(before).heads:
        return token_of(current) == token_of(write.image)
    return lineage in known


def with_own_token(image: Image, fresh: bytes) -> Image:
    """Return the image with a version token that no other write has.

    `fresh` are random bytes of the operating system, drawn for this write alone (W5).
    """
    # Two writers may make the same edit of the same image in the same millisecond: the same bytes.
    # The token must still tell whose write it was, or both would take one increment for theirs.
    own = digest(token_of(image).encode() + fresh, NONCE_WIDTH)
    return with_token(image, time_of(image) + own)


def unsettled(*writes: Replacement | Naming) -> OutcomeUnknown:
    """Return the error for writes that may or may not have been carried out; it names them."""
    return OutcomeUnknown(
        "the answer to a write was lost: it may be in the item, or have been overwritten, in which"
        " case the reconciler brings it back; do not repeat it, read the item in a while",
        dots=tuple(str(_dot(write)) for write in writes),
    )


def _dot(write: Replacement | Naming) -> Dot:
    if isinstance(write, Naming):
        return named_dot(write.element)
    return written_dot(write.image)
