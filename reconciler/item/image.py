"""The three functions on wire images that everything else is built from: write, merge, read.

Pure: images in, images out, in DynamoDB's wire format, whether they came from a stream or from the
API. The rules for what a write and a merge stamp are here and nowhere else.

    schema = Schema.of(table="parties", key=["id"], attributes={"points": "counter_pn"})
    given = {"key": {"id": "p1"}, "schema": schema, "clock": system_clock()}
    first = write(None, [assign("name", "Ada")], replica=replica_id("us-east-1"), **given)
    second = write(first, [increment("points", 5)], replica=replica_id("eu-west-1"), **given)
    other = write(first, [assign("name", "Eve")], replica=replica_id("us-east-1"), **given)
    merged = merge(second, other)  # the same bytes as merge(other, second)
    read(merged)  # {"id": "p1", "name": "Eve", "points": 5}, or None once deleted
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from reconciler.causality.context import Dot, Lineage
from reconciler.causality.hlc import Hlc, Stamp, epoch_above, epoch_after
from reconciler.crdt.base import Edit, LocalWrite
from reconciler.errors import InvalidInput, Undecodable
from reconciler.item.edits import delete, keep
from reconciler.item.effects import alive, applied
from reconciler.item.filing import file
from reconciler.item.joining import joined
from reconciler.item.metadata import (
    EXPIRY,
    METADATA,
    encode,
    hidden_in,
    is_managed,
    is_named,
    is_tombstone_in,
    key_names_in,
    metadata_in,
)
from reconciler.item.plain import file_plain
from reconciler.item.puts import beneath
from reconciler.item.replicated import ReplicatedItem
from reconciler.item.schema import RESERVED_PREFIX, Schema
from reconciler.values.size import check_size
from reconciler.values.wire import (
    Image,
    canonical,
    canonical_image,
    from_wire,
    label,
    to_wire,
)

DELETE, KEEP = delete(), keep()
# Of an item that very many processes write within a fold's margin. HAZARD without it: it grows by a
# lineage a write, until DynamoDB takes no write of it any more.
MOST_LINEAGES = 250


class Clock(Protocol):
    """What a write asks of a clock; `hlc.HybridClock` is one."""

    def stamp(self, seen: str | None) -> Stamp: ...

    def now(self) -> Hlc: ...


def write(  # noqa: PLR0913 (a write is all of these, by name)
    image: Mapping[str, Any] | None,
    edits: Iterable[Edit],
    *,
    key: Mapping[str, Any],
    schema: Schema,
    replica: str,
    clock: Clock,
    goes_on: Callable[[Dot], bool] = lambda _: True,
    once: Lineage | None = None,
) -> Image:
    """Return the image after one local write of `edits`, in order, by `replica`.

    `key` holds the item's key as plain values and `image` the current item, or None. The write
    extends the tip's lineage if a local write of this replica made the image, and if the writer
    `goes_on` with its last dot or the item has very many lineages, else it starts one (W1); its hlc
    exceeds every hlc in the context (W2). `once` is the lineage of its idempotency key, which it
    spends, too (K1). InvalidInput for a bad edit, ItemTooLarge.
    """
    item = _current(image, key, schema, clock)
    stamp = clock.stamp(item.latest())
    tip = item.tip
    heads = item.context.heads
    extends = (
        tip is not None
        and tip.replica == replica
        and (len(heads) >= MOST_LINEAGES or goes_on(Dot(tip, heads[tip])))
    )
    lineage = tip if tip is not None and extends else _new_lineage(replica, stamp, item)
    dot = Dot(lineage, stamp.hlc)
    return check_size(encode(replace(_changed(item, edits, dot, schema, once), tip=lineage)))


def write_beside(  # noqa: PLR0913 (a write is all of these, by name)
    seen: Mapping[str, Any] | None,
    current: Mapping[str, Any],
    edits: Iterable[Edit],
    *,
    key: Mapping[str, Any],
    schema: Schema,
    replica: str,
    clock: Clock,
    once: Lineage | None = None,
) -> Image:
    """Return `current` after one local write of `edits` by a writer that saw only `seen` (W8).

    What was written since then counts as concurrent: the result is what two regions would get. The
    write starts a lineage, because the tip that it saw may have been extended meanwhile.
    """
    before, beside = (_current(each, key, schema, clock) for each in (seen, current))
    stamp = clock.stamp(max(filter(None, (before.latest(), beside.latest())), default=None))
    lineage = _new_lineage(replica, stamp, before, beside)
    ours = _changed(before, edits, Dot(lineage, stamp.hlc), schema, once)
    return check_size(encode(replace(joined(ours, beside), tip=lineage)))


def merge(a: Mapping[str, Any], b: Mapping[str, Any]) -> Image:
    """Return the join of two images of one item: no time, no region, no new dot, no tip.

    The metadata names each attribute's type, so no schema is needed. What an image without metadata
    counts as, `plain.beneath` says. Errors: Undecodable, TypeMismatch.
    """
    left, right = (_filed_beside(each, other) for each, other in ((a, b), (b, a)))
    if left.key != right.key:
        raise Undecodable("these are images of two different items", keys=(left.key, right.key))
    return encode(joined(left, right))


def read(image: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the item as plain Python values, or None if there is none or it is deleted."""
    if image is None:
        return None
    hidden = hidden_in(image)
    plain = {name: wire for name, wire in image.items() if name not in hidden}
    try:
        metadata = metadata_in(image)
        is_deleted = is_tombstone_in(metadata) and not is_named(image)
        if is_deleted and set(plain) == set(key_names_in(metadata)):
            return None
    except (KeyError, TypeError) as cause:
        raise Undecodable(f"unreadable metadata: {cause}", metadata=image[METADATA]) from None
    return {name: from_wire(canonical(wire)) for name, wire in plain.items()}


