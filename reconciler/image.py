"""The three functions on wire images that everything else is built from: write, merge, read.

Behaviour: pure; images in, images out, in DynamoDB's wire format, whether they came from a stream
or from the API. The rules for what a write and a merge stamp are here and nowhere else.

    first  = write(None, [assign("name", "Ada")], key={"id": "p1"}, schema=s, replica="use1", ...)
    merged = merge(first, second)     # the same bytes as merge(second, first)
    read(merged)                      # {"id": "p1", "name": "Ada"}, or None once deleted
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from hashlib import blake2b
from typing import Any, Protocol

from reconciler.causality import ADOPTED, Dot, Lineage
from reconciler.codec import (
    Image,
    Wire,
    canonical,
    canonical_image,
    from_wire,
    label,
    to_json,
    to_wire,
)
from reconciler.crdt.base import Crdt, Edit, Spec, join_states, surviving_dots
from reconciler.crdt.map_or import checked
from reconciler.errors import InvalidInput, TypeMismatch, Undecodable
from reconciler.hlc import EPOCH_WIDTH, Hlc, Stamp, epoch_above, fixed_width, tick
from reconciler.item import (
    EXPIRY,
    METADATA,
    ReplicatedItem,
    context_of,
    decode,
    encode,
    is_managed,
    token_of,
)
from reconciler.schema import RESERVED_PREFIX, Schema
from reconciler.size import check_size

DELETE = Edit((), "delete")


_BASE_WIDTH = 7  # of an adopted lineage's epoch: which image was changed; the rest: how


class Clock(Protocol):
    """What a write asks of a clock; `hlc.HybridClock` is one."""

    def stamp(self, seen: str | None) -> Stamp: ...


def write(  # noqa: PLR0913 (a write is all of these, by name)
    image: Mapping[str, Any] | None,
    edits: Iterable[Edit],
    *,
    key: Mapping[str, Any],
    schema: Schema,
    replica: str,
    clock: Clock,
) -> Image:
    """Return the image after one local write of `edits`, in order, by `replica`.

    `key` holds the item's key as plain values and `image` the current item, or None. The write
    extends the tip's lineage if a local write of this replica made the image, else it starts one
    (W1); its hlc exceeds every hlc in the context (W2). InvalidInput for a bad edit, ItemTooLarge.
    """
    item = _current(image, key, schema)
    stamp = clock.stamp(item.latest())
    tip = item.tip
    extends = tip is not None and tip.replica == replica
    epoch = epoch_above(item.context.watermarks.get(replica, ""), stamp)
    lineage = tip if tip is not None and extends else Lineage.of(replica, epoch)
    dot = Dot(lineage, stamp.hlc)
    for edit in edits:
        item = _deleted(item, dot, schema) if edit == DELETE else _edited(item, edit, dot, schema)
    return check_size(encode(replace(item, context=item.context.with_dot(dot), tip=lineage)))


def merge(a: Mapping[str, Any], b: Mapping[str, Any]) -> Image:
    """Return the join of two images of one item: no time, no region, no new dot, no tip.

    The metadata names each attribute's type, so no schema is needed. An image without metadata
    counts as written, around the library, on top of the other one. Errors: Undecodable,
    TypeMismatch.
    """
    left, right = (adopt(_grafted(each, other)) for each, other in ((a, b), (b, a)))
    if left.key != right.key:
        raise Undecodable("these are images of two different items", keys=(left.key, right.key))
    mine, theirs = left.context, right.context
    attributes = {
        name: join_states(
            left.attributes.get(name), right.attributes.get(name), mine, theirs, (name,)
        )
        for name in sorted(left.attributes.keys() | right.attributes.keys())
    }
    expiries = [each for each in (left.expires, right.expires) if each is not None]
    return encode(
        ReplicatedItem(
            key=left.key,
            attributes=attributes,
            context=mine.join(theirs),
            alive=surviving_dots(left.alive, right.alive, mine, theirs),
            dead=surviving_dots(left.dead, right.dead, mine, theirs),
            expires=max(expiries, default=None),
        )
    )


def read(image: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the item as plain Python values, or None if there is none or it is deleted."""
    if image is None:
        return None
    plain = {name: wire for name, wire in image.items() if name not in (METADATA, EXPIRY)}
    try:
        metadata = image.get(METADATA, {"M": {}})["M"]
        if "s" in metadata and set(plain) == set(metadata["i"]["SS"]):
            return None
    except (KeyError, TypeError) as cause:
        raise Undecodable(f"unreadable metadata: {cause}", metadata=image[METADATA]) from None
    return {name: from_wire(canonical(wire)) for name, wire in plain.items()}


def adopt(image: Mapping[str, Any]) -> ReplicatedItem:
    """Return the item, with changes made around the library adopted as one write.

    The write's dot depends on nothing but the image, so every region adopts it to the same bytes.
    A counter takes the difference; everything else is assigned. Source: Couchbase's cvCAS.
    """
    item, changed = decode(image)
    if not changed:
        return item
    base = _adoption_of(token_of(image))
    lineage = Lineage(base + _hashed(to_json(changed).encode(), EPOCH_WIDTH - _BASE_WIDTH))
    dot = Dot(lineage, tick(0, item.latest()))
    return _assigned(item, changed, dot, lambda _: None)


