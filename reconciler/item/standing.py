"""Names that go on: a steady writer of an item keeps one name and adds to it. Pure.

Increments alone are added to, because they commute: those of a name count as made where it stands
in the list, however late they are. A name is added to by the client that drew its lineage, which is
why a later stamp there is that client's own.
HAZARD if something behind a name in the list set its counters: what is added then would be replayed
before that, and count as done around the library, too.
HAZARD if a name were added to for longer: a fold could cover its lineage first.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from reconciler.causality.context import Dot
from reconciler.causality.hlc import WALL_WIDTH, Stamp, number_of
from reconciler.crdt.base import Edit
from reconciler.crdt.counter_pn import exact_sum
from reconciler.errors import Undecodable
from reconciler.item.image import MOST_LINEAGES
from reconciler.item.metadata import (
    NAMES,
    context_of,
    heads_in,
    is_managed,
    is_tombstone_in,
    reading,
)
from reconciler.item.names import AT, BY, DONE, ID, LATEST, Name, meet, names_in
from reconciler.values.wire import Image, Wire, Wires, number_text

# Of an item that ever new clients write, names would pile up, each until it is folded.
# HAZARD without it: the item grows until DynamoDB takes no write of it any more.
MOST_BESIDE_A_NAME = MOST_LINEAGES // 2  # lineages, and names


class Standing(NamedTuple):
    """A name that its client may add to, as an answer showed it.

    It stands at `place` in a list of `size` names, the last of which is `last`.
    """

    element: Wire
    place: int
    size: int
    last: str


def name_of(replica: str, stamp: Stamp, done: Sequence[Wire]) -> Wire:
    """Return the element that names a write; its lineage is new."""
    wall, nonce = stamp.epoch[:WALL_WIDTH], stamp.epoch[WALL_WIDTH:]
    told: Image = {BY: {"S": replica}, AT: {"N": str(number_of(wall))}, ID: {"S": nonce}}
    return {"M": {**told, DONE: {"L": list(done)}}}


def takes_names(image: Wires | None) -> bool:
    """Return whether a client puts a name more on an item: it is managed, alive and not full.

    HAZARD if a plain item took one, or none: what others do to it around the library, before and
    after, is told apart by a write that takes it in, and by nothing else.
    """
    if image is None or not is_managed(image) or len(_listed(image)) >= MOST_BESIDE_A_NAME:
        return False
    most = MOST_BESIDE_A_NAME
    try:
        return reading(image, lambda each: not is_tombstone_in(each) and len(heads_in(each)) < most)
    except Undecodable:
        return False  # such as a newer release wrote


def standing_in(image: Wires, element: Wire) -> Standing | None:
    """Return a name as it stands in an image; None if it does not stand there as it is."""
    listed = _listed(image)
    if element not in listed:
        return None
    return Standing(element, listed.index(element), len(listed), _id(listed[-1]))


def meets_again(standing: Standing, image: Wires | None) -> Standing | None:
    """Return a name as it stands in a newer image; None if it must not be added to there."""
    again = standing_in(image or {}, standing.element)
    if image is None or again is None:
        return None
    behind = _listed(image)[again.place + 1 :]
    named = names_in({NAMES: {"L": behind}})
    if len(named) < len(behind) or any(_sets(each, standing.element) for each in named):
        return None
    return again


def _sets(name: Name, element: Wire) -> bool:
    """Return whether a name does something to the counters of another but add to them."""
    counters = [done.edit.path for done in _name(element).done]
    others = [done.edit.path for done in name.done if done.edit.verb != "increment"]
    return any(meet(path, counter) for path in others for counter in counters)


def added_to(standing: Standing, edits: Sequence[Edit], now_ms: int) -> Wire | None:
    """Return a name that tells further edits, too, at a later stamp; None if it cannot.

    HAZARD if it told of a counter that they leave alone: what was done to that would be as new, and
    a delete that saw it would leave a 0.
    """
    name, told = _name(standing.element), standing.element["M"]
    places = {done.edit.path: place for place, done in enumerate(name.done)}
    verbs = {done.edit.verb for done in name.done} | {edit.verb for edit in edits}
    if verbs != {"increment"} or {edit.path for edit in edits} != places.keys():
        return None
    done = list(told[DONE]["L"])
    for edit in edits:
        verb, path, amount, *rest = done[places[edit.path]]["L"]
        try:
            total = number_text(exact_sum([Decimal(amount["N"]), Decimal((edit.value or {})["N"])]))
        except ValueError:
            return None  # it has more digits than one number holds
        done[places[edit.path]] = {"L": [verb, path, {"N": total}, *rest]}
    latest_ms = max(now_ms, name.dot.hlc.wall_ms + 1)
    return {"M": {**told, DONE: {"L": done}, LATEST: {"N": str(latest_ms)}}}


def drawn_ms(element: Wire) -> int:
    """Return when a name was drawn."""
    return int(element["M"][AT]["N"])


def named_dot(element: Wire) -> Dot:
    """Return the dot of the write that a name says last."""
    return _name(element).dot


def says(image: Wires | None, dot: Dot) -> bool:
    """Return whether an image proves that a named write was carried out (W4).

    Its lineage is one client's own, so a later stamp there includes the write.
    """
    if image is None:
        return False
    if any(n.dot.lineage == dot.lineage and n.dot.hlc >= dot.hlc for n in names_in(image)):
        return True
    try:
        return is_managed(image) and context_of(image).heads.get(dot.lineage, "") >= dot.hlc
    except Undecodable:
        return False


def _name(element: Wire) -> Name:
    return names_in({NAMES: {"L": [element]}})[0]


def _listed(image: Wires) -> list[Any]:
    listed: list[Any] = image.get(NAMES, {}).get("L", [])
    return listed


def _id(element: Any) -> str:
    try:
        return str(element["M"][ID]["S"])
    except (KeyError, TypeError):
        return ""
