"""The edits that a local write can be made of, one function for each verb.

`where` is an attribute's name, or a path of names that reaches into maps, such as ("address",
"city"). Values are plain Python values and become DynamoDB's here. Whether an edit fits the
attribute's type is for the write to say: only it knows the schema.
Errors: InvalidInput for a path that is none and for a value that DynamoDB cannot hold.
"""

from decimal import Decimal
from typing import Any

from reconciler.crdt.base import Edit
from reconciler.errors import InvalidInput
from reconciler.values.wire import Path, canonical, check_names, label, to_wire

Where = str | Path


def assign(where: Where, value: Any) -> Edit:
    """Return the edit that sets an attribute or a field to a value."""
    path = path_of(where)
    return Edit(path, "assign", canonical(to_wire(value, path)))


def remove(where: Where) -> Edit:
    """Return the edit that takes an attribute or a field away."""
    return Edit(path_of(where), "remove")


def increment(where: Where, amount: int | Decimal = 1) -> Edit:
    """Return the edit that adds to a counter; a negative amount subtracts."""
    path = path_of(where)
    return Edit(path, "increment", canonical(to_wire(amount, path)))


def add(where: Where, *elements: Any) -> Edit:
    """Return the edit that adds elements, of one kind, to a set."""
    return _voting("add", where, elements)


def discard(where: Where, *elements: Any) -> Edit:
    """Return the edit that discards elements, of one kind, from a set."""
    return _voting("discard", where, elements)


def delete() -> Edit:
    """Return the edit that deletes the item."""
    return Edit((), "delete")


def keep() -> Edit:
    """Return the edit that makes an item be there, whatever it holds."""
    return Edit((), "keep")


def path_of(where: Where) -> Path:
    """Return where an edit goes as a path; InvalidInput if it is none."""
    path = (where,) if isinstance(where, str) else tuple(where)
    if not path or not all(isinstance(name, str) and name for name in path):
        raise InvalidInput(f"{where!r} is not an attribute name or a path of names")
    check_names(path)
    return path


def _voting(verb: str, where: Where, elements: tuple[Any, ...]) -> Edit:
    path = path_of(where)
    try:
        given = set(elements)
    except TypeError:
        raise InvalidInput(
            f"{label(path)}: {verb} takes the elements one by one: strings, numbers or bytes"
        ) from None
    return Edit(path, verb, canonical(to_wire(given, path)))
