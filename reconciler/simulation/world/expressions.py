"""What DynamoDB makes of a raw client's expression: wire image in, wire image out. Pure.

An expression that DynamoDB refuses changes nothing: a number added to text, a path into a map that
is not there. Edits are carried out one after the other, as those of one expression that do not
overlap.
Source: DynamoDB API Reference, UpdateItem; Developer Guide, "Using update expressions".
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Context, Decimal
from typing import Any

from reconciler.crdt.base import Edit
from reconciler.item.metadata import EXPIRY, NAMES, hidden_in
from reconciler.item.standing import standing_in, takes_names
from reconciler.ports import Naming, Superseded
from reconciler.values.wire import MAX_DIGITS, SET_KINDS, Image, Wire, number_text

_LESS = ("remove", "discard")  # for these nobody makes a map
_EXACT = Context(prec=MAX_DIGITS)


class Refused(Exception):
    """DynamoDB answers ValidationException."""


def without_metadata(image: Mapping[str, Wire] | None) -> Image:
    """Return what a client knows of an item that writes its own attributes only."""
    held = image or {}
    hidden = hidden_in(held)
    return {name: value for name, value in held.items() if name not in hidden}


def applied(image: Mapping[str, Wire], edits: Iterable[Edit], *, with_maps: bool = False) -> Image:
    """Return an item after an expression; Refused if DynamoDB would refuse it.

    `with_maps`: a client that finds no map there assigns one, with what it writes inside.
    """
    after = dict(image)
    for edit in edits:
        after = _at(after, edit.path, edit, with_maps=with_maps)
    return after


def after_naming(image: Image | None, write: Naming) -> Image | Superseded:
    """Return an item after a named write of the library, as `DynamoItems` has it carried out."""
    held: Image = image or {}
    if "L" not in held.get(NAMES, {"L": []}):
        raise Refused("list_append takes lists")
    listed: list[Any] = held.get(NAMES, {}).get("L", [])
    standing = write.standing
    if standing is None:
        if not takes_names(image):
            return Superseded(image)
        after = {name: value for name, value in held.items() if name != EXPIRY}
        listed = [*listed, write.element]
    else:
        if standing_in(held, standing.element) != standing:
            return Superseded(image)
        after = held
        listed = [*listed]
        listed[standing.place] = write.element
    return {**applied({**write.key, **after}, write.edits), NAMES: {"L": listed}}


def _at(fields: Image, path: tuple[str, ...], edit: Edit, *, with_maps: bool) -> Image:
    name, *rest = path
    if rest:
        inner = fields.get(name, {"M": {}} if with_maps and edit.verb not in _LESS else {})
        if "M" not in inner:
            raise Refused(f"the path {'.'.join(edit.path)} is not there")
        return {**fields, name: {"M": _at(inner["M"], tuple(rest), edit, with_maps=with_maps)}}
    value = _VERBS[edit.verb](fields.get(name), edit.value)
    left = {other: held for other, held in fields.items() if other != name}
    return left if value is None else {**left, name: value}


def _increment(held: Wire | None, given: Any) -> Wire:
    if held is not None and "N" not in held:
        raise Refused("a number is added to what is none")
    before = Decimal(held["N"]) if held else Decimal(0)
    return {"N": number_text(_EXACT.add(before, Decimal(given["N"])))}


def _members(held: Wire | None, given: Wire) -> tuple[str, set[Any], set[Any]]:
    ((kind, members),) = given.items()
    if kind not in SET_KINDS or (held is not None and kind not in held):
        raise Refused("members go to a set of their kind")
    return kind, set(held[kind]) if held else set(), set(members)


def _add(held: Wire | None, given: Any) -> Wire:
    kind, before, members = _members(held, given)
    return {kind: sorted(before | members)}


def _discard(held: Wire | None, given: Any) -> Wire | None:
    kind, before, members = _members(held, given)
    left = sorted(before - members)
    return {kind: left} if left else None  # DynamoDB has no empty set


def _append(held: Wire | None, given: Any) -> Wire:
    if held is not None and "L" not in held:
        raise Refused("a list is appended to what is none")
    return {"L": [*(held["L"] if held else ()), *given["L"]]}


_VERBS: Mapping[str, Callable[[Wire | None, Any], Wire | None]] = {
    "assign": lambda _, given: given,
    "remove": lambda *_: None,
    "increment": _increment,
    "add": _add,
    "discard": _discard,
    "append": _append,
}
