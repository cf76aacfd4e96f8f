"""Edits drawn by type: what clients do to an attribute, given its declared type.

Values collide where that is hard (members of sets, keys of maps) and are unique where it
helps to name what went wrong: increments are large and unlike any sum of others.
"""

from decimal import Decimal
from random import Random
from typing import Any

from reconciler.crdt.base import Edit
from reconciler.item.edits import add, assign, discard, increment, remove
from reconciler.item.image import DELETE
from reconciler.item.schema import AttributeSchema, Schema
from reconciler.simulation.plan.clash import CLASHING
from reconciler.values.wire import Path

_MEMBERS = ("a", "b", "c", "d", "e")
_FIELDS = ("m", "n", "o")
_INCREMENTS = (10**11, 10**12)
_REMOVAL, _WHOLE_MAP, _FRACTION = 0.06, 0.15, 0.05
_MOST_EDITS = 3


def draw_edits(
    drawn: Random, schema: Schema, number: int, deletes: float, *, clash: bool = False
) -> tuple[Edit, ...]:
    """Return the edits of operation `number`; with probability `deletes` they delete the item.

    `clash`: some are of the attribute on whose type the schemas of writers may disagree.
    """
    if drawn.random() < deletes:
        return (DELETE,)
    names = sorted(schema.attributes) or ["value"]
    names += [CLASHING] * clash
    several = min(drawn.choice((1, 1, 1, 2, _MOST_EDITS)), len(names))
    return tuple(
        draw_edit(drawn, schema.attributes.get(name), (name,), number)
        for name in drawn.sample(names, several)
    )


def draw_edit(drawn: Random, declared: AttributeSchema | None, path: Path, number: int) -> Edit:
    """Return one edit of the attribute, or the map field, at `path`."""
    kind = declared.type if declared else "register_lww"
    if path == (CLASHING,):
        return assign(path, drawn.randint(*_INCREMENTS))  # which any schema takes
    if kind == "map_or" and declared and drawn.random() >= _REMOVAL + _WHOLE_MAP:
        name = drawn.choice([*sorted(declared.fields), *_FIELDS])
        nested = declared.fields.get(name) or declared.values
        return draw_edit(drawn, nested, (*path, name), number)
    if drawn.random() < _REMOVAL:
        return remove(path)
    if kind == "counter_pn" and drawn.random() < 0.85:
        return increment(path, _increment(drawn))
    if kind in ("set_aw", "set_rw"):
        verb = drawn.choice((add, add, add, discard, discard, _assign_members))
        return verb(path, *_members(drawn))
    return assign(path, _value(drawn, declared, number))


def _assign_members(path: Path, *members: str) -> Edit:
    return assign(path, set(members))


def _value(drawn: Random, declared: AttributeSchema | None, number: int) -> Any:
    """Return a plain value to assign."""
    match declared.type if declared else "register_lww":
        case "counter_pn":
            return _increment(drawn)
        case "set_aw" | "set_rw":
            return _members(drawn)
        case "flag_ew":
            return drawn.random() < 0.5
        case "version":
            return number
        case "register_max" | "register_min":
            return drawn.randint(-50, 50)
        case "map_or" if declared:
            names = [*sorted(declared.fields), *_FIELDS]
            return {
                name: _value(drawn, declared.fields.get(name) or declared.values, number)
                for name in drawn.sample(names, drawn.randint(1, 2))
            }
    return f"v{number}"


def _increment(drawn: Random) -> int | Decimal:
    amount = drawn.randint(*_INCREMENTS) * drawn.choice((1, 1, 1, -1))
    return Decimal(amount) / 8 if drawn.random() < _FRACTION else amount


def _members(drawn: Random) -> set[str]:
    return set(drawn.sample(_MEMBERS, drawn.randint(1, 2)))
