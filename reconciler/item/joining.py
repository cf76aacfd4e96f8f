"""What two items of one key make together: the join of their states. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce

from reconciler.causality.context import (
    ADOPTED,
    BY_A_PUT,
    FROM_PLAIN,
    CausalContext,
    Dot,
    greatest,
    is_code_of_names,
)
from reconciler.causality.hlc import Hlc
from reconciler.crdt.base import Crdt, OutsideChange, Spec, join_states, surviving_dots
from reconciler.crdt.counter_pn import CounterPn
from reconciler.crdt.counter_slots import (
    OF_IMAGES,
    PLAIN,
    Slots,
    greatest_amount,
    is_added,
    plain_amount,
    without_baseless,
)
from reconciler.crdt.map_or import MapOr
from reconciler.crdt.register_lww import RegisterLww
from reconciler.crdt.register_mv import RegisterMv
from reconciler.crdt.set_aw import SetAw
from reconciler.item.filing import state_at
from reconciler.item.leaves import is_untyped, leaves_at, lineage_in_plain, member, plain_dot, typed
from reconciler.item.names import place_of_all
from reconciler.item.plain import Began, began, put_of
from reconciler.item.replicated import ReplicatedItem
from reconciler.item.sightings import registers_in
from reconciler.values.wire import Path


def joined(left: ReplicatedItem, right: ReplicatedItem) -> ReplicatedItem:
    """Return the join of two items of one key: no new dot, no tip."""
    left, right = _typed_by(left, right), _typed_by(right, left)
    left, right = _without_unshown(left, right), _without_unshown(right, left)
    left, right = beside(left, right), beside(right, left)
    left, right = _without_held(left, right), _without_held(right, left)
    left, right = _knowing(left, right), _knowing(right, left)
    left, right = _over_plain(left, right), _over_plain(right, left)
    left, right = _over_taken(left, right), _over_taken(right, left)
    mine, theirs = left.context, right.context
    one, other = left.attributes, right.attributes
    attributes = {
        name: join_states(one.get(name), other.get(name), mine, theirs, (name,))
        for name in sorted(one.keys() | other.keys())
    }
    nothing = RegisterLww()
    foreign = {
        place: (left.foreign.get(place) or nothing).join(
            right.foreign.get(place) or nothing, mine, theirs
        )
        for place in sorted(left.foreign.keys() | right.foreign.keys())
    }
    expiries = [each for each in (left.expires, right.expires) if each is not None]
    return ReplicatedItem(
        key=left.key,
        attributes=attributes,
        context=mine.join(theirs),
        alive=surviving_dots(left.alive, right.alive, mine, theirs),
        dead=surviving_dots(left.dead, right.dead, mine, theirs),
        expires=max(expiries, default=None),
        expires_by=left.expires_by | right.expires_by,
        foreign={place: state for place, state in foreign.items() if not state.is_empty()},
        time=max(left.time, right.time),
        marks=greatest(left.marks.items(), right.marks.items()),
    )


def _typed_by(item: ReplicatedItem, other: ReplicatedItem) -> ReplicatedItem:
    """Return an item with the types that another one knows.

    HAZARD if that came after what a plain image showed of amounts was taken out: of no type yet, it
    would stay, with the library's amounts in it.
    HAZARD if what is foreign there were of no type here: one write in two places goes from both.
    """
    states: Mapping[str, Crdt] = {
        name: typed(state, _spec(other.attributes.get(name)), name) or state
        for name, state in item.attributes.items()
    }
    foreign = dict(item.foreign)
    for place in other.foreign:
        states, found = _without_untyped(states, place)
        foreign |= {} if found is None or place in foreign else {place: found}
    return replace(item, attributes=states, foreign=foreign)


def _without_untyped(
    states: Mapping[str, Crdt], place: Path
) -> tuple[Mapping[str, Crdt], RegisterLww | None]:
    """Return states without the register of no type that is at a place, and that register."""
    name, *rest = place
    state = states.get(name)
    left = {other: held for other, held in states.items() if other != name}
    if rest and isinstance(state, MapOr):
        fields, found = _without_untyped(state.fields, tuple(rest))
        return {**left, name: MapOr(fields)}, found
    if rest or not isinstance(state, RegisterLww) or not is_untyped(state):
        return states, None
    return left, state


def _spec(state: Crdt | None) -> Spec | None:
    return state.spec() if state is not None else None


def _without_unshown(item: ReplicatedItem, other: ReplicatedItem) -> ReplicatedItem:
    """Return an item without what puts changed amounts by, where the other one has a put over
    amounts of the library's that are new to it, nor what a plain image showed of an amount that
    the other one did not begin on, or began on while here are names on a plain image alone.

    A later put may rest on that one, and hold them: nothing shows that its writer did not see them.
    HAZARD if both counted: what the library added would twice.
    """
    known, heads = item.context, other.context.heads
    is_put_over = any(plain_dot(each.mark()).lineage in heads for each in Began)
    if not (is_put_over and any(heads[k] == FROM_PLAIN for k in heads.keys() - known.heads.keys())):
        return item

    def shown(state: Crdt, against: Crdt | None) -> Crdt:
        if isinstance(state, MapOr):
            fields = against.fields if isinstance(against, MapOr) else {}
            return MapOr({k: shown(each, fields.get(k)) for k, each in state.fields.items()})
        if not isinstance(state, CounterPn) or not isinstance(against, CounterPn):
            return state
        by_library = (dot for dot in against.slots if dot.lineage.replica != ADOPTED)
        if all(map(known.covers, by_library)):
            return state
        # HAZARD if what the library began on went: a put with names on it was made later than that.
        both_began = plain_amount(against.slots) is not None and not _is_of_names(item)
        kinds = (BY_A_PUT,) if both_began else _OF_PUTS
        gone = {d for d in state.slots if d.hlc in kinds and not other.context.covers(d)}
        return replace(state, slots={d: n for d, n in state.slots.items() if d not in gone})

    states = item.attributes.items()
    left = {name: shown(state, other.attributes.get(name)) for name, state in states}
    return replace(item, attributes=left)


def beside(item: ReplicatedItem, other: ReplicatedItem) -> ReplicatedItem:
    """Return an item as it is joined with another one.

    Where more is known of how the other one began, the amounts of the plain image that this one
    began on do not count: what they rest on is in the other one, by its own names.
    HAZARD if they did: all of them, the library's included, would be counted twice.
    HAZARD if named writes alone said how an item began: what they were made on would be gone.
    """
    known = began(other)
    if began(item) >= known or _is_of_names(other):
        return item
    # Where nothing was there before names, no amount that others put there since rests on any.
    is_on_nothing = lineage_in_plain(put_of({})) in item.context.heads
    kinds = _OF_PUTS if is_on_nothing else OF_IMAGES
    states = {
        name: _without_plain_amounts(state, other.attributes.get(name), kinds)
        for name, state in item.attributes.items()
    }
    return replace(item, attributes=states, context=item.context.with_dot(plain_dot(known.mark())))


def _without_held(item: ReplicatedItem, other: ReplicatedItem) -> ReplicatedItem:
    """Return an item without what others added to it, where the other one has puts that are new.

    What a put holds, or changed, of an amount has in it what its writer saw added, by no name.
    HAZARD if both counted: what was added to an item before it was deleted and put would twice.
    """

    def rest(state: Crdt, against: Crdt | None) -> Crdt:
        if isinstance(state, MapOr):
            fields = against.fields if isinstance(against, MapOr) else {}
            return MapOr({k: rest(each, fields.get(k)) for k, each in state.fields.items()})
        if not isinstance(state, CounterPn) or not isinstance(against, CounterPn):
            return state
        news = {dot.hlc for dot in against.slots if not item.context.covers(dot)}
        held_by = _held_by(state.slots, against.slots)

        def is_held(dot: Dot) -> bool:
            kinds = _OF_PUTS if is_added(dot) else held_by.get(dot.hlc, ())
            return not news.isdisjoint(kinds) and not other.context.covers(dot)

        kept = without_baseless((d for d in state.slots if not is_held(d)), [state.slots])
        return replace(state, slots={dot: state.slots[dot] for dot in kept})

    states = item.attributes.items()
    held = {name: rest(state, other.attributes.get(name)) for name, state in states}
    return replace(item, attributes=held)


def _held_by(slots: Slots, others: Slots) -> Mapping[Hlc, tuple[Hlc, ...]]:
    """Return which amounts of one state stand in which of another, if those are new to it.

    The greater plain amount holds what puts changed the lesser by; a put on none, the one before.
    """
    base, theirs = plain_amount(slots), plain_amount(others)
    if theirs is None:
        return dict.fromkeys(PLAIN, (BY_A_PUT,))
    is_lesser = base is not None and base != theirs == greatest_amount([base, theirs])
    return {BY_A_PUT: PLAIN} if is_lesser else {}


def _knowing(item: ReplicatedItem, other: ReplicatedItem) -> ReplicatedItem:
    """Return an item that knows what others wrote in the other one, where it knows that as plain.

    A put on top of such a value shows it by no name but its own. Who took its place there saw it.
    HAZARD if it stood: a loss of it undoes that write, by when it was seen or as a member added.
    HAZARD if it went where the other one knows the plain one, too: it was written later than that.
    """
    known, theirs = item.context, other.context
    for name, state in other.attributes.items():
        for dot, leaf in _raw((name,), state):
            shown = plain_dot(leaf)
            if not known.covers(dot) and known.covers(shown) and not theirs.covers(shown):
                known = known.with_dot(dot)
    return item if known is item.context else replace(item, context=known)


def _over_plain(item: ReplicatedItem, other: ReplicatedItem) -> ReplicatedItem:
    """Return an item that knows the values that a plain image showed in the other one where the
    library wrote here what that one does not know.

    HAZARD if they were ranked by when they were seen: what was there before the library, or a name,
    wrote it comes back with the first library write of a region that had not heard of that.
    """
    known = item.context
    for path, state in registers_in((), other.attributes):
        ours = (d for d in (state_at(item, path) or state).dots() if d.lineage.replica != ADOPTED)
        is_plain = all(dot.hlc == FROM_PLAIN for dot in state.entries)
        if is_plain and not all(map(other.context.covers, ours)):
            known = reduce(CausalContext.with_dot, state.entries, known)
    return item if known is item.context else replace(item, context=known)


def _over_taken(item: ReplicatedItem, other: ReplicatedItem) -> ReplicatedItem:
    """Return an item that knows what a plain item had, in the other one, where its names took that.

    HAZARD without it: whoever wrote on the plain item elsewhere brings back what a name removed.
    """
    known = item.context

    def is_taken(path: Path) -> bool:
        marks = (place_of_all(path[: length + 1]) for length in range(len(path)))
        lineages = map(lineage_in_plain, marks)
        return any(each in known.heads and each not in other.context.heads for each in lineages)

    dots = [
        dot
        for path, state in _leaves((), other.attributes)
        for dot in state.dots()
        if dot.hlc == FROM_PLAIN and is_taken(path)
    ]
    return replace(item, context=reduce(CausalContext.with_dot, dots, known)) if dots else item


def _leaves(path: Path, states: Mapping[str, Crdt]) -> Iterator[tuple[Path, Crdt]]:
    for name, state in states.items():
        if isinstance(state, MapOr):
            yield from _leaves((*path, name), state.fields)
        else:
            yield (*path, name), state


def _raw(path: Path, state: Crdt) -> Iterator[tuple[Dot, OutsideChange]]:
    """Yield what others wrote of values and members, and what a plain item showed of each."""
    if isinstance(state, MapOr):
        for key, field in state.fields.items():
            yield from _raw((*path, key), field)
    elif not any(map(is_added, state.dots())):
        return  # so in most, and then nothing is made of all that they hold
    elif isinstance(state, SetAw):
        for element, dots in state.elements.items():
            leaf = member(path, {state.kind or "": [element]})
            yield from ((dot, leaf) for dot in filter(is_added, dots))
    elif isinstance(state, RegisterLww | RegisterMv):
        for dot in filter(is_added, state.entries):
            shown = type(state)({dot: state.entries[dot]}).visible()
            if shown is not None:
                yield dot, leaves_at(path, shown, None)[0]


def _is_of_names(item: ReplicatedItem) -> bool:
    """Return whether named writes alone are in an item: they do not tell what they were made on."""
    context = item.context
    replicas = {*(lineage.replica for lineage in context.heads), *context.watermarks}
    return all(each == ADOPTED or is_code_of_names(each) for each in replicas)


def _without_plain_amounts(state: Crdt, other: Crdt | None, kinds: Sequence[Hlc]) -> Crdt:
    """Return a state without the amounts of those kinds that another one does not have."""
    if isinstance(state, MapOr):
        fields = other.fields if isinstance(other, MapOr) else {}
        return MapOr(
            {
                k: _without_plain_amounts(each, fields.get(k), kinds)
                for k, each in state.fields.items()
            }
        )
    if not isinstance(state, CounterPn):
        return state
    held = other.slots if isinstance(other, CounterPn) else {}
    # By how much a put changed such an amount means nothing without it.
    slots = {dot: n for dot, n in state.slots.items() if dot.hlc not in kinds or dot in held}
    return replace(state, slots=slots)


# Amounts that a whole plain image showed. HAZARD if numbers of no type were such, too: others put
# them on a managed image, so what they added there would go.
_OF_PUTS = (FROM_PLAIN, BY_A_PUT)
