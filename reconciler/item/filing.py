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
from typing import Any

from reconciler.causality.context import ADOPTED, UNTYPED, Dot, beside_each_other
from reconciler.causality.hlc import Hlc
from reconciler.crdt.base import Crdt, Edit, LocalWrite, OutsideChange, Spec, value_text
from reconciler.crdt.counter_pn import CounterPn
from reconciler.crdt.counter_slots import is_added
from reconciler.crdt.map_or import MapOr, state_of_type
from reconciler.crdt.register_lww import RegisterLww
from reconciler.errors import InvalidInput, TypeMismatch
from reconciler.item.leaves import Declared, is_untyped, lineage_of, spec_of, value_at
from reconciler.item.metadata import (
    METADATA,
    basis_of,
    decode,
    encode,
    hidden_in,
    is_managed,
    is_named,
)
from reconciler.item.names import (
    Name,
    as_before,
    last_to_touch,
    names_in,
    replayed,
    types_of_names,
)
from reconciler.item.replicated import ReplicatedItem
from reconciler.item.schema import Schema
from reconciler.item.undoing import undone
from reconciler.values.wire import Image, Path, canonical_image

NAMED_BY_PRESENCE = Hlc.of(0)  # of what is named by what it is: there is no later one
_BACK = OutsideChange((), "back", None)  # that a deleted item was written on


def file(
    image: Mapping[str, Any], seen: Hlc | None = None, declared: Declared = lambda _: None
) -> ReplicatedItem:
    """Return a managed image's item with all that was done around the library filed.

    `seen` is when it was seen, which ranks it among writes at once; `declared` says the types of
    attributes that are new. A value that an attribute's type cannot hold stays as it is, `foreign`.
    """
    item, changes = decode(image)
    names = names_in(image)
    if not changes and not names:
        return item
    basis = basis_of(image)

    def dot_of(change: OutsideChange) -> Dot:
        untyped = is_untyped_number(change, item)
        return Dot(lineage_of(basis, change), UNTYPED if untyped else NAMED_BY_PRESENCE)

    if names:
        return _file_names(item, changes, names, image, dot_of, seen, declared)
    if item.exists:
        return changed_by(item, changes, dot_of, seen, declared)
    filed = changed_by(item, [_BACK, *changes], dot_of, seen, declared)
    return replace(filed, alive=(dot_of(_BACK),))


def _file_names(  # noqa: PLR0913, PLR0917 (a filing is all of these)
    item: ReplicatedItem,
    changes: Sequence[OutsideChange],
    names: Sequence[Name],
    image: Mapping[str, Any],
    dot_of: Callable[[OutsideChange], Dot],
    seen: Hlc | None,
    declared: Declared,
) -> ReplicatedItem:
    types = types_of_names(names)

    def type_of(name: str) -> Spec | None:
        return declared(name) or types.get(name)

    before = undone(shown_in(image, item.key), names)
    if not item.exists and before:  # others brought it back before it was named
        item = file({**item.key, **before, METADATA: image[METADATA]}, seen, type_of)
    elif item.exists:
        beside = [each for change in changes for each in _before_names(item, change, names, before)]
        item = changed_by(as_before(item, names, before), beside, dot_of, seen, type_of)
    return with_names(item, names, image, dot_of, seen, type_of)


def _before_names(
    item: ReplicatedItem, change: OutsideChange, names: Sequence[Name], before: Image
) -> Sequence[OutsideChange]:
    """Return what a change around the library was before names were put on top of it.

    Of what the library never wrote, all that stood there was such a change. The rest shows once the
    names are replayed.
    """
    if last_to_touch(names, change.path) is None:
        return [change]
    value = value_at(before, change.path)
    if value is None or state_at(item, change.path) is not None:
        return []
    return [change._replace(name=f"={value_text(value)}", edit=Edit(change.path, "assign", value))]


def state_at(item: ReplicatedItem, path: Path) -> Crdt | None:
    """Return the state at a path; that of what is around it, where there is nothing finer."""
    state = item.attributes.get(path[0])
    for name in path[1:]:
        state = state.fields.get(name) if isinstance(state, MapOr) else state
    return state


def with_names(  # noqa: PLR0913, PLR0917 (a filing is all of these)
    item: ReplicatedItem,
    names: Sequence[Name],
    image: Mapping[str, Any],
    dot_of: Callable[[OutsideChange], Dot],
    seen: Hlc | None,
    declared: Declared,
) -> ReplicatedItem:
    """Return the item with named writes filed, and what the image shows beside them."""
    shown = shown_in(image, item.key)
    item = replayed(item, names, shown)
    rest = decode({**item.key, **shown, METADATA: encode(item)[METADATA]})[1]
    filed = changed_by(item, rest, dot_of, seen, declared)
    return replace(filed, alive=beside_each_other([*filed.alive, *item.alive]))


def shown_in(image: Mapping[str, Any], key: Image) -> Image:
    """Return what readers see of an image, its key left out."""
    hidden = {*hidden_in(image), *key}
    return canonical_image({name: image[name] for name in sorted(image) if name not in hidden})


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
    spec = spec_of(state, declared(name)) or _LWW
    return state_of_type(state, spec, (name,)).apply(edit, 1, write, spec).complete((name,))


def is_untyped_number(change: OutsideChange, item: ReplicatedItem) -> bool:
    """Return whether a number is put where only writers around the library ever wrote."""
    edit = change.edit
    if edit is None or edit.verb != "assign" or "N" not in (edit.value or {}):
        return False
    state = state_at(item, edit.path)
    return state is None or not item.exists or is_untyped(state)


def filed_image(image: Image, seen: Hlc | None = None) -> Image:
    """Return the image with all that was done around the library filed; itself if nothing was.

    One without metadata is returned as it is.
    """
    if not is_managed(image) or not (is_named(image) or decode(image)[1]):
        return image
    return encode(file(image, seen))


def lost_dots(before: ReplicatedItem, after: ReplicatedItem) -> tuple[Dot, ...]:
    """Return what `before` includes and `after` does not, both filed, in text order.

    A slot of what was added around the library is lost, too, if `after` has less in it.
    """
    lost = {*before.context.lost_dots(after.context)}
    had, has = dict(outside_slots(before.attributes)), dict(outside_slots(after.attributes))
    folded = after.context.watermarks.get(ADOPTED, "")
    lost |= {
        dot
        for dot, amount in had.items()
        if abs(amount) > abs(has.get(dot, Decimal(0))) and dot.lineage.epoch > folded
    }
    return tuple(sorted(lost))


def outside_slots(states: Mapping[str, Crdt]) -> Iterator[tuple[Dot, Decimal]]:
    """Yield the slots of what was added around the library to images, with their amounts."""
    for state in states.values():
        if isinstance(state, CounterPn):
            yield from ((d, n) for d, n in state.slots.items() if is_added(d))
        elif isinstance(state, MapOr):
            yield from outside_slots(state.fields)


_LWW = Schema(table="any", key=("any",)).spec("any")
