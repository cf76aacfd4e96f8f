"""A plain image over a managed one: what it changed is filed, and what was beneath stays. Pure.

A put without metadata says neither what its writer saw nor what it changed: that is its difference
to the image it took the place of, which is another in each region. Each difference is a write of
its own over the states beneath, and all that file the put know all names that one can have: a merge
drops what only some of them found, so there what the library wrote stands.
HAZARD if it took the place of those states: a put undoes library writes that it never saw.
HAZARD if a filing did not name the image beneath: a record in which another filing takes the place
of it looks clean, and what only the other one found stays.
Limits: of what a put leaves out, registers are taken away that it shows to have been seen; members,
map fields and amounts stay. What it changed an amount by is dropped where two regions found two
differences, where it does not show that its writer saw that amount, or where a region filed it over
an image that it did not take the place of. A value that was there before stands again only if the
put shows that its writer saw the library write that took its place.
"""

from collections.abc import Sequence, Set
from dataclasses import replace
from decimal import Decimal
from itertools import chain, count

from reconciler.causality.context import Dot
from reconciler.causality.hlc import Hlc
from reconciler.crdt.base import Crdt, Edit, LocalWrite, OutsideChange
from reconciler.crdt.counter_pn import ADDED, CounterPn, exact_sum
from reconciler.crdt.map_or import MapOr
from reconciler.crdt.register_lww import RegisterLww
from reconciler.item.filing import changed_by, file, is_untyped_number, shown_in, state_at
from reconciler.item.joining import joined
from reconciler.item.leaves import (
    ADDED_BY_PUT,
    is_amount,
    is_shown,
    leaves_of,
    lineage_in_plain,
    lineage_of,
    plain_dot,
    types_of,
    value_at,
)
from reconciler.item.metadata import METADATA, NAMES, basis_of, hidden_in, is_named
from reconciler.item.names import Name, meet, names_in
from reconciler.item.plain import (
    PLAIN_ITEM,
    before_names,
    began,
    file_plain,
    is_made_of_names,
    is_version,
    knows_put,
    named_over,
    put_of,
    put_over,
    stands_alone,
    version_over,
)
from reconciler.item.replaying import replayed
from reconciler.item.replicated import ReplicatedItem
from reconciler.item.sightings import saw_amount, saw_value, sightings
from reconciler.values.wire import Image, Path, Wire, Wires, rounded_number_text, to_json


def beneath(
    managed: Wires, image: Wires, seen: Hlc | None = None, *, is_direct: bool = True
) -> ReplicatedItem:
    """Return a managed image's item once a plain image, which took its place, is in it.

    `is_direct`: it took the place of just this one. If not, what it changed amounts by is unknown.
    """
    item = file(managed, seen)
    if stands_alone(managed) or is_made_of_names(image, item.key):
        return joined(file_plain(image, item.key, types_of(item, image), seen), item)
    own = {NAMES: image[NAMES]} if NAMES in image else {}
    hidden = hidden_in({**image, METADATA: managed[METADATA]})
    image = {name: value for name, value in image.items() if name not in hidden} | own
    before = before_names(image, item.key)
    saw = sightings(managed, item, shown_in(before, item.key)) if is_direct else None
    put = _put_over(item, before, seen, basis_of(managed), saw)
    if not is_named(image):
        return put
    if is_version(before, item):
        return joined(put, file_plain(image, item.key, types_of(item, image), seen))
    names = names_in(image)
    shown = shown_in(image, item.key)
    moved = _moved(shown, replayed(put, names, shown, "").shown(), names)
    return named_over(put, {**item.key, **moved, NAMES: image[NAMES]}, seen, types_of(put, image))


def _moved(image: Wires, made: Image, names: Sequence[Name], path: Path = ()) -> Image:
    """Return what readers would see had names been put on a filed put, of which they `made` that.

    Only what they assigned tells what was done around the library since.
    HAZARD if all that a put left out, and stays, or holds, and does not count, were such a change,
    or what a name put there itself: the library may have written over that since.
    """
    assigned = [e.path for n in names for e, _ in n.done if e.verb in ("assign", "remove")]
    moved: dict[str, Wire] = {}
    for name in sorted(image.keys() | made.keys()):
        here, value = (*path, name), made.get(name)
        met = [each for each in assigned if meet(each, here)]
        if met:
            held, within = image.get(name), all(len(each) > len(here) for each in met)
            if within and value and "M" in value and (held is None or "M" in held):
                held = {"M": _moved((held or {}).get("M", {}), value["M"], names, here)}
            value = value if _is_of_names(held, here, names) else held
        if value is not None:
            moved[name] = value
    return moved


def _is_of_names(value: Wire | None, path: Path, names: Sequence[Name]) -> bool:
    """Return whether the last thing that names did at a path was to put that value there."""
    done = [edit for name in names for edit, _ in name.done if meet(edit.path, path)]
    last = done[-1]
    is_said = last.verb == "remove" or (last.verb == "assign" and last.value is not None)
    return last.path == path and is_said and last.value == value


