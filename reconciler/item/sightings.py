"""What a whole put shows of the library and named writes that its writer saw. Pure.

By how much a put changed an amount follows from what its writer found there, which it does not say.
It does show values that only the library wrote: who has one saw the write that made it, and all
that its lineage had written before; who has one of the write that made the image, saw it all.
HAZARD if amounts were reckoned without, or what a put leaves out taken away: a put that was made
where a write had not arrived yet takes that away wherever it took the place of it.
Limits: what a set holds, or a flag says, may be so by chance, so it shows nothing. A value that the
library wrote twice is taken for the later one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from functools import reduce

from reconciler.causality.context import ADOPTED, CausalContext, Dot, is_code_of_names
from reconciler.crdt.base import Crdt, Edit, OutsideChange, value_text
from reconciler.crdt.counter_pn import ADDED, CounterPn
from reconciler.crdt.counter_slots import PLAIN
from reconciler.crdt.dot_function import DotFunction
from reconciler.crdt.elements import ElementSet
from reconciler.crdt.map_or import MapOr
from reconciler.crdt.register_extreme import RegisterMax
from reconciler.crdt.register_lww import RegisterLww
from reconciler.item.filing import shown_in, state_at
from reconciler.item.foreign import is_whole
from reconciler.item.leaves import (
    after_names,
    leaves_at,
    lineage_of,
    member,
    places_in,
    plain_dot,
    value_at,
)
from reconciler.item.metadata import basis_of, decode, is_managed, is_named
from reconciler.item.names import names_in
from reconciler.item.plain import Began, before_names, began, knows_all, knows_put, library_states
from reconciler.item.replicated import ReplicatedItem
from reconciler.values.wire import Image, Path, Wires


def sightings(managed: Wires, item: ReplicatedItem, held: Image) -> Set[Dot]:
    """Return the writes of a managed image's item that a plain image shows to have been seen.

    HAZARD if one that is filed already showed any: what it shows there, it wrote itself.
    """
    if knows_put(item, held):
        return frozenset()
    rests_on_plain = began(item) is not Began.MANAGED
    saw = {
        dot
        for name, state in library_states(item)
        if isinstance(state, RegisterLww | CounterPn)
        and name in held
        and state.visible() == held[name]
        and not (rests_on_plain and knows_all(item, (name,), held[name], state))
        for dot in state.dots()
    }
    last = None if is_named(managed) else decode(managed)[0].tip
    if last is not None and Dot(last, item.context.heads[last]) in saw:
        return {dot for state in item.attributes.values() for dot in state.dots()}
    return saw


def saw_amount(saw: Set[Dot], item: ReplicatedItem, path: Path) -> bool:
    """Return whether who saw these writes saw all that the library had added to an amount."""
    state = state_at(item, path)
    if not isinstance(state, CounterPn):
        return True
    return _cover(saw, state.slots)


def saw_value(saw: Set[Dot], state: Crdt) -> bool:
    """Return whether who saw these writes saw the one whose value a register holds.

    HAZARD if who saw none had seen a value that only others wrote: a named write on an older image
    would remove that.
    """
    return bool(saw) and _cover(saw, state.dots())


def _cover(saw: Set[Dot], dots: Iterable[Dot]) -> bool:
    return all(
        any(seen.lineage == dot.lineage and seen.hlc >= dot.hlc for seen in saw)
        for dot in dots
        if dot.lineage.replica != ADOPTED
    )


def may_hold_names(image: Wires, named: Wires, key: Image) -> bool:
    """Return whether a plain image shows what named writes made of another one, which stand in it
    no more, or has an amount that they added to and that is none of both: nobody knows whether
    that is in it.

    HAZARD if that counted beside them: whoever read an item and put it counts them twice.
    """
    before, after, shown = before_names(named, key), shown_in(named, key), shown_in(image, key)

    put = before_names(image, key)

    def holds(edit: Edit) -> bool:
        was = value_at(before, edit.path)
        if edit.verb == "increment" and value_at(put, edit.path) not in (None, was):
            return True
        return bool(value_at(shown, edit.path) == value_at(after, edit.path) != was)

    stand = {name.dot.lineage for name in names_in(image)}
    gone = (name for name in names_in(named) if name.dot.lineage not in stand)
    return any(holds(edit) for name in gone for edit, _ in name.done)


def with_taken(item: ReplicatedItem, image: Wires, other: ReplicatedItem) -> ReplicatedItem:
    """Return an image's item that knows what its named writes took the place of in another one.

    That is what was written around the library to the very image that the names were put on: they
    do not tell it. HAZARD without it: such a value, whose loss was seen later, stands again.
    """
    if not is_managed(image) or not is_named(image):
        return item
    names = [name for name in names_in(image) if not other.context.covers(name.dot)]
    done = [edit for name in names for edit, _ in name.done]
    edits = [edit for edit in done if is_whole(edit)]
    states = [(edit, state_at(other, edit.path)) for edit in edits]
    # A map that others made is one value: who writes in it writes that anew.
    around = (edit.path[:length] for edit in done for length in range(1, len(edit.path)))
    maps = [(path, state) for path in around if type(state := state_at(other, path)) is RegisterLww]
    # A register_max keeps the greatest value that anybody assigned.
    gone = [
        (edit.path, state)
        for edit, state in states
        if edit.verb == "remove" or not isinstance(state, RegisterMax)
    ]
    foreign = [
        (place, state)
        for place, state in other.foreign.items()
        if any(place[: len(edit.path)] == edit.path for edit in edits)
    ]
    return _knowing(item, basis_of(image), [*gone, *foreign, *maps])


def with_later(
    item: ReplicatedItem, image: Wires, other: ReplicatedItem, before: Wires
) -> ReplicatedItem:
    """Return an image's item that knows the values which others put on the same version of it in
    one that it took the place of, where it has any that is new to that one.

    Of raw values the later stands, as DynamoDB leaves it, and a named one that is metadata by now
    may have replaced it, on whatever version: it stands over what others put there at once.
    HAZARD without it: the earlier one is found lost, and stands again over all that was written
    since.
    """
    is_of_one = basis_of(image) == basis_of(before)
    later = {
        path
        for path, state in registers_in((), item.attributes)
        if (is_of_one or _is_by_name(state)) and not all(map(other.context.covers, state.entries))
    }
    earlier = registers_in((), other.attributes)
    return _knowing(item, basis_of(before), (each for each in earlier if each[0] in later))


def _is_by_name(state: RegisterLww) -> bool:
    return all(is_code_of_names(dot.lineage.replica) for dot in state.entries)


def with_amounts_of(item: ReplicatedItem, put: Image, other: ReplicatedItem) -> ReplicatedItem:
    """Return an item that a plain image took the place of, which knows the amounts that another
    one began on since, and counts none of them.

    They may hold what the library had added, as others wrote on the put before it did, unless the
    put showed that its writer had not seen that, and counts.
    HAZARD without it: all that the library had added to a plain item before counts twice.
    """
    if not began(item) <= began(other) < Began.MANAGED:
        return item
    dots = [dot for name in item.attributes for dot in _amounts_held(name, item, put, other)]
    if not dots:
        return item
    context = item.context.with_dot(plain_dot(began(other).mark()))
    return replace(item, context=reduce(CausalContext.with_dot, dots, context))


def _amounts_held(
    name: str, item: ReplicatedItem, put: Image, other: ReplicatedItem
) -> Sequence[Dot]:
    """Return the amounts of a plain image that may hold what the library had added to another."""
    state, theirs = item.attributes[name], other.attributes.get(name)
    if not isinstance(state, CounterPn) or theirs is None or name not in put:
        return []
    is_by_library = any(dot.lineage.replica != ADOPTED for dot in state.slots)
    shown = map(plain_dot, leaves_at((name,), put[name], state.spec()))
    if not is_by_library or any(dot in state.slots for dot in shown):
        return []
    return [d for d in theirs.dots() if d.hlc in PLAIN and not item.context.covers(d)]


def with_earlier(item: ReplicatedItem, other: ReplicatedItem) -> ReplicatedItem:
    """Return an item that knows the values which others put on a version of it in another one,
    where it knows one that was put at the same place of the same version, and moved on from that.

    Of raw values the later stands, and whoever took its place, or deleted the item, saw that one.
    HAZARD without it: a value that lasted for a moment, between two writes of one writer, is found
    lost in a region that never saw the second one, and brings back the whole item, or stands over
    all that was written there since.
    """
    known, context = places_in(item.context.heads), item.context
    if item.exists:
        dots = [
            dot
            for path, state in registers_in((), other.attributes)
            for dot in _earlier(item, path, state)
        ]
    else:
        dots = [Dot(*head) for head in other.context.heads.items()]
    for dot in dots:
        if places_in([dot.lineage]) & known:
            context = context.with_dot(dot)
    return replace(item, context=context)


def _earlier(item: ReplicatedItem, path: Path, state: RegisterLww) -> Iterator[Dot]:
    """Yield the entries of a register at whose place nothing stands in an item's own state there,
    of a type by now or not, if anything does.

    HAZARD if none need stand: of what was removed nothing does.
    """
    ours = state_at(item, path)
    lineages = [dot.lineage for dot in ours.dots()] if ours is not None else []
    if lineages:
        stand = places_in(lineages)
        yield from (dot for dot in state.entries if not places_in([dot.lineage]) & stand)


def _knowing(
    item: ReplicatedItem, basis: str, states: Iterable[tuple[Path, Crdt | None]]
) -> ReplicatedItem:
    context = item.context
    for path, state in states:
        for dot in _put_on(basis, path, state):
            context = context.with_dot(dot)
    return replace(item, context=context)


def registers_in(path: Path, states: Mapping[str, Crdt]) -> Iterator[tuple[Path, RegisterLww]]:
    for name, state in states.items():
        if isinstance(state, MapOr):
            yield from registers_in((*path, name), state.fields)
        elif isinstance(state, RegisterLww):
            yield (*path, name), state


def _put_on(basis: str, path: Path, state: Crdt | None) -> Sequence[Dot]:
    """Return what others did to a leaf on an image, by the names of these writes."""
    if isinstance(state, MapOr):
        inside = (_put_on(basis, (*path, key), each) for key, each in state.fields.items())
        return [dot for dots in inside for dot in dots]
    names = []
    if isinstance(state, DotFunction):
        alone = (type(state)({dot: value}) for dot, value in state.entries.items())
        names = [f"={value_text(each.visible())}" for each in alone]
    elif isinstance(state, ElementSet) and state.kind:
        names = [member(path, {state.kind: [element]}).name for element in state.elements]
    elif isinstance(state, CounterPn):
        names = [ADDED]
    done = {
        lineage_of(token, OutsideChange(path, name, None))
        for name in names
        for token in (basis, after_names(basis))
    }
    return [dot for dot in state.dots() if dot.lineage in done] if state is not None else []
