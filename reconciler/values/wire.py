"""DynamoDB wire values: to and from Python, and to one canonical form.

Every DynamoDB type is here; numbers of 38 digits stay exact, and sets are sorted. Stream images
(binary as base64 text) and API items (binary as bytes) have the same canonical form, so a merge is
the same bytes whatever it was read from.
Source: DynamoDB API Reference, AttributeValue; Developer Guide, "Constraints" and "Item sizes".
"""

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Context, Decimal
from enum import Enum
from functools import partial
from hashlib import blake2b
from itertools import islice
from json.encoder import encode_basestring_ascii
from operator import lt
from typing import Any
from zlib import crc32

from reconciler.errors import MALFORMED, InvalidInput, Undecodable

Wire = dict[str, Any]  # one attribute value, such as {"S": "Ada"}
Image = dict[str, Wire]  # one item: attribute name -> value
Wires = Mapping[str, Any]  # an image, for those who only read it
Path = tuple[str, ...]

MAX_DIGITS = 38
MAX_VALUE_DEPTH = 26  # tombstones and ledger rows hold a value some levels deeper
SET_KINDS = ("SS", "NS", "BS")
_PLAIN_INTEGER = re.compile(r"-?[1-9][0-9]{0,37}|0", re.ASCII)
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
_ROUND = Context(prec=MAX_DIGITS)
_BINARY = ("Binary", "boto3.dynamodb.types")  # a wrapper around bytes, known without boto3


def label(path: Path) -> str:
    """Return `path` as messages show it: address.city."""
    return ".".join(path)


def number_text(number: Decimal) -> str:
    """Return the canonical text of a number; ValueError if DynamoDB cannot hold it exactly."""
    plain = str(number)
    if _PLAIN_INTEGER.fullmatch(plain):
        return plain
    if not number.is_finite():
        raise ValueError("not a finite number")
    sign, digits, exponent = number.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    stripped = text.rstrip("0")
    if not stripped:
        return "0"
    if len(stripped) > MAX_DIGITS:
        raise ValueError(f"has {len(stripped)} significant digits; DynamoDB holds {MAX_DIGITS}")
    power = int(exponent) + len(text) - len(stripped)
    if not -130 <= power + len(stripped) - 1 <= 125:
        raise ValueError("is outside DynamoDB's range of 1E-130 to 9.9E+125")
    exact = Decimal((sign, tuple(map(int, stripped)), power))
    return format(exact, "f") if -MAX_DIGITS <= power <= MAX_DIGITS else str(exact)


def rounded_number_text(number: Decimal) -> str:
    """Return a sum as DynamoDB can show it: to 38 digits, and within its range."""
    limit = Decimal("9.9999999999999999999999999999999999999E+125")
    shown = max(limit.copy_negate(), min(limit, _ROUND.plus(number)))
    return "0" if shown.adjusted() < -130 else number_text(shown)


def to_wire(value: Any, path: Path) -> Wire:
    """Return the wire form of a Python value; InvalidInput names `path` and the fix."""
    return _to_wire(value, path, 1)


def _to_wire(value: Any, path: Path, depth: int) -> Wire:
    if depth > MAX_VALUE_DEPTH:
        raise InvalidInput(f"{label(path)}: nested deeper than {MAX_VALUE_DEPTH} levels")
    if isinstance(value, dict):
        for name in value:
            if not isinstance(name, str):
                raise InvalidInput(f"{label(path)}: map key {name!r} must be a string")
        return {"M": {_text(k, path): _to_wire(v, (*path, k), depth + 1) for k, v in value.items()}}
    if isinstance(value, list | tuple):
        return {"L": [_to_wire(v, (*path, str(i)), depth + 1) for i, v in enumerate(value)]}
    if isinstance(value, set | frozenset):
        return _set_to_wire(value, path)
    return _scalar_to_wire(value, path)


def check_names(path: Path) -> None:
    """Raise InvalidInput for a path with a name that is no UTF-8 text, such as half a pair.

    HAZARD if it came through: no store takes it, and its write would be tried again for ever.
    """
    try:
        label(path).encode()
    except UnicodeEncodeError:
        raise InvalidInput(f"{label(path)!r}: a name must be UTF-8 text") from None


def _text(value: str, path: Path) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidInput(f"{label(path)}: {value!r} is not UTF-8 text; use bytes") from None
    return str.__str__(value)  # of an enum, what it stands for


def _scalar_to_wire(value: Any, path: Path) -> Wire:
    value = _plain(value)
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, str):
        return {"S": _text(value, path)}
    if isinstance(value, bytes | bytearray):
        return {"B": bytes(value)}
    if isinstance(value, int | Decimal):
        number = Decimal(value)
        try:
            return {"N": number_text(number)}
        except ValueError as problem:
            raise InvalidInput(
                f"{label(path)}: {str(number)[:60]} {problem}; store it as a string or round it"
            ) from None
    if isinstance(value, float):
        raise InvalidInput(
            f"{label(path)}: {value!r} is a float, which is not exact; use Decimal('{value}')"
        )
    raise InvalidInput(f"{label(path)}: DynamoDB cannot hold a {type(value).__name__}")


def _plain(value: Any) -> Any:
    """Return what an enum or boto3's Binary stands for; other values as they are."""
    if isinstance(value, Enum) or (type(value).__name__, type(value).__module__) == _BINARY:
        return value.value
    return value


