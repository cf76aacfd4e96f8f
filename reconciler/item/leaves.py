"""The leaves that a value is made of, and the names of what was written around the library. Pure.

A plain value is named by where it stands and by what it is, leaf by leaf, so whoever files it names
it alike. An attribute that only such writers wrote is of no type yet: it is filed as a register,
and takes the declared type with the first write that has one.
HAZARD if it kept the register: an item that was repaired before the library wrote the attribute
would refuse every write of it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any

from reconciler.causality.context import (
    ADOPTED,
    BY_A_PUT,
    FROM_PLAIN,
    Dot,
    Lineage,
    is_code_of_names,
)
from reconciler.causality.hlc import (
    COARSE_WIDTH,
    NONCE_WIDTH,
    WALL_WIDTH,
    fixed_width,
    greatest_digits,
)
from reconciler.crdt.base import Crdt, Edit, LocalWrite, OutsideChange, Spec, value_text
from reconciler.crdt.counter_pn import CounterPn
from reconciler.crdt.elements import ElementSet
from reconciler.crdt.map_or import MapOr
from reconciler.crdt.register_lww import RegisterLww
from reconciler.crdt.set_aw import SetAw
from reconciler.errors import InvalidInput, TypeMismatch
from reconciler.item.replicated import ReplicatedItem
from reconciler.values.wire import SET_KINDS, Image, Path, Wire, Wires, to_json

Declared = Callable[[str], Spec | None]
ADDED_BY_PUT = "~"  # before the name of an amount: what a put added to it
_NO_TOKEN = ""
FOR_GOOD = greatest_digits(WALL_WIDTH)  # when what has no token was: beyond every watermark
_WHAT_WIDTH = 6  # 36 bits for the few values that are put at one place, and 30 for the place
_PLACE_WIDTH = NONCE_WIDTH - _WHAT_WIDTH


def is_untyped(state: Crdt) -> bool:
    """Return whether nobody who knows its type wrote an attribute.

    Writers around the library do not, nor need a named write that only removed it.
    """
    return type(state) is RegisterLww and all(
        dot.lineage.replica == ADOPTED or (value is None and is_code_of_names(dot.lineage.replica))
        for dot, value in state.entries.items()
    )


def typed(state: Crdt | None, spec: Spec | None, name: str) -> Crdt | None:
    """Return the state of an attribute with a type that is known now, if its own is not.

    So it is where no schema was at hand and only writers around the library wrote the attribute.
    """
    if isinstance(state, MapOr) and spec is not None and spec.type is MapOr:
        told = {key: spec.fields.get(key) or spec.values for key in state.fields}
        fields = {k: _field(each, told[k], k) for k, each in state.fields.items()}
        return state if fields == state.fields else MapOr(fields)
    if state is None or spec is None or spec.type is RegisterLww or not is_untyped(state):
        return state
    value = state.visible()
    if value is None:
        return spec.type()
    dot = min(each for each in state.dots() if _entry(state, each) == value)
    try:
        return spec.type().apply(Edit((name,), "assign", value), 1, LocalWrite(dot, {}), spec)
    except (InvalidInput, TypeMismatch):
        return state


def _field(state: Crdt, told: Spec | None, name: str) -> Crdt:
    """Return the state of a map's field, typed.

    HAZARD if a value of no type became a map: what a put shows of an amount in it would count
    beside what the library added.
    """
    is_new_map = told is not None and told.type is MapOr and not isinstance(state, MapOr)
    return state if is_new_map else typed(state, told, name) or state


def spec_of(state: Crdt | None, told: Spec | None) -> Spec | None:
    """Return the type of what a state holds, with what is told of fields that it does not hold.

    HAZARD if what is told stood for all of a map: a name tells of the field that it changed alone,
    and what others did to the rest would be taken for something that the rest cannot hold.
    """
    if state is None or told is None:
        return told if state is None else state.spec()
    if isinstance(state, MapOr) and told.type is MapOr:
        of_field = {key: told.fields.get(key) or told.values for key in state.fields}
        own = {key: spec_of(each, of_field[key]) for key, each in state.fields.items()}
        held = {key: each for key, each in own.items() if each is not None}
        return replace(told, fields={**told.fields, **held})
    return told if told.type_name() == state.type_name() else state.spec()


def types_of(item: ReplicatedItem, image: Wires) -> Declared:
    """Return the types that an item's attributes have, as far as a plain image has them, too."""

    def declared(name: str) -> Spec | None:
        state = item.attributes.get(name)
        spec = state.spec() if state is not None else None
        return spec and _with_sets(spec, (name,), image.get(name), item)

    return declared


