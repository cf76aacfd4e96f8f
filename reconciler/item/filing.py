"""Filing: what writers around the library did to an image becomes writes of its own. Pure.

Each leaf and each member of a set is one write, whose name follows from the image it was made on
and from what was done, so every region that files it names it alike: it counts once, however often
and wherever it is filed. A counter has one slot for each image, which holds all that was added to
that image so far; of two filings the greater stands.
HAZARD if it were named by its region or its filing: two regions would count it twice.
What is written on a deleted item brings it back, by one name for all that is written on that image:
whoever deletes it again has seen it. What it clears ranks below all that anybody writes.
Limits: added to and taken from one image, of a counter the greater sum stands. A value that was put
back as it was leaves no trace.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from reconciler.causality.context import ADOPTED, UNTYPED, Dot, Lineage
from reconciler.causality.hlc import EPOCH_WIDTH, Hlc, fixed_width
from reconciler.crdt.base import Crdt, Edit, LocalWrite, OutsideChange, Spec
from reconciler.crdt.counter_pn import CounterPn
from reconciler.crdt.counter_slots import is_added
from reconciler.crdt.map_or import MapOr, state_of_type
from reconciler.crdt.register_lww import RegisterLww
from reconciler.errors import InvalidInput, TypeMismatch
from reconciler.item.metadata import decode, encode, is_managed, token_of
from reconciler.item.replicated import ReplicatedItem
from reconciler.item.schema import Schema
from reconciler.values.wire import Image, to_json

NAMED_BY_PRESENCE = Hlc.of(0)  # of what is named by what it is: there is no later one
_BACK = OutsideChange((), "back", None)  # that a deleted item was written on
Declared = Callable[[str], Spec | None]


def file(
    image: Mapping[str, Any], seen: Hlc | None = None, declared: Declared = lambda _: None
) -> ReplicatedItem:
    """Return a managed image's item with all that was done around the library filed.

    `seen` is when it was seen, which ranks it among writes at once; `declared` says the types of
    attributes that are new. A value that an attribute's type cannot hold stays as it is, `foreign`.
    """
    item, changes = decode(image)
    if not changes:
        return item
    token = token_of(image)

    def dot_of(change: OutsideChange) -> Dot:
        untyped = is_untyped_number(change, item)
        return Dot(lineage_of(token, change), UNTYPED if untyped else NAMED_BY_PRESENCE)

    if item.exists:
        return changed_by(item, changes, dot_of, seen, declared)
    filed = changed_by(item, [_BACK, *changes], dot_of, seen, declared)
    return replace(filed, alive=(dot_of(_BACK),))


def changed_by(  # noqa: PLR0913, PLR0917 (a filing is all of these)
    item: ReplicatedItem,
    changes: Sequence[OutsideChange],
    dot_of: Callable[[OutsideChange], Dot],
    seen: Hlc | None,
    declared: Declared,
    also: Sequence[OutsideChange] = (),
) -> ReplicatedItem:
    """Return the item with changes filed, each under its own dot, and `also` only known by name."""
    attributes, context, foreign = dict(item.attributes), item.context, dict(item.foreign)
    dots: list[Dot] = []
    for change in changes:
        dot = dot_of(change)
        if change.edit is not None:
            name = change.edit.path[0]
            is_cleared = not item.exists and change.edit.verb == "remove"
            write = LocalWrite(dot, item.context.watermarks, None if is_cleared else seen)
            try:
                attributes[name] = _changed(attributes.get(name), change.edit, write, declared)
                if change.edit.path == (name,):
                    foreign.pop(name, None)
            except (InvalidInput, TypeMismatch):
                before = foreign.get(name) or RegisterLww()
                foreign[name] = before.replaced_by(change.edit.value, write)
        dots.append(dot)
        context = context.with_dot(dot)
    for change in also:
        context = context.with_dot(dot_of(change))
    filed = replace(item, attributes=attributes, context=context, foreign=foreign, tip=None)
    if not dots:
        return filed
    # Where another filing may know that something was no change, what it stood on must stay.
    alive = {*dots, *(item.alive if also else ())}
    return replace(filed, alive=tuple(sorted(alive)), dead=())


def _changed(state: Crdt | None, edit: Edit, write: LocalWrite, declared: Declared) -> Crdt:
    name = edit.path[0]
    spec = declared(name) or _LWW
    if state is not None and spec.type_name() != state.type_name():
        spec = state.spec()
    return state_of_type(state, spec, (name,)).apply(edit, 1, write, spec).complete((name,))


def is_untyped_number(change: OutsideChange, item: ReplicatedItem) -> bool:
    """Return whether a number is put where only writers around the library ever wrote."""
    edit = change.edit
    if edit is None or edit.verb != "assign" or "N" not in (edit.value or {}):
        return False
    state = item.attributes.get(edit.path[0])
    return state is None or not item.exists or (len(edit.path) == 1 and is_untyped(state))


def is_untyped(state: Crdt) -> bool:
    """Return whether only writers around the library made a state, so no type is known."""
    return type(state) is RegisterLww and all(d.lineage.replica == ADOPTED for d in state.dots())


def lineage_of(token: str, change: OutsideChange) -> Lineage:
    """Return the name of a change to the image with that token."""
    named = to_json([token, change.path, change.name]).encode()
    return Lineage.of(ADOPTED, _hashed(named, EPOCH_WIDTH))


def typed(one: Crdt | None, other: Crdt | None, name: str) -> tuple[Crdt | None, Crdt | None]:
    """Return two states of an attribute, each with the type of the other if its own is not known.

    So it is where no schema was at hand and only writers around the library wrote the attribute.
    """
    return _typed(one, other, name), _typed(other, one, name)


def _typed(state: Crdt | None, other: Crdt | None, name: str) -> Crdt | None:
    if other is None or type(other) is RegisterLww:
        return state
    if not isinstance(state, RegisterLww) or not is_untyped(state):
        return state
    value = state.visible()
    if value is None:
        return type(other)()
    dot = min(dot for dot, each in state.entries.items() if each == value)
    spec = other.spec()
    try:
        return spec.type().apply(Edit((name,), "assign", value), 1, LocalWrite(dot, {}), spec)
    except (InvalidInput, TypeMismatch):
        return state


def filed_image(image: Image, seen: Hlc | None = None) -> Image:
    """Return the image with all that was done around the library filed; itself if nothing was.

    One without metadata is returned as it is.
    """
    if not is_managed(image) or not decode(image)[1]:
        return image
    return encode(file(image, seen))


def lost_dots(before: ReplicatedItem, after: ReplicatedItem) -> tuple[Dot, ...]:
    """Return what `before` includes and `after` does not, both filed, in text order.

    A slot of what was added around the library is lost, too, if `after` has less in it.
    """
    lost = {*before.context.lost_dots(after.context)}
    had, has = dict(_outside_slots(before.attributes)), dict(_outside_slots(after.attributes))
    lost |= {dot for dot, amount in had.items() if abs(amount) > abs(has.get(dot, Decimal(0)))}
    return tuple(sorted(lost))


def _outside_slots(states: Mapping[str, Crdt]) -> Iterator[tuple[Dot, Decimal]]:
    for state in states.values():
        if isinstance(state, CounterPn):
            yield from ((d, n) for d, n in state.slots.items() if is_added(d))
        elif isinstance(state, MapOr):
            yield from _outside_slots(state.fields)


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
