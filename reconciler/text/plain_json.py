"""Plain values as an operator types and reads them: JSON, with numbers exact.

What JSON does not have is an object with one name: {"set": [...]} is a set and {"bytes": "base64"}
is binary, both ways. What a terminal would obey is written as JSON's escapes.
Limit: a map with just that one name cannot be told apart.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from reconciler.errors import InvalidInput
from reconciler.text.plain_text import shown
from reconciler.values.wire import number_text


def json_text(value: Any) -> str:
    """Return plain values as JSON."""
    if isinstance(value, Decimal):
        return number_text(value)
    if isinstance(value, Mapping):
        pairs = (f"{json_text(name)}: {json_text(each)}" for name, each in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(json_text, value))}]"
    if isinstance(value, set | frozenset):
        return json_text({"set": sorted(value)})
    if isinstance(value, bytes):
        return json_text({"bytes": base64.b64encode(value).decode()})
    written = json.dumps(value, ensure_ascii=False)
    if written.isprintable():
        return written
    return "".join(each if shown(each) == each else json.dumps(each)[1:-1] for each in written)


def parse_json(text: str | bytes, name: str, hint: str = "") -> Any:
    """Return what a JSON text says, numbers as int or Decimal; InvalidInput names `name`."""

    def refused(number: str) -> Any:
        raise InvalidInput(f"{name}: DynamoDB holds no {number}; give a finite number")

    try:
        return json.loads(text, parse_float=Decimal, parse_constant=refused)
    except (ValueError, RecursionError) as problem:
        raise InvalidInput(f"{name}: {text[:80]!r} is no JSON{hint} ({problem})") from None


def plain_value(value: Any, name: str) -> Any:
    """Return the plain value that a parsed JSON value stands for."""
    match value:
        case {"set": list(members), **rest} if not rest:
            try:
                return {plain_value(each, name) for each in members}
            except TypeError:
                raise InvalidInput(
                    f"{name}: a set holds strings, numbers or bytes; use a list for the rest"
                ) from None
        case {"bytes": str(text), **rest} if not rest:
            try:
                return base64.b64decode(text, validate=True)
            except (binascii.Error, ValueError):
                raise InvalidInput(f"{name}: {text[:80]!r} is no base64 text") from None
    if isinstance(value, dict):
        return {key: plain_value(each, name) for key, each in value.items()}
    return [plain_value(each, name) for each in value] if isinstance(value, list) else value
