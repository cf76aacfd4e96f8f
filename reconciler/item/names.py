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
from typing import Any, NamedTuple

from reconciler.causality.context import (
    KEYED,
    CausalContext,
    Dot,
    Lineage,
    named_by,
)
from reconciler.causality.hlc import DIGIT, EPOCH_WIDTH, NONCE_WIDTH, WALL_WIDTH, Hlc, fixed_width
from reconciler.crdt.base import TYPES, Crdt, Edit, OutsideChange, Spec, value_text
from reconciler.crdt.elements import name_of_gone
from reconciler.crdt.map_or import MapOr
from reconciler.errors import MALFORMED, Undecodable
from reconciler.item.foreign import is_whole
from reconciler.item.leaves import member
from reconciler.item.metadata import NAMES, context_of, is_managed
from reconciler.item.schema import RESERVED_PREFIX
from reconciler.values.wire import (
    SET_KINDS,
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
            types[edit.path[0]] = type_at(None, known, edit.path[1:], leaf)
    return types


def type_at(state: Crdt | None, known: Spec | None, rest: Path, leaf: Spec) -> Spec:
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
    nested = type_at(child, fields.get(rest[0]), rest[1:], leaf)
    return Spec(MapOr, {**fields, rest[0]: nested})


def taken(names: Sequence[Name]) -> Iterator[OutsideChange]:
    """Yield the members that named writes took out of sets, under the names of a plain item's, and
    the places where they took whatever was there."""
    for name in names:
        for edit, _ in name.done:
            yield from members_taken(edit)
            if is_whole(edit):
                yield place_of_all(edit.path)


def place_of_all(path: Path) -> OutsideChange:
    """Return that all that a plain item had at a path was taken."""
    return OutsideChange(path, "taken", None)


def places_taken(name: Name) -> Iterator[OutsideChange]:
    """Yield how others would have put in the members that a named write took out of sets, and, of
    values in whose place it put its own, how they would have removed them: at the same places."""
    for edit, _ in name.done:
        yield from members_taken(edit)
        if is_whole(edit):
            yield OutsideChange(edit.path, f"={value_text(None)}", None)


def members_taken(edit: Edit) -> Iterator[OutsideChange]:
    """Yield the members that an edit takes out of a set, as others add them."""
    if edit.verb == "discard" and edit.value is not None:
        for kind in edit.value.keys() & {*SET_KINDS}:
            yield from (member(edit.path, {kind: [each]}) for each in edit.value[kind])


def may_take(names: Sequence[Name], gone: OutsideChange) -> bool:
    """Return whether a named write may have taken out a member of a set that is gone."""
    for edit in (edit for name in names for edit, _ in name.done):
        if is_whole(edit) and meet(edit.path, gone.path):
            return True
        if edit.verb == "discard" and edit.path == gone.path and edit.value is not None:
            kinds = edit.value.keys() & {*SET_KINDS}
            if any(gone.name == name_of_gone(k, each) for k in kinds for each in edit.value[k]):
                return True
    return False


def last_to_touch(names: Sequence[Name], path: Path) -> Name | None:
    """Return the last named write that did something at a path, or around it, or within."""
    last_first = reversed(names)
    return next((n for n in last_first if any(meet(e.path, path) for e, _ in n.done)), None)


def meet(a: Path, b: Path) -> bool:
    """Return whether two paths are one, or one lies within the other."""
    shorter = min(len(a), len(b))
    return a[:shorter] == b[:shorter]
