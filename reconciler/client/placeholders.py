"""A caller's expressions with something of ours beside them: placeholders that clash with none."""

from collections.abc import Mapping
from typing import Any

from reconciler.values.wire import Wire

_NAMES, _VALUES = "ExpressionAttributeNames", "ExpressionAttributeValues"


class Placeholders:
    """The placeholders of a call: the caller's, and those that were added."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self.names: dict[str, str] = dict(parameters.get(_NAMES) or {})
        self.values: dict[str, Wire] = dict(parameters.get(_VALUES) or {})
        self._ours: dict[str, str] = {}

    def name(self, attribute: str) -> str:
        """Return a placeholder for a name; the same for the same name."""
        if attribute not in self._ours:
            self._ours[attribute] = _free("#rec_n", self.names)
            self.names[self._ours[attribute]] = attribute
        return self._ours[attribute]

    def value(self, wire: Wire) -> str:
        """Return a placeholder for a value."""
        name = _free(":rec_v", self.values)
        self.values[name] = wire
        return name

    def parameters(self) -> dict[str, Any]:
        """Return them as parameters of a call, which takes no empty ones."""
        held = {_NAMES: self.names, _VALUES: self.values}
        return {name: given for name, given in held.items() if given}


def both(one: str, other: str) -> str:
    """Return the condition that two hold; "" is none."""
    given = [each for each in (one, other) if each]
    return given[0] if len(given) == 1 else " AND ".join(map(_grouped, given))


def _grouped(condition: str) -> str:
    """Return a condition in parentheses; DynamoDB refuses a pair that is there already."""
    text, depth = condition.strip(), 0
    for place, letter in enumerate(text):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth == 0:
            return text if place and place == len(text) - 1 else f"({text})"
    return f"({text})"


def _free(start: str, taken: dict[str, Any]) -> str:
    number = len(taken)
    while f"{start}{number}" in taken:
        number += 1
    return f"{start}{number}"