def _set_to_wire(values: set[Any] | frozenset[Any], path: Path) -> Wire:
    if not values:
        raise InvalidInput(f"{label(path)}: DynamoDB has no empty set; remove the attribute")
    wires = [_scalar_to_wire(value, path) for value in values]
    kinds = {kind for wire in wires for kind in wire}
    if len(kinds) > 1 or not kinds <= {"S", "N", "B"}:
        raise InvalidInput(
            f"{label(path)}: a set holds only strings, only numbers or only bytes; use a list"
        )
    kind = kinds.pop()
    return {kind + "S": sorted({wire[kind] for wire in wires})}


def from_wire(wire: Wire) -> Any:
    """Return the plain Python value of a wire value; whole numbers become int, others Decimal."""
    ((kind, value),) = wire.items()
    if kind == "N":
        number = Decimal(value)
        return int(number) if number == number.to_integral_value() else number
    if kind == "M":
        return {name: from_wire(nested) for name, nested in value.items()}
    if kind == "L":
        return [from_wire(nested) for nested in value]
    if kind in SET_KINDS:
        return {from_wire({kind[0]: element}) for element in value}
    if kind == "B":
        return binary(value)
    return None if kind == "NULL" else value


def canonical(wire: Any) -> Wire:
    """Return the one form that equal wire values share; Undecodable if it is not a wire value."""
    try:
        ((kind, value),) = wire.items()
        return {kind: _CANONICAL[kind](value)}
    except MALFORMED as problem:  # its message would quote the value
        raise Undecodable(f"not a DynamoDB value ({type(problem).__name__})") from None


def binary(value: Any) -> bytes:
    """Return the bytes of a binary value: bytes from the API, base64 text from a stream."""
    if isinstance(value, str):
        return base64.b64decode(value, validate=True)
    value = _plain(value)
    if not isinstance(value, bytes | bytearray | memoryview):
        raise TypeError("not bytes")  # bytes(5) would be five of them
    return bytes(value)


def canonical_number(text: str) -> str:
    """Return the canonical text of a wire number; ValueError if DynamoDB takes it for none."""
    if _PLAIN_INTEGER.fullmatch(text):
        return text
    if not _NUMBER.fullmatch(text):
        raise ValueError("not a number")  # Python's take spaces and underscores, too
    return number_text(Decimal(text))


def _canonical_text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not text")
    if not value.isascii():
        value.encode()  # half a surrogate pair is no text, and no store takes it
    return value


def _canonical_flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("not a flag")
    return value


def _canonical_map(value: Any) -> Image:
    if not isinstance(value, Mapping):
        raise TypeError("not a map")
    return {_canonical_text(name): canonical(value[name]) for name in sorted(value)}


def _canonical_set(element: Callable[[Any], Any], values: Any) -> list[Any]:
    if not isinstance(values, list | set | frozenset | tuple) or not values:
        raise TypeError("not a set")  # DynamoDB has no empty one
    listed = list(map(element, values))
    rising = all(map(lt, listed, islice(listed, 1, None)))
    return listed if rising else sorted(set(listed))


def _canonical_list(value: Any) -> list[Wire]:
    if not isinstance(value, list | tuple):
        raise TypeError("not a list")
    return [canonical(nested) for nested in value]


_CANONICAL: Mapping[str, Callable[[Any], Any]] = {
    "S": _canonical_text,
    "N": canonical_number,
    "B": binary,
    "BOOL": _canonical_flag,
    "NULL": _canonical_flag,
    "M": _canonical_map,
    "L": _canonical_list,
    "SS": partial(_canonical_set, _canonical_text),
    "NS": partial(_canonical_set, canonical_number),
    "BS": partial(_canonical_set, binary),
}


def canonical_image(image: Any) -> Image:
    """Return an item in canonical form, attribute by attribute; Undecodable if it is none."""
    try:
        return _canonical_map(image)
    except MALFORMED as problem:
        raise Undecodable(f"not a DynamoDB item ({type(problem).__name__})") from None


_TEXTS = ("S", "N")
_JSON = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), default=lambda b: base64.b64encode(b).decode()
)


def to_json(value: Any) -> str:
    """Return wire values as compact JSON with sorted names; binary becomes base64 text."""
    return _JSON.encode(value)


def canonical_bytes(wire: Wire | None) -> bytes:
    """Return bytes that are equal iff the canonical wire values are, and that order them."""
    if wire is None:
        return b""
    ((kind, value),) = wire.items()
    if kind in _TEXTS:  # most values: as the encoder would, without setting one up
        return f'{{"{kind}":{encode_basestring_ascii(value)}}}'.encode()
    return to_json(wire).encode()


SHORT_DIGEST_WIDTH = 4


def short_digests(values: Iterable[bytes]) -> str:
    """Return four characters for each value, which tell it from another by chance and in haste.

    One in 16 million is taken for another: good enough to see that a value was changed.
    """
    checks = b"".join([crc32(value).to_bytes(4)[1:] for value in values])
    return base64.urlsafe_b64encode(checks).decode()


def digest(data: bytes, width: int) -> str:
    """Return `width` characters of URL-safe base64 that stand for `data`."""
    hashed = blake2b(data, digest_size=(width * 6 + 7) // 8).digest()
    return base64.urlsafe_b64encode(hashed).decode()[:width]