def has_adopted(current: Mapping[str, Any], lost: Mapping[str, Any]) -> bool:
    """Return whether what was done around the library in `lost` has its place in `current`.

    Writers around the library leave the token alone, so of two images with one token, the current
    one holds the later of their changes; adopting both would count a counter's difference twice.
    """
    if not is_managed(current) or not decode(lost)[1]:
        return False
    token = token_of(lost)
    base = _adoption_of(token)
    return token == token_of(current) or any(
        lineage.startswith(base) for lineage in context_of(current).heads
    )


def _adoption_of(token: str) -> str:
    return Lineage.of(ADOPTED, _hashed(token.encode(), _BASE_WIDTH))


def _adopted_whole(image: Mapping[str, Any], key: Mapping[str, Wire], schema: Schema) -> Any:
    # An item from before the library: one well-known lineage and a stamp older than any real one,
    # so two regions that adopt one item agree, and of two versions one wins, as it did before.
    plain = canonical_image({n: v for n, v in image.items() if n not in key})
    hashed = _hashed(to_json(plain).encode(), 7)
    lineage = Lineage.of(ADOPTED, fixed_width(0, EPOCH_WIDTH))
    dot = Dot(lineage, Hlc.of(int(hashed[:4], 32), int(hashed[4:], 32)))
    return _assigned(ReplicatedItem(canonical_image(key)), plain, dot, schema.spec)


def _assigned(
    item: ReplicatedItem,
    values: Mapping[str, Wire | None],
    dot: Dot,
    declared: Callable[[str], Spec | None],
) -> ReplicatedItem:
    attributes = dict((item if item.exists else _revived(item, dot)).attributes)
    for name, value in sorted(values.items()):
        spec = declared(name)
        if spec is None:
            spec = attributes[name].spec() if name in attributes else _LWW
        try:
            state = checked(attributes.get(name), spec, (name,))
            given = None if value is None else state.assigned(value)
            edit = Edit((name,), "remove" if value is None else "assign", given)
            attributes[name] = state.apply(edit, 1, dot, spec)
        except InvalidInput as problem:
            raise TypeMismatch(f"written around the library: {problem}", value=value) from None
    context = item.context.with_dot(dot)
    return replace(item, attributes=attributes, context=context, tip=None, alive=(dot,), dead=())


def _grafted(image: Mapping[str, Any], other: Mapping[str, Any]) -> Mapping[str, Any]:
    if is_managed(image):
        return image
    if not is_managed(other):
        raise Undecodable("neither image carries metadata, so nothing says how to merge them")
    return {**image, METADATA: other[METADATA]}


def _current(
    image: Mapping[str, Any] | None, key: Mapping[str, Any], schema: Schema
) -> ReplicatedItem:
    if set(key) != set(schema.key):
        raise InvalidInput(f"the key must have exactly {', '.join(schema.key)}; got {sorted(key)}")
    wires = canonical_image({name: to_wire(value, (name,)) for name, value in key.items()})
    if image is None:
        return ReplicatedItem(wires)
    return adopt(image) if is_managed(image) else _adopted_whole(image, wires, schema)


def _edited(item: ReplicatedItem, edit: Edit, dot: Dot, schema: Schema) -> ReplicatedItem:
    name = edit.path[0] if edit.path else ""
    if name in schema.key:
        raise InvalidInput(f"{name} is part of the key; a key never changes: write another item")
    if not name or name.startswith(RESERVED_PREFIX):
        raise InvalidInput(f"{label(edit.path)!r}: names starting with '_rec' are reserved")
    if not item.exists:
        item = _revived(item, dot)
    spec = schema.spec(name)
    state = checked(item.attributes.get(name), spec, (name,))
    attributes = {**item.attributes, name: state.apply(edit, 1, dot, spec)}
    return replace(item, attributes=attributes, alive=(dot,), dead=())


def _revived(item: ReplicatedItem, dot: Dot) -> ReplicatedItem:
    # Writing to a deleted item makes a new one: nothing of the old may shine through.
    def cleared(name: str, state: Crdt) -> Crdt:
        return state.apply(Edit((name,), "remove"), 1, dot, state.spec())

    return replace(item, attributes={n: cleared(n, state) for n, state in item.attributes.items()})


def _deleted(item: ReplicatedItem, dot: Dot, schema: Schema) -> ReplicatedItem:
    expires = dot.hlc.wall_ms // 1000 + schema.tombstone_retention_days * 86_400
    dead = (dot,) if schema.delete == "delete_wins" else ()
    return replace(item, alive=(), dead=dead, expires=max(expires, item.expires or 0))


def _hashed(data: bytes, width: int) -> str:
    number = int.from_bytes(blake2b(data, digest_size=16).digest())
    return fixed_width(number % 32**width, width)


_LWW = Schema(table="any", key=("any",)).spec("any")
