"""What a plain image held before named writes, as far as their names tell. Pure."""

from collections.abc import Iterator, Sequence, Set
from decimal import Decimal

from reconciler.crdt.base import Edit
from reconciler.crdt.counter_pn import exact_sum
from reconciler.item.leaves import value_at
from reconciler.item.names import Name
from reconciler.values.wire import SET_KINDS, Image, Path, Wire, rounded_number_text

_ZERO: Wire = {"N": "0"}


def undone(held: Image, names: Sequence[Name]) -> Image:
    """Return what a plain image held before named writes: what they took is not known any more."""
    held = _all_undone(held, names)
    # Who adds to nothing makes a number. HAZARD if each 0 on the way back were taken for nothing.
    for path in _zeros(held, names):
        held = _undone(held, path, Edit(path, "remove"))
    return held


def sums_of_names(held: Image, names: Sequence[Name]) -> Set[Path]:
    """Return where all of a number was added by names: before them there was nothing, or 0."""
    return _zeros(_all_undone(held, names), names)


def _all_undone(held: Image, names: Sequence[Name]) -> Image:
    for edit in _edits(names):
        held = _undone(held, edit.path, edit)
    return held


def _zeros(held: Image, names: Sequence[Name]) -> Set[Path]:
    added = {edit.path for edit in _edits(names) if edit.verb == "increment"}
    return {path for path in added if value_at(held, path) == _ZERO}


def _edits(names: Sequence[Name]) -> Iterator[Edit]:
    """Yield what names did, the last first."""
    for name in reversed(names):
        yield from (edit for edit, _ in reversed(name.done))


def _undone(fields: Image, path: Path, edit: Edit) -> Image:
    name, *rest = path
    value = fields.get(name)
    before: Wire | None = None
    if rest:
        if value is None or "M" not in value:
            return fields
        nested = _undone(value["M"], tuple(rest), edit)
        before = {"M": nested} if nested else None
    elif value is not None and edit.value is not None:
        before = _before(value, edit.verb, edit.value)
    left = {other: held for other, held in fields.items() if other != name}
    return left if before is None else {**left, name: before}


def _before(value: Wire, verb: str, given: Wire) -> Wire | None:
    if verb == "increment" and "N" in value and "N" in given:
        amount = exact_sum([Decimal(value["N"]), Decimal(given["N"]).copy_negate()])
        return {"N": rounded_number_text(amount)}
    ((kind, members),) = given.items()
    if verb == "discard":
        return value
    if verb == "add" and kind in SET_KINDS and kind in value:
        left = [each for each in value[kind] if each not in members]
        return {kind: left} if left else None
    return None
