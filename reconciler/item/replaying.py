"""Named writes replayed on what they were put on, one after the other. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

from reconciler.causality.context import (
    ADOPTED,
    KEYED,
    NAMED_BY_PRESENCE,
    CausalContext,
    Dot,
    beside_each_other,
)
from reconciler.crdt.base import Crdt, Edit, LocalWrite
from reconciler.crdt.map_or import MapOr
from reconciler.crdt.register_lww import RegisterLww
from reconciler.errors import InvalidInput, TypeMismatch
from reconciler.item.effects import alive, applied
from reconciler.item.foreign import put_at
from reconciler.item.leaves import lineage_of, typed, value_at
from reconciler.item.names import Done, Name, last_to_touch, places_taken, type_at
from reconciler.item.replicated import ReplicatedItem
from reconciler.values.wire import Image, Path, Wires


def replayed(
    item: ReplicatedItem, names: Sequence[Name], shown: Wires, basis: str
) -> ReplicatedItem:
    """Return the item after named writes, each on what it met, under its own dot.

    `shown` is what readers see in the end. What a type does not take is an assignment of that.
    What others write is named by the image's `basis`, "" for a plain one.
    HAZARD if the last name alone kept it alive: a delete saw that one, not additions to others.
    """
    keep = {*item.alive} if item.exists else set()
    for name in names:
        if item.context.covers(name.dot) or _is_forgotten(name, item.context):
            continue
        item = alive(item, name.dot)
        write = LocalWrite(name.dot, item.context.watermarks, keyed=name.keyed)
        is_again = name.keyed is not None and name.keyed.lineage in item.context.heads
        for done in map(_without_amount, name.done) if is_again else name.done:
            if done.edit.path[0] not in item.key:  # what is said of a key was not done
                item = _replayed(item, done, write, shown)
        keep.add(name.dot)
        known = reduce(CausalContext.with_dot, _taken_from_others(name, basis), item.context)
        known = known.with_dot(name.dot)
        known = known if name.keyed is None else known.with_dot(name.keyed)
        item = replace(item, context=known, tip=None)
    return replace(item, alive=beside_each_other(keep)) if item.exists else item


def _taken_from_others(name: Name, basis: str) -> list[Dot]:
    """Return what a managed image, once filed, knows of what its name took from others.

    HAZARD without it: where the image is seen that had it, its loss would be found, and a library
    write on top of the name, undone.
    """
    return [Dot(lineage_of(basis, each), NAMED_BY_PRESENCE) for each in places_taken(name) if basis]


def _is_forgotten(name: Name, known: CausalContext) -> bool:
    # HAZARD if such a key took an amount: no merge would keep what a watermark covers.
    return name.keyed is not None and known.watermarks.get(KEYED, "") >= name.keyed.lineage.epoch


def _without_amount(done: Done) -> Done:
    """Return what the execution of a key does that the item knows another one of.

    HAZARD if it added once more: a put took away what would have shown it that it was carried out.
    """
    is_amount = done.edit.verb == "increment"
    return done._replace(edit=replace(done.edit, value={"N": "0"})) if is_amount else done


def _replayed(item: ReplicatedItem, done: Done, write: LocalWrite, shown: Wires) -> ReplicatedItem:
    edit, name = done.edit, done.edit.path[0]
    state = item.attributes.get(name)
    state = typed(state, type_at(None, None, edit.path[1:], done.type), name)
    if edit.verb == "assign" and edit.value is None:
        value = value_at(shown, edit.path)
        value = None if value is None else done.type.type().assignment(value)
        edit = Edit(edit.path, "remove" if value is None else "assign", value)
    try:
        return applied(item, edit, write, type_at(state, None, edit.path[1:], done.type))
    except (InvalidInput, TypeMismatch):
        pass
    place = edit.path if isinstance(state, MapOr) else (name,)
    value = value_at(shown, place)
    edit = Edit(place, "remove" if value is None else "assign", value)
    try:
        spec = done.type if state is None else type_at(state, None, place[1:], done.type)
        return applied(item, edit, write, spec)
    except (InvalidInput, TypeMismatch):
        return replace(item, foreign=put_at(item.foreign, edit, write))


def as_before(item: ReplicatedItem, names: Sequence[Name], before: Image) -> ReplicatedItem:
    """Return a managed item in which attributes without a type hold what names were made on.

    What such an attribute holds, only the image shows, and there names took its place.
    HAZARD without it: what was there looks like one more change, and waits with its names for ever.
    """
    held = {k: _before(each, (k,), names, before) for k, each in item.attributes.items()}
    return replace(item, attributes=held)


def _before(state: Crdt, path: Path, names: Sequence[Name], before: Image) -> Crdt:
    """Return a state in which what stands is what there was before, where nobody gave a type."""
    if isinstance(state, MapOr):
        fields = state.fields.items()
        return MapOr({k: _before(each, (*path, k), names, before) for k, each in fields})
    if type(state) is not RegisterLww or {d.lineage.replica for d in state.entries} != {ADOPTED}:
        return state
    held, stands, was = state.entries.items(), state.visible(), value_at(before, path)
    made = {d: was if each == stands else each for d, each in held}
    return RegisterLww(made, state.above) if last_to_touch(names, path) else state
