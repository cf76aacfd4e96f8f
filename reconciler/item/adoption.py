"""Taking in what writers around the library did: as one write that every region names alike.

Pure. The write's dot depends on nothing but the image, so every region adopts it to the same bytes.
A counter takes the difference; everything else is assigned.
Source: Couchbase's cvCAS.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import blake2b
from typing import Any

from reconciler.causality.context import ADOPTED, Dot, Lineage
from reconciler.causality.hlc import EPOCH_WIDTH, Hlc, fixed_width, number_of, tick
from reconciler.crdt.base import Crdt, Edit, LocalWrite, Spec
from reconciler.crdt.map_or import state_of_type
from reconciler.errors import InvalidInput, TypeMismatch
from reconciler.item.metadata import (
    context_of,
    decode,
    is_managed,
    token_of,
)
from reconciler.item.replicated import ReplicatedItem
from reconciler.item.schema import Schema
from reconciler.values.wire import (
    Wire,
    canonical_image,
    to_json,
)

_BASE_WIDTH = 7  # of an adopted lineage's epoch: which image was changed; the rest: how


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


def adopt_whole(image: Mapping[str, Any], key: Mapping[str, Wire], schema: Schema) -> Any:
    # An item from before the library: one well-known lineage and a stamp older than any real one,
    # so two regions that adopt one item agree, and of two versions one wins, as it did before.
    plain = canonical_image({n: v for n, v in image.items() if n not in key})
    hashed = _hashed(to_json(plain).encode(), 6)
    lineage = Lineage.of(ADOPTED, fixed_width(0, EPOCH_WIDTH))
    dot = Dot(lineage, Hlc.of(number_of(hashed[:4]), number_of(hashed[4:])))
    return _assigned(ReplicatedItem(canonical_image(key)), plain, dot, schema.spec)


def _assigned(
    item: ReplicatedItem,
    values: Mapping[str, Wire | None],
    dot: Dot,
    declared: Callable[[str], Spec | None],
) -> ReplicatedItem:
    attributes = dict((item if item.exists else revive(item, dot)).attributes)
    for name, value in sorted(values.items()):
        spec = declared(name)
        if spec is None:
            spec = attributes[name].spec() if name in attributes else _LWW
        try:
            state = state_of_type(attributes.get(name), spec, (name,))
            given = None if value is None else state.assignment(value)
            edit = Edit((name,), "remove" if value is None else "assign", given)
            attributes[name] = state.apply(edit, 1, LocalWrite(dot, item.context.watermarks), spec)
        except InvalidInput as problem:
            raise TypeMismatch(f"written around the library: {problem}", value=value) from None
    context = item.context.with_dot(dot)
    return replace(item, attributes=attributes, context=context, tip=None, alive=(dot,), dead=())


def revive(item: ReplicatedItem, dot: Dot) -> ReplicatedItem:
    """Return a deleted item as a write finds it: nothing of the old may shine through."""

    write = LocalWrite(dot, item.context.watermarks)

    def cleared(name: str, state: Crdt) -> Crdt:
        return state.apply(Edit((name,), "remove"), 1, write, state.spec())

    return replace(item, attributes={n: cleared(n, state) for n, state in item.attributes.items()})


def _hashed(data: bytes, width: int) -> str:
    number = int.from_bytes(blake2b(data, digest_size=16).digest())
    return fixed_width(number % 64**width, width)


_LWW = Schema(table="any", key=("any",)).spec("any")