def _with_sets(spec: Spec, path: Path, value: Wire | None, item: ReplicatedItem) -> Spec:
    """Return a map's type with the sets in it of which it holds nothing any more.

    HAZARD if they were of no type: all members that the library took out of one would be a value
    that it does not know, and come back.
    """
    fields = dict(spec.fields)
    for key, held in (value or {}).get("M", {}).items():
        here = (*path, key)
        members = [member(here, {k: [e]}) for k in SET_KINDS & held.keys() for e in held[k]]
        if key in fields:
            fields[key] = _with_sets(fields[key], here, held, item)
        elif any(plain_dot(each).lineage in item.context.heads for each in members):
            fields[key] = Spec(SetAw)
    return replace(spec, fields=fields) if fields else spec


def _entry(state: Crdt, dot: Dot) -> Wire | None:
    return state.entries[dot] if isinstance(state, RegisterLww) else None


def lineage_of(token: str, change: OutsideChange) -> Lineage:
    """Return the name of a change to the image with that token; its epoch is the token's time.

    Of a value that took the place of another, or of none, it begins with where that was.
    """
    wall = token[:COARSE_WIDTH].ljust(WALL_WIDTH, fixed_width(0, 1))
    lineage = _lineage(token, change, wall)
    if not change.name.startswith("="):
        return lineage
    place = _hashed(to_json([token, change.path]).encode(), _PLACE_WIDTH)
    return Lineage.of(ADOPTED, wall + place + lineage.epoch[-_WHAT_WIDTH:])


def after_names(token: str) -> str:
    """Return on what others wrote after a name took what they had written on the same image."""
    return f"{token}+"


def places_in(lineages: Iterable[Lineage]) -> set[str]:
    """Return at which places of which images the values were put that these name, or taken away."""
    ours = (each for each in lineages if each.replica == ADOPTED and each.epoch < FOR_GOOD)
    return {each.epoch[:-_WHAT_WIDTH] for each in ours}


def lineage_for_good(base: str, change: OutsideChange) -> Lineage:
    """Return the name of a change to what has no token: it lies beyond every watermark."""
    return _lineage(base, change, FOR_GOOD)


def _lineage(base: str, change: OutsideChange, wall: str) -> Lineage:
    named = to_json([base, change.path, change.name]).encode()
    return Lineage.of(ADOPTED, wall + _hashed(named, NONCE_WIDTH))


def plain_dot(change: OutsideChange) -> Dot:
    """Return the dot of what a plain image shows: named by where it is and what it is."""
    hlc = BY_A_PUT if change.name.startswith(ADDED_BY_PUT) else FROM_PLAIN
    return Dot(lineage_in_plain(change), hlc)


def lineage_in_plain(change: OutsideChange) -> Lineage:
    """Return the lineage of what a plain image shows."""
    return lineage_for_good(_NO_TOKEN, change)


def leaves_of(held: Image, declared: Declared) -> Sequence[OutsideChange]:
    """Return the leaves of all attributes, as their types divide them."""
    return [leaf for name in held for leaf in leaves_at((name,), held[name], declared(name))]


def leaves_at(path: Path, value: Wire, spec: Spec | None) -> Sequence[OutsideChange]:
    """Return the leaves of a value, as its type divides it; one, if the type cannot hold it."""
    if spec is not None and issubclass(spec.type, MapOr) and "M" in value:
        fields, held = spec.fields, value["M"]
        types = {k: fields.get(k) or spec.values for k in sorted(held)}
        nested = [leaves_at((*path, k), held[k], types[k]) for k in types]
        return [leaf for leaves in nested for leaf in leaves]
    if spec is not None and issubclass(spec.type, ElementSet):
        kind = next((each for each in SET_KINDS if each in value), None)
        if kind is not None:
            return [member(path, {kind: [element]}) for element in value[kind]]
    is_counted = spec is not None and issubclass(spec.type, CounterPn) and "N" in value
    edit = Edit(path, "increment" if is_counted else "assign", value)
    return [OutsideChange(path, f"={value_text(value)}", edit)]


def member(path: Path, one: Wire) -> OutsideChange:
    """Return the leaf of one member of a set."""
    return OutsideChange(path, f"+{value_text(one)}", Edit(path, "add", one))


def is_amount(leaf: OutsideChange) -> bool:
    """Return whether a leaf is a counter's."""
    return leaf.edit is not None and leaf.edit.verb == "increment"


def is_shown(leaf: OutsideChange, shown: Image) -> bool:
    """Return whether readers of another image see the same at a leaf."""
    value = value_at(shown, leaf.path)
    if leaf.edit is None or leaf.edit.verb != "add":
        return leaf.edit is not None and value == leaf.edit.value
    ((kind, (element,)),) = (leaf.edit.value or {}).items()
    return element in (value or {}).get(kind, ())


def value_at(shown: Wires, path: Path) -> Any:
    """Return what readers see at a path, None for nothing."""
    value: Any = shown.get(path[0])
    for name in path[1:]:
        value = (value or {}).get("M", {}).get(name)
    return value


def _hashed(data: bytes, width: int) -> str:
    number = int.from_bytes(blake2b(data, digest_size=16).digest())
    return fixed_width(number % 64**width, width)
