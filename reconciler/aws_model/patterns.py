"""The part of EventBridge's pattern language that filters DynamoDB stream records.

Behaviour: a pattern is a document of the event's shape whose leaves are lists of alternatives: a
literal, null, or one of exists, prefix, suffix, anything-but and equals-ignore-case; `$or` joins
patterns. All fields of a pattern must match; where the event holds a list, one element suffices.
Several filters of a mapping are alternatives, and no filters let everything through.
Raises: ValueError for an operator that DynamoDB sources do not have (numeric, cidr, wildcard).
Source: AWS Lambda developer guide, "Control which events Lambda sends to your function"; Amazon
EventBridge user guide, "Event patterns".
"""

from collections.abc import Mapping, Sequence
from typing import Any

_ABSENT = object()


def passes(filters: Sequence[Mapping[str, Any]], event: Mapping[str, Any]) -> bool:
    """Tell whether an event passes the filter criteria of an event-source mapping."""
    return not filters or any(matches(pattern, event) for pattern in filters)


def matches(pattern: Mapping[str, Any], event: object) -> bool:
    """Tell whether one event, or one part of an event, matches a pattern."""
    return all(_field_matches(name, wanted, event) for name, wanted in pattern.items())


def _field_matches(name: str, wanted: Any, event: object) -> bool:
    if name == "$or":
        return any(matches(alternative, event) for alternative in wanted)
    found = event.get(name, _ABSENT) if isinstance(event, Mapping) else _ABSENT
    if isinstance(wanted, Mapping):
        return matches(wanted, found)
    values = found if isinstance(found, list) else [found]
    return any(_value_matches(rule, value) for rule in wanted for value in values)


def _value_matches(rule: Any, value: Any) -> bool:
    if not isinstance(rule, Mapping):
        return _equal(rule, value)
    [(operator, operand)] = rule.items()
    match operator:
        case "exists":
            return (value is not _ABSENT and not isinstance(value, Mapping)) is operand
        case "prefix":
            return isinstance(value, str) and value.startswith(operand)
        case "suffix":
            return isinstance(value, str) and value.endswith(operand)
        case "equals-ignore-case":
            return isinstance(value, str) and value.lower() == operand.lower()
        case "anything-but":
            return value is not _ABSENT and not _excluded(operand, value)
        case _:
            raise ValueError(f"a DynamoDB event filter has no operator {operator!r}")


def _excluded(operand: Any, value: Any) -> bool:
    unwanted = operand if isinstance(operand, list) else [operand]
    return any(_value_matches(rule, value) for rule in unwanted)


def _equal(literal: object, value: object) -> bool:
    """Compare JSON scalars; true is not 1, as it is to Python."""
    return literal == value and isinstance(literal, bool) is isinstance(value, bool)
