"""Values in a body: what DynamoDB holds, and nothing else. Source: its guide, "Naming rules"."""

from collections.abc import Mapping
from typing import Any

from reconciler.errors import InvalidInput
from reconciler.text.plain_json import plain_value
from reconciler.values.wire import to_wire


def value_of(given: Any, name: str) -> Any:
    """Return the plain value that JSON stands for; InvalidInput for what no item can hold."""
    plain = plain_value(given, name)
    to_wire(plain, (name,))
    if _has_empty_name(plain):
        raise InvalidInput(f"{name}: a name within a map has one character at least")
    return plain


def _has_empty_name(value: Any) -> bool:
    if isinstance(value, Mapping):
        return "" in value or any(map(_has_empty_name, value.values()))
    return isinstance(value, list) and any(map(_has_empty_name, value))