def may_be_deleted(shown: Mapping[str, Any], schema: Schema) -> bool:
    """Return whether an image without its metadata, as an index shows it, may be a tombstone's.

    A deleted item shows its key and its expiry alone, so whatever shows anything else is alive.
    """
    return METADATA not in shown and shown.keys() <= {*schema.key, EXPIRY, schema.ttl_attribute}


def _filed_beside(image: Mapping[str, Any], other: Mapping[str, Any]) -> ReplicatedItem:
    if is_managed(image):
        return file(image)
    if not is_managed(other):
        raise Undecodable("neither image carries metadata, so nothing says how to merge them")
    return beneath(other, image)


def _current(
    image: Mapping[str, Any] | None, key: Mapping[str, Any], schema: Schema, clock: Clock
) -> ReplicatedItem:
    if set(key) != set(schema.key):
        raise InvalidInput(f"the key must have exactly {', '.join(schema.key)}; got {sorted(key)}")
    wires = canonical_image({name: to_wire(value, (name,)) for name, value in key.items()})
    if image is None:
        return ReplicatedItem(wires)
    if not is_managed(image):
        return file_plain(image, wires, schema.spec, clock.now())
    return file(image, clock.now(), schema.spec)


def _new_lineage(replica: str, stamp: Stamp, *items: ReplicatedItem) -> Lineage:
    """Return the lineage that a write starts: one that stands in no image that it knows."""
    epoch = epoch_above(max(each.context.watermarks.get(replica, "") for each in items), stamp)
    while any(Lineage.of(replica, epoch) in each.context.heads for each in items):
        epoch = epoch_after(epoch)  # another writer drew the same nonce in the same millisecond
    return Lineage.of(replica, epoch)


def _changed(
    item: ReplicatedItem, edits: Iterable[Edit], dot: Dot, schema: Schema, once: Lineage | None
) -> ReplicatedItem:
    keyed = None if once is None else Dot(once, dot.hlc)
    write = LocalWrite(dot, item.context.watermarks, keyed=keyed)
    edits = [*edits]
    if keyed is not None and not edits and not item.exists:
        item = _expiring(item, dot, schema)
    for edit in edits:
        item = _deleted(item, dot, schema) if edit == DELETE else _edited(item, edit, write, schema)
    context = item.context.with_dot(dot)
    return replace(item, context=context if keyed is None else context.with_dot(keyed))


def _edited(item: ReplicatedItem, edit: Edit, write: LocalWrite, schema: Schema) -> ReplicatedItem:
    if edit == KEEP:
        return alive(item, write.dot)
    name = edit.path[0] if edit.path else ""
    if name in schema.key:
        raise InvalidInput(f"{name} is part of the key; a key never changes: write another item")
    if not name or name.startswith(RESERVED_PREFIX):
        raise InvalidInput(f"{label(edit.path)!r}: names starting with '_rec' are reserved")
    return applied(item, edit, write, schema.spec(name))


def _deleted(item: ReplicatedItem, dot: Dot, schema: Schema) -> ReplicatedItem:
    dead = (dot,) if schema.delete == "delete_wins" else ()
    return replace(_expiring(item, dot, schema), alive=(), dead=dead)


def _expiring(item: ReplicatedItem, dot: Dot, schema: Schema) -> ReplicatedItem:
    """Return an item that is to be gone a while after a write which leaves it deleted.

    HAZARD if a key that is spent where there is no item deleted it, too: under `delete_wins` it
    would take what another region creates at once.
    """
    expires = dot.hlc.wall_ms // 1000 + schema.tombstone_retention_days * 86_400
    # All that writers ever named stay: which of them the table's TTL is on, no merge can tell.
    own = {schema.ttl_attribute} if schema.ttl_attribute else frozenset[str]()
    expires = max(expires, item.expires or 0)
    return replace(item, expires=expires, expires_by=item.expires_by | own)
