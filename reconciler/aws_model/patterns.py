"""The part of EventBridge's pattern language that the deployed filters of stream records use.

A pattern is a document of the event's shape whose leaves are lists of alternatives: a literal, or
whether the leaf exists. All fields of a pattern must match; where the event holds a list, one
element suffices.
Errors: ValueError for any other operator.
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
    found = event.get(name, _ABSENT) if isinstance(event, Mapping) else _ABSENT
    if isinstance(wanted, Mapping):
        return matches(wanted, found)
    values = found if isinstance(found, list) else [found]
    return any(_value_matches(rule, value) for rule in wanted for value in values)


def _value_matches(rule: Any, value: Any) -> bool:
    if not isinstance(rule, Mapping):
        # JSON's true is not 1, as it is to Python.
        return rule == value and isinstance(rule, bool) is isinstance(value, bool)
    [(operator, wanted)] = rule.items()
    if operator != "exists":
        raise ValueError(f"this model of event filters has no operator {operator!r}")
    return (value is not _ABSENT and not isinstance(value, Mapping)) is wanted
