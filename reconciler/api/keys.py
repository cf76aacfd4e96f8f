"""Items' keys as requests name them: in a body as JSON, in a path as text.

In a path a key attribute is a segment: a text as it is, percent-encoded, and a number in digits. A
text with a slash, a question mark or a percent sign, one that begins with a tilde, and every binary
is sent as `~` and base64url without padding.
HAZARD if percent signs were taken: API Gateway's HTTP APIs decode the path, and end it at a decoded
question mark, other doors do not decode it; one of both would read the key of another item.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, cast

from reconciler.errors import InvalidInput
from reconciler.text.plain_json import plain_value
from reconciler.values.wire import to_wire

KeyKind = Literal["S", "N", "B"]
MOST_BYTES = (2_048, 1_024)  # of a partition key and a sort key
_NUMBER = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?", re.ASCII)
_WORDS = {"S": "a text", "N": "a number", "B": "binary"}


@dataclass(frozen=True)
class KeyShape:
    """The names of a table's key attributes and their types, which no schema tells."""

    names: Sequence[str]
    kinds: Sequence[KeyKind]

    def of_values(self, given: Any) -> dict[str, Any]:
        """Return the key that a JSON object says; InvalidInput names what is wrong with it."""
        if not isinstance(given, Mapping) or set(given) != set(self.names):
            raise InvalidInput(f"a key is an object with exactly {', '.join(self.names)}")
        return self._checked({name: plain_value(given[name], name) for name in self.names})

    def of_segments(self, segments: Sequence[str]) -> dict[str, Any]:
        """Return the key that the segments of a path say; InvalidInput for what is none."""
        if len(segments) != len(self.names):
            names = "/".join(f"{{{name}}}" for name in self.names)
            raise InvalidInput(f"the path of an item is /items/{names}")
        pairs = zip(self.names, self.kinds, segments, strict=True)
        return self._checked({name: _value(name, kind, text) for name, kind, text in pairs})

    def _checked(self, key: dict[str, Any]) -> dict[str, Any]:
        for (name, value), kind, most in zip(key.items(), self.kinds, MOST_BYTES, strict=False):
            wire = to_wire(value, (name,))
            if set(wire) != {kind}:
                raise InvalidInput(f"{name}: this key attribute is {_WORDS[kind]}")
            held = wire[kind].encode() if kind != "B" else wire[kind]
            if not 1 <= len(held) <= most:
                raise InvalidInput(f"{name}: this key attribute has 1 to {most:,} bytes")
        return key


def key_kinds(listed: Sequence[str]) -> tuple[KeyKind, ...]:
    """Return the types of key attributes; ValueError if one is none."""
    if not listed or not set(listed) <= set(_WORDS):
        raise ValueError("a key attribute is of type S, N or B")
    return cast(tuple[KeyKind, ...], tuple(listed))


def _value(name: str, kind: KeyKind, text: str) -> Any:
    if "%" in text:
        raise InvalidInput(f"{name}: send a key with a percent sign as ~ and its base64url")
    if text.startswith("~"):
        data = _decoded(name, text[1:])
        return data if kind == "B" else _number_or_text(name, kind, _utf8(name, data))
    if kind == "B":
        raise InvalidInput(f"{name}: send a binary key as ~ and its base64url")
    return _number_or_text(name, kind, text)


def _number_or_text(name: str, kind: KeyKind, text: str) -> Any:
    if kind == "S":
        return text
    if not _NUMBER.fullmatch(text):
        raise InvalidInput(f"{name}: this key attribute is a number, such as 17 or -2.5")
    return Decimal(text)


def _decoded(name: str, text: str) -> bytes:
    try:
        padded = text + "=" * (-len(text) % 4)
        data = base64.b64decode(padded, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput(f"{name}: what follows the tilde is no base64url") from None
    if base64.urlsafe_b64encode(data).decode().rstrip("=") != text:
        raise InvalidInput(f"{name}: what follows the tilde is no base64url without padding")
    return data


def _utf8(name: str, data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise InvalidInput(f"{name}: what follows the tilde is no UTF-8 text") from None
