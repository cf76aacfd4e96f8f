"""Equality of items in DynamoDB's wire format.

Two items are the same if DynamoDB stores them alike: numbers by value, sets whatever their order,
everything else exactly.
Shapes: an item is `{attribute: {"S" | "N" | "B" | "M" | ...: value}}`.
Source: Amazon DynamoDB API reference, AttributeValue.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

Item = Mapping[str, Mapping[str, Any]]


def same_item(one: Item | None, other: Item | None) -> bool:
    """Tell whether replacing one item by the other would change anything a reader can see."""
    if one is None or other is None:
        return one is other
    return one == other or _canonical_map(one) == _canonical_map(other)


def _canonical_map(attributes: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, Any]]:
    return {name: _canonical(value) for name, value in attributes.items()}


def _canonical(value: Mapping[str, Any]) -> tuple[str, Any]:
    """Return a comparable form; the type stays in it, for {"N": "0"} is not {"BOOL": false}."""
    [(kind, content)] = value.items()
    match kind:
        case "N":
            return kind, _number(content)
        case "NS":
            return kind, frozenset(map(_number, content))
        case "SS" | "BS":
            return kind, frozenset(content)
        case "L":
            return kind, [_canonical(element) for element in content]
        case "M":
            return kind, _canonical_map(content)
        case _:
            return kind, content


def _number(text: str) -> Decimal | str:
    try:
        return Decimal(text)
    except InvalidOperation:
        return text
