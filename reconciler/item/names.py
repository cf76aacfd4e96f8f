"""Named writes: what clients did to an image, written down in it, each under its own name. Pure.

A client of any language adds one element to the list `_rec_w` with its own update. It tells who
wrote, when, and what was done, so the write is no write around the library: replayed in the order
of the list on what the image was before, it has its own dot and merges like any other.
HAZARD without the list's order: what additions and assignments make of a counter is chance.
One that has an idempotency key tells it, and stands before an element of the key alone: the same
for all executions and payloads, so a condition on the list can ask for it.
Limits: what is no element of this form names nothing. A name that a watermark covers comes too
late: what it did counts as done around the library.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from reconciler.causality.context import (
    ADOPTED,
    KEYED,
    CausalContext,
    Dot,
    Lineage,
    beside_each_other,
    named_by,
)
from reconciler.causality.hlc import DIGIT, EPOCH_WIDTH, NONCE_WIDTH, WALL_WIDTH, Hlc, fixed_width
from reconciler.crdt.base import TYPES, Crdt, Edit, LocalWrite, OutsideChange, Spec
from reconciler.crdt.map_or import MapOr
from reconciler.crdt.register_lww import RegisterLww
from reconciler.errors import MALFORMED, InvalidInput, TypeMismatch, Undecodable
from reconciler.item.effects import alive, applied
from reconciler.item.leaves import is_untyped, member, typed, value_at
from reconciler.item.metadata import NAMES, context_of, is_managed
from reconciler.item.replicated import ReplicatedItem
from reconciler.item.schema import RESERVED_PREFIX
from reconciler.values.wire import (
    SET_KINDS,
    Image,
    Path,
    Wire,
    Wires,
    canonical,
)

BY, AT, ID, DONE, LATEST, ONCE = "by", "at", "id", "do", "to", "once"  # the letters of an element
VERB_TYPES = {
    "increment": "counter_pn",
    "add": "set_aw",
    "discard": "set_aw",
    "assign": "register_lww",
    "remove": "register_lww",
}
_NOT_SAID: Wire = {"NULL": True}
# The end of the year 2099. HAZARD without it: the last stamp that there is leaves none to a later
# write, of this item or, by its writer's clock, of any other.
_LAST_MS = 4_102_444_799_999
_DEEPEST = 32  # levels of an item in DynamoDB: there is nothing at a longer path
_CODE = re.compile(r"[a-z0-9]{1,40}")
_NONCE = re.compile(rf"{DIGIT}{{{NONCE_WIDTH}}}")
_EPOCH = re.compile(rf"{DIGIT}{{{EPOCH_WIDTH}}}")


class Done(NamedTuple):
    """One thing that a named write did; an assignment without a value is of what shows."""

    edit: Edit
    type: Spec


class Name(NamedTuple):
    """One named write: its dot, what it did, in order, and the dot of its idempotency key."""

    dot: Dot
    done: tuple[Done, ...]
    keyed: Dot | None = None


def names_in(image: Wires) -> list[Name]:
    """Return the named writes that stand in an image, in the order in which they were made."""
    listed = image.get(NAMES)
    if type(listed) is not dict or type(listed.get("L")) is not list:
        return []
    return [name for name in map(_name, listed["L"]) if name is not None]


def _name(element: Any) -> Name | None:
    """Return the write that an element names; None if it names none."""
    try:
        told = element["M"]
        by, nonce = told[BY]["S"], told[ID]["S"]
        if not _CODE.fullmatch(by) or not _NONCE.fullmatch(nonce):
            return None
        at_ms = int(told[AT]["N"])
        lineage = Lineage.of(named_by(by), fixed_width(at_ms, WALL_WIDTH) + nonce)
        latest_ms = int(told[LATEST]["N"]) if LATEST in told else at_ms
        if max(at_ms, latest_ms) > _LAST_MS:
            return None
        latest = Hlc.of(latest_ms)
        keyed = Dot(_key(told[ONCE]["S"]), latest) if ONCE in told else None
        done = tuple(_done(each["L"]) for each in told[DONE]["L"])
        return Name(Dot(lineage, latest), done, keyed)
    except (Undecodable, *MALFORMED):
        return None


def _key(epoch: str) -> Lineage:
    if not _EPOCH.fullmatch(epoch):
        raise ValueError("this is not what a key names")
    return Lineage.of(KEYED, epoch)


def known_with_keys(image: Wires) -> CausalContext:
    """Return what an image includes, and the idempotency keys of names that stand in it."""
    known = context_of(image) if is_managed(image) else CausalContext()
    for name in names_in(image):
        known = known if name.keyed is None else known.with_dot(name.keyed)
    return known


def _done(told: Sequence[Wire]) -> Done:
    verb = told[0]["S"]
    where = told[1]
    path = (where["S"],) if "S" in where else tuple(part["S"] for part in where["L"])
    value = canonical(told[2]) if len(told) > 2 and told[2] != _NOT_SAID else None
    kind, _, function = told[3]["S"].partition(":") if len(told) > 3 else (VERB_TYPES[verb], "", "")
    is_place = all(path) and 0 < len(path) <= _DEEPEST and not path[0].startswith(RESERVED_PREFIX)
    if not is_place or (value is None and verb not in ("assign", "remove")):
        raise ValueError("nothing is said of what was done")
    return Done(
        Edit(path, verb, None if verb == "remove" else value), Spec(TYPES[kind], function=function)
    )


def types_of_names(names: Sequence[Name]) -> dict[str, Spec]:
    """Return the types that named writes give to top-level attributes: the first one counts."""
    types: dict[str, Spec] = {}
    for name in names:
        for edit, leaf in name.done:
            known = types.get(edit.path[0])
            types[edit.path[0]] = _type_at(None, known, edit.path[1:], leaf)
    return types


def replayed(item: ReplicatedItem, names: Sequence[Name], shown: Wires) -> ReplicatedItem:
    """Return the item after named writes, each on what it met, under its own dot.

    `shown` is what readers see in the end. What a type does not take is an assignment of that.
    HAZARD if the last name alone kept it alive: a delete saw that one, not additions to others.
    """
    keep = {*item.alive} if item.exists else set()
    for name in names:
        if item.context.covers(name.dot) or _is_forgotten(name, item.context):
            continue
        item = alive(item, name.dot)
        write = LocalWrite(name.dot, item.context.watermarks, keyed=name.keyed)
        for done in name.done:
            if done.edit.path[0] not in item.key:  # what is said of a key was not done
                item = _replayed(item, done, write, shown)
        keep.add(name.dot)
        known = item.context.with_dot(name.dot)
        known = known if name.keyed is None else known.with_dot(name.keyed)
        item = replace(item, context=known, tip=None)
    return replace(item, alive=beside_each_other(keep)) if item.exists else item


def _is_forgotten(name: Name, known: CausalContext) -> bool:
    # HAZARD if such a key took an amount: no merge would keep what a watermark covers.
    return name.keyed is not None and known.watermarks.get(KEYED, "") >= name.keyed.lineage.epoch


def _replayed(item: ReplicatedItem, done: Done, write: LocalWrite, shown: Wires) -> ReplicatedItem:
    edit, name = done.edit, done.edit.path[0]
    state = item.attributes.get(name)
    if state is not None and is_untyped(state):
        state = typed(state, _type_at(None, None, edit.path[1:], done.type), name)
    if edit.verb == "assign" and edit.value is None:
        value = value_at(shown, edit.path)
        value = None if value is None else done.type.type().assignment(value)
        edit = Edit(edit.path, "remove" if value is None else "assign", value)
    try:
        return applied(item, edit, write, _type_at(state, None, edit.path[1:], done.type))
    except (InvalidInput, TypeMismatch):
        pass
    edit = Edit((name,), "assign" if name in shown else "remove", shown.get(name))
    try:
        spec = done.type if state is None else state.spec()
        return applied(item, edit, write, spec)
    except (InvalidInput, TypeMismatch):
        before = item.foreign.get(name) or RegisterLww()
        return replace(item, foreign={**item.foreign, name: before.replaced_by(edit.value, write)})


def _type_at(state: Crdt | None, known: Spec | None, rest: Path, leaf: Spec) -> Spec:
    """Return the type of an attribute in which `leaf` is the type at the rest of a path.

    What is there already keeps its type.
    """
    if state is not None and (not rest or not isinstance(state, MapOr)):
        return state.spec()
    if not rest:
        return known or leaf
    held = state.spec().fields if state is not None else {}
    child = state.fields.get(rest[0]) if isinstance(state, MapOr) else None
    fields = {**held, **(known.fields if known is not None else {})}
    nested = _type_at(child, fields.get(rest[0]), rest[1:], leaf)
    return Spec(MapOr, {**fields, rest[0]: nested})


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


def taken(names: Sequence[Name]) -> Iterator[OutsideChange]:
    """Yield the members that named writes took out of sets, under the names of a plain item's."""
    for name in names:
        for edit, _ in name.done:
            if edit.verb == "discard" and edit.value is not None:
                for kind in edit.value.keys() & {*SET_KINDS}:
                    yield from (member(edit.path, {kind: [each]}) for each in edit.value[kind])


def last_to_touch(names: Sequence[Name], path: Path) -> Name | None:
    """Return the last named write that did something at a path, or around it, or within."""
    last_first = reversed(names)
    return next((n for n in last_first if any(meet(e.path, path) for e, _ in n.done)), None)


def meet(a: Path, b: Path) -> bool:
    """Return whether two paths are one, or one lies within the other."""
    shorter = min(len(a), len(b))
    return a[:shorter] == b[:shorter]
