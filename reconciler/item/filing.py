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

from reconciler.causality.context import ADOPTED, NAMED_BY_PRESENCE, UNTYPED, Dot, beside_each_other
from reconciler.causality.hlc import Hlc
from reconciler.crdt.base import Crdt, Edit, LocalWrite, OutsideChange, Spec, value_text
from reconciler.crdt.counter_pn import CounterPn
from reconciler.crdt.counter_slots import is_added
from reconciler.crdt.map_or import MapOr, state_of_type
from reconciler.errors import InvalidInput, TypeMismatch
from reconciler.item.foreign import put_at, without
from reconciler.item.leaves import (
    Declared,
    after_names,
    is_untyped,
    lineage_of,
    places_in,
    spec_of,
    value_at,
)
from reconciler.item.metadata import (
    METADATA,
    basis_of,
    decode,
    encode,
    hidden_in,
    is_managed,
    is_named,
)
from reconciler.item.names import Name, last_to_touch, may_take, names_in, types_of_names
from reconciler.item.replaying import as_before, replayed
from reconciler.item.replicated import ReplicatedItem
from reconciler.item.schema import Schema
from reconciler.item.undoing import sums_of_names, undone
from reconciler.values.wire import Image, Path, canonical_image

DotOf = Callable[[OutsideChange], Dot]
DotsOn = Callable[[ReplicatedItem], DotOf]
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

    def dots_on(now: ReplicatedItem) -> DotOf:
        known = now.context.heads
        taken = places_in(known)

        def dot_of(change: OutsideChange) -> Dot:
            untyped = is_untyped_number(change, item)
            lineage = lineage_of(basis, change)
            # HAZARD if it had the name of what was done before a name took that: nobody missed it.
            if lineage in known or (change.name[:1] == "=" and places_in([lineage]) & taken):
                lineage = lineage_of(after_names(basis), change)
            return Dot(lineage, UNTYPED if untyped else NAMED_BY_PRESENCE)

        return dot_of

    if names:
        return _file_names(item, changes, names, image, dots_on, seen, declared)
    dot_of = dots_on(item)
    if item.exists:
        return changed_by(item, changes, dot_of, seen, declared)
    filed = changed_by(item, [_BACK, *changes], dot_of, seen, declared)
    return replace(filed, alive=(dot_of(_BACK),))


def _file_names(  # noqa: PLR0913, PLR0917 (a filing is all of these)
    item: ReplicatedItem,
    changes: Sequence[OutsideChange],
    names: Sequence[Name],
    image: Mapping[str, Any],
    dots_on: DotsOn,
    seen: Hlc | None,
    declared: Declared,
) -> ReplicatedItem:
    types = types_of_names(names)

    def type_of(name: str) -> Spec | None:
        return declared(name) or types.get(name)

    shown = shown_in(image, item.key)
    before = undone(shown, names)
    if not item.exists and before:  # others brought it back before it was named
        item = file({**item.key, **before, METADATA: image[METADATA]}, seen, type_of)
    elif item.exists:
        beside = [each for change in changes for each in _before_names(item, change, names, before)]
        # HAZARD if only an amount were gone where names added to nothing: where the image is seen
        # that had nothing there, it would be gone once more.
        changed = decode({**item.key, **before, METADATA: image[METADATA]})[1]
        known = item.shown()
        emptied = {p for p in sums_of_names(shown, names) if value_at(known, p) != {"N": "0"}}
        beside += [each for each in changed if each.path in emptied]
        item = as_before(item, names, before)
        item = changed_by(item, beside, dots_on(item), seen, type_of)
    return with_names(item, names, image, dots_on, seen, type_of)


def _before_names(
    item: ReplicatedItem, change: OutsideChange, names: Sequence[Name], before: Image
) -> Sequence[OutsideChange]:
    """Return what a change around the library was before names were put on top of it.

    Of what the library never wrote, all that stood there was such a change. The rest shows once the
    names are replayed.
    """
    if change.edit is None:  # a member is gone
        return [] if may_take(names, change) else [change]
    if last_to_touch(names, change.path) is None:
        return [change]
    value = value_at(before, change.path)
    is_held = state_at(item, change.path) is not None and change.path not in item.foreign
    if value is None or is_held:
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
    dots_on: DotsOn,
    seen: Hlc | None,
    declared: Declared,
) -> ReplicatedItem:
    """Return the item with named writes filed, and what the image shows beside them."""
    shown = shown_in(image, item.key)
    item = replayed(item, names, shown, basis_of(image) if is_managed(image) else "")
    item, rest = decode({**item.key, **shown, METADATA: encode(item)[METADATA]})
    filed = changed_by(item, rest, dots_on(item), seen, declared)
    return replace(filed, alive=beside_each_other([*filed.alive, *item.alive]))


def shown_in(image: Mapping[str, Any], key: Image) -> Image:
    """Return what readers see of an image, its key left out."""
    hidden = {*hidden_in(image), *key}
    return canonical_image({name: image[name] for name in sorted(image) if name not in hidden})


def changed_by(  # noqa: PLR0913, PLR0917 (a filing is all of these)
    item: ReplicatedItem,
    changes: Sequence[OutsideChange],
    dot_of: DotOf,
    seen: Hlc | None,
    declared: Declared,
    also: Sequence[OutsideChange] = (),
) -> ReplicatedItem:
    """Return the item with changes filed, each under its own dot, and `also` only known by name."""
    attributes, context, foreign = dict(item.attributes), item.context, item.foreign
    dots: list[Dot] = []
    for change in changes:
        dot = dot_of(change)
        if change.edit is not None:
            name = change.edit.path[0]
            is_cleared = not item.exists and change.edit.verb == "remove"
            write = LocalWrite(dot, item.context.watermarks, None if is_cleared else seen)
            # Of what a deleted item held, changes before this one may have left nothing.
            told = spec_of(item.attributes.get(name), declared(name))
            try:
                attributes[name] = _changed(attributes.get(name), change.edit, write, told)
                foreign = without(foreign, change.edit.path)
            except (InvalidInput, TypeMismatch):
                foreign = put_at(foreign, change.edit, write)
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


def _changed(state: Crdt | None, edit: Edit, write: LocalWrite, told: Spec | None) -> Crdt:
    name = edit.path[0]
    spec = spec_of(state, told) or _LWW
    return state_of_type(state, spec, (name,)).apply(edit, 1, write, spec).complete((name,))


def is_untyped_number(change: OutsideChange, item: ReplicatedItem) -> bool:
    """Return whether a number is put where only writers around the library ever wrote.

    A map may hold some.
    """
    edit = change.edit
    if edit is None or edit.verb != "assign" or not {"N", "M"} & (edit.value or {}).keys():
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
