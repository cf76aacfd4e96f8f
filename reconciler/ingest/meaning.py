"""What a line means: an item's key, and the values that are assigned to its attributes.

Assigned as the schema types them: a counter to this amount, a set to these elements, a map to these
fields, each as the difference to what stands there. What a line does not name stays as it is.

- JSON: one object a line, in plain values; a list is a set where the schema says so. A line with
  the one name `Item` is an item in DynamoDB's wire format, as exports have it.
- CSV: texts, in the order of the header; a counter is a number, a register_max or register_min a
  number if it looks like one, a flag true or false. An empty field is not assigned.

Numbers are exact. InvalidInput says why a line is none, without what is in it.
Source: RFC 8259, RFC 4180; DynamoDB guide, "Table export output format".
"""

import json
import re
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from reconciler.errors import MALFORMED, InvalidInput
from reconciler.item.image import read
from reconciler.item.schema import RESERVED_PREFIX, AttributeSchema, Schema
from reconciler.values.wire import number_text

_SETS = ("set_aw", "set_rw")
_AMOUNTS, _EXTREMES, _FLAGS = ("counter_pn",), ("register_max", "register_min"), ("flag_ew",)
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", re.ASCII)
_FLAG = {"true": True, "false": False}


@dataclass(frozen=True)
class Assignment:
    """One line, understood: what is assigned to which item."""

    key: Mapping[str, Any]
    values: Mapping[str, Any]

    def make(self, item: MutableMapping[Any, Any]) -> None:
        """Assign the values to an item that is being edited."""
        for name, value in self.values.items():
            item[name] = value


def meaning_of_json(text: bytes, schema: Schema) -> Assignment:
    """Return what a line of JSON means."""
    try:
        said = json.loads(text.decode(), parse_float=_number, parse_constant=_refused)
    except (*MALFORMED, UnicodeError):  # what it says would quote the line
        raise InvalidInput("the line is no JSON in UTF-8, or holds no finite number") from None
    if not isinstance(said, dict):
        raise InvalidInput("the line is no JSON object: {...}")
    if said.keys() == {"Item"} and "Item" not in schema.key:
        said = _exported(said["Item"])
    return _assignment(
        {n: _typed(value, schema.attributes.get(n)) for n, value in said.items()}, schema
    )


def header_of(fields: Sequence[bytes], schema: Schema) -> tuple[str, ...]:
    """Return the names of a CSV object's columns; InvalidInput if they are none."""
    try:
        names = tuple(field.decode() for field in fields)
    except UnicodeError:
        raise InvalidInput("the header is not UTF-8") from None
    missing = [name for name in schema.key if name not in names]
    if missing:
        raise InvalidInput(f"the header must name the key: {', '.join(missing)} is missing")
    if not all(names) or len(set(names)) < len(names):
        raise InvalidInput("the header must give each column a name of its own")
    if any(name.startswith(RESERVED_PREFIX) for name in names):
        raise InvalidInput(f"names that start with {RESERVED_PREFIX!r} are reserved")
    return names


def meaning_of_row(fields: Sequence[bytes], header: Sequence[str], schema: Schema) -> Assignment:
    """Return what a row of CSV means."""
    if len(fields) != len(header):
        raise InvalidInput(f"the row has {len(fields)} fields, and the header {len(header)}")
    try:
        texts = [field.decode() for field in fields]
    except UnicodeError:
        raise InvalidInput("the row is not UTF-8") from None
    named = zip(header, texts, strict=True)
    return _assignment({n: _of_text(n, text, schema) for n, text in named if text}, schema)


def _assignment(said: dict[str, Any], schema: Schema) -> Assignment:
    key = {name: said.pop(name) for name in schema.key if _is_key(said.get(name))}
    if len(key) < len(schema.key):
        raise InvalidInput(f"the line must name the key, {', '.join(schema.key)}, with a value")
    if not said:
        raise InvalidInput("the line names nothing beside the key")
    return Assignment(key, said)


def _is_key(value: Any) -> bool:
    if isinstance(value, str | bytes):
        return len(value) > 0
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _exported(item: Any) -> dict[str, Any]:
    values = read(item) if isinstance(item, dict) else {}  # Undecodable if it is no item
    if values is None:
        raise InvalidInput("the line is a deleted item, of which nothing can be assigned")
    return values


def _typed(value: Any, declared: AttributeSchema | None) -> Any:
    if declared is None:
        return value
    if declared.type in _SETS and isinstance(value, list):
        try:
            return set(value)
        except TypeError:
            raise InvalidInput("a set holds strings or numbers") from None
    if declared.type == "map_or" and isinstance(value, dict):
        return {n: _typed(v, declared.fields.get(n) or declared.values) for n, v in value.items()}
    return value


def _of_text(name: str, text: str, schema: Schema) -> Any:
    kind = schema.type_at((name,))
    if kind in _FLAGS:
        if text.lower() not in _FLAG:
            raise InvalidInput(f"{name}: a flag is true or false")
        return _FLAG[text.lower()]
    if kind in _AMOUNTS or (kind in _EXTREMES and _NUMBER.fullmatch(text)):
        return _number(text)
    return text


def _number(text: str) -> Decimal:
    number = Decimal(text) if _NUMBER.fullmatch(text) else Decimal("NaN")
    try:
        number_text(number)  # beyond the range, sums of it would take all memory
    except ValueError:
        raise InvalidInput("a number is one that DynamoDB holds exactly: 38 digits") from None
    return number


def _refused(_: str) -> Any:
    raise InvalidInput("DynamoDB holds finite numbers only")