def _put_over(
    item: ReplicatedItem, image: Image, seen: Hlc | None, token: str, saw: Set[Dot] | None
) -> ReplicatedItem:
    item = _without_added(item, token)
    held = shown_in(image, item.key)
    base = f"{token} {to_json(item.shown())}"
    if (
        item.exists
        and knows_put(item, image)
        and _but_amounts(item, held) == _but_amounts(item, item.shown())
    ):
        return item  # it is filed, and what it changed amounts by may have been left out
    if is_version(image, item):
        return version_over(item, image, seen, base, is_direct=saw is not None)
    if not item.exists:
        return _begun_anew(item, held, seen, base)
    return _overlaid(item, held, seen, base, saw)


def _but_amounts(item: ReplicatedItem, held: Image) -> Image:
    counters = {n for n, state in item.attributes.items() if isinstance(state, CounterPn)}
    return {name: value for name, value in held.items() if name not in counters}


def _without_added(item: ReplicatedItem, token: str) -> ReplicatedItem:
    """Return an item without what was added around the library to the image with that token.

    A put on top of it holds that, too, as it does where the image was never seen so.
    """

    def rest(path: Path, state: Crdt) -> Crdt:
        if isinstance(state, MapOr):
            return MapOr({key: rest((*path, key), each) for key, each in state.fields.items()})
        if not isinstance(state, CounterPn):
            return state
        added = lineage_of(token, OutsideChange(path, ADDED, None))
        return replace(state, slots={d: n for d, n in state.slots.items() if d.lineage != added})

    return replace(item, attributes={n: rest((n,), each) for n, each in item.attributes.items()})


def _begun_anew(item: ReplicatedItem, held: Image, seen: Hlc | None, base: str) -> ReplicatedItem:
    """Return a deleted item once a put brought the key back: nothing of it shines through."""
    types, put = types_of(item, held), put_of(held)
    write = LocalWrite(plain_dot(put), item.context.watermarks, seen)
    sums = {n: s for n, s in item.attributes.items() if isinstance(s, CounterPn | MapOr)}
    cleared = replace(item, attributes={n: s.forget(write) for n, s in sums.items()}, foreign={})
    news = [PLAIN_ITEM, *leaves_of(held, types)]
    also = [*_known_of_base(item, held, base), put]
    return changed_by(cleared, news, plain_dot, seen, types, also=also)


def _overlaid(
    item: ReplicatedItem, held: Image, seen: Hlc | None, base: str, saw: Set[Dot] | None
) -> ReplicatedItem:
    """Return a managed item once a whole put that took its place lies over it.

    Each difference is a write of its own, and the states beneath stay. All that file the put know
    every name that it can have, so what one of them finds no difference in is dropped by a merge.
    """
    shown, types = item.shown(), types_of(item, held)
    put = _fresh(put_of(held), item)
    also = [*_known_of_base(item, held, base), put, *leaves_of(held, _no_type)]
    news: list[OutsideChange] = []
    for leaf in leaves_of(held, types):
        also.append(leaf)
        found = _amount(leaf, shown, item) or _fresh(leaf, item)
        is_added = found.name.startswith(ADDED_BY_PUT)
        is_known = saw is not None and saw_amount(saw, item, leaf.path)
        is_old = found.name != leaf.name and not is_added and not _saw_at(saw, item, leaf.path)
        if is_shown(leaf, shown) or (is_added and not is_known) or is_old:
            also.append(found)
        else:
            news.append(found)
    news += [
        put._replace(edit=Edit((name,), "remove"))
        for name in sorted(shown.keys() - held.keys())
        if (state := item.attributes.get(name, _REGISTER)).NAME == _REGISTER.NAME
        and saw is not None
        and saw_value(saw, state)
    ]
    return changed_by(item, news, plain_dot, seen, types, also=also)


def _saw_at(saw: Set[Dot] | None, item: ReplicatedItem, path: Path) -> bool:
    state = state_at(item, path)
    return saw is not None and (state is None or saw_value(saw, state))


def _known_of_base(item: ReplicatedItem, held: Image, base: str) -> list[OutsideChange]:
    return [began(item).mark(), put_over(held, base)]


def _no_type(_: str) -> None:
    """Return the type of an attribute as regions know it to which it is new."""


def _amount(leaf: OutsideChange, shown: Image, item: ReplicatedItem) -> OutsideChange | None:
    """Return by how much a put changed an amount; None if the leaf is none, for all that is known.

    A number that only writers around the library wrote may be one: another region has its type.
    """
    value = leaf.edit.value if leaf.edit else None
    if value is None or not (is_amount(leaf) or is_untyped_number(leaf, item)):
        return None
    named = _fresh(leaf._replace(name=f"{ADDED_BY_PUT}{leaf.name}"), item)
    if not is_amount(leaf):
        return named
    before = value_at(shown, leaf.path) or {"N": "0"}
    amount = exact_sum([Decimal(value["N"]), Decimal(before["N"]).copy_negate()])
    return named._replace(edit=Edit(leaf.path, "increment", {"N": rounded_number_text(amount)}))


def _fresh(change: OutsideChange, item: ReplicatedItem) -> OutsideChange:
    """Return a change under a name that nothing had before in this item."""
    names = (f"{change.name} {number}" for number in count(1))
    for name in chain([change.name], names):
        named = change._replace(name=name)
        if lineage_in_plain(named) not in item.context.heads:
            return named
    raise AssertionError("there is always one more number")


_REGISTER = RegisterLww()
