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

from reconciler.causality.context import ADOPTED, Dot
from reconciler.crdt.base import Crdt, Edit, OutsideChange, value_text
from reconciler.crdt.counter_pn import CounterPn
from reconciler.crdt.map_or import MapOr
from reconciler.crdt.register_lww import RegisterLww
from reconciler.item.filing import shown_in, state_at
from reconciler.item.leaves import lineage_of, places_in, value_at
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
    """Return whether who saw these writes saw the one whose value a register holds."""
    return _cover(saw, state.dots())


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
    edits = [edit for name in names for edit, _ in name.done if edit.verb in ("assign", "remove")]
    paths = [edit.path for edit in edits]
    return _knowing(item, basis_of(image), ((path, state_at(other, path)) for path in paths))


def with_later(
    item: ReplicatedItem, image: Wires, other: ReplicatedItem, before: Wires
) -> ReplicatedItem:
    """Return an image's item that knows the values which others put on the same version of it in
    one that it took the place of, where it has any that is new to that one.

    Of raw values the later stands, as DynamoDB leaves it, and a named one that is metadata by now
    may have replaced it. HAZARD without it: the earlier one is found lost, and stands again over
    all that was written since.
    """
    basis = basis_of(image)
    if basis != basis_of(before):
        return item
    later = {
        path
        for path, state in _registers((), item.attributes)
        if not all(map(other.context.covers, state.entries))
    }
    earlier = _registers((), other.attributes)
    return _knowing(item, basis, (each for each in earlier if each[0] in later))


def with_earlier(item: ReplicatedItem, other: ReplicatedItem) -> ReplicatedItem:
    """Return a deleted item that knows the values which others put on a version of it in another
    one, where it knows one that was put at the same place of the same version.

    Of raw values the later stands, and whoever deleted the item saw that one.
    HAZARD without it: a value that lasted for a moment, between two writes of one writer, is found
    lost in a region that never saw the second one, and brings back the whole item.
    """
    known, context = places_in(item.context.heads), item.context
    for lineage, hlc in other.context.heads.items():
        if places_in([lineage]) & known:
            context = context.with_dot(Dot(lineage, hlc))
    return replace(item, context=context)


def _knowing(
    item: ReplicatedItem, basis: str, states: Iterable[tuple[Path, Crdt | None]]
) -> ReplicatedItem:
    context = item.context
    for path, state in states:
        for dot in _put_on(basis, path, state):
            context = context.with_dot(dot)
    return replace(item, context=context)


def _registers(path: Path, states: Mapping[str, Crdt]) -> Iterator[tuple[Path, RegisterLww]]:
    for name, state in states.items():
        if isinstance(state, MapOr):
            yield from _registers((*path, name), state.fields)
        elif isinstance(state, RegisterLww):
            yield (*path, name), state


def _put_on(basis: str, path: Path, state: Crdt | None) -> Sequence[Dot]:
    """Return the values of a register that others put on an image, by the names of these writes."""
    entries = state.entries.items() if isinstance(state, RegisterLww) else ()
    return [
        dot
        for dot, value in entries
        if dot.lineage == lineage_of(basis, OutsideChange(path, f"={value_text(value)}", None))
    ]
