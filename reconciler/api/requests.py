"""A request as API Gateway hands it over (payload format 2.0), and its JSON body, within bounds.

Size and depth are looked at before anything is parsed. Numbers stay exact. A name that an object
has twice is refused, because readers differ in which of the two they take.
Source: API Gateway guide, "Working with AWS Lambda proxy integrations for HTTP APIs"; RFC 8259.
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from reconciler.api.answers import Refused

MOST_BODY_BYTES = 400 * 1024  # an item has no more
MOST_BODY_DEPTH = 40  # a value has 26 levels, and lies in some of the body's
_LONGEST_NUMBER = 400  # characters: DynamoDB's longest has 38 digits and 130 places
_TEXT_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)
_PARAMETERS = re.compile(r'\s*(;\s*charset="?utf-8"?\s*)?', re.IGNORECASE)
JSON = ("application/json",)


@dataclass(frozen=True)
class Request:
    """One request; header names in small letters. `authorizer` is what API Gateway's one says."""

    query: Mapping[str, str]
    headers: Mapping[str, str]
    authorizer: Mapping[str, Any]
    body: str
    is_base64: bool

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> "Request":
        """Read an event; of its body nothing is looked at yet."""
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        around = event.get("requestContext") or {}
        query = event.get("queryStringParameters") or {}
        body, is_base64 = event.get("body") or "", bool(event.get("isBase64Encoded"))
        return cls(query, headers, around.get("authorizer") or {}, body, is_base64)

    @property
    def kind(self) -> str:
        """The media type of the body, in small letters, without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def document(self, kinds: Sequence[str] = JSON) -> Any:
        """Return what the JSON body says, numbers as int or Decimal; Refused if it is none."""
        _, mark, parameters = self.headers.get("content-type", "").partition(";")
        if self.kind not in kinds or not _PARAMETERS.fullmatch(mark + parameters):
            told = f"send Content-Type: {' or '.join(kinds)}, in UTF-8"
            raise Refused("unsupportedMediaType", told)
        if self.headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise Refused("unsupportedMediaType", "send the body without a Content-Encoding")
        try:
            text = self._bytes().decode()
        except UnicodeDecodeError:
            raise _malformed("it is not UTF-8") from None
        if _depth(text) > MOST_BODY_DEPTH:
            raise _malformed(f"it is nested deeper than {MOST_BODY_DEPTH} levels")
        try:
            return json.loads(
                text,
                parse_float=_number,
                parse_int=_number,
                parse_constant=_no_number,
                object_pairs_hook=_object,
            )
        except ValueError as problem:  # of our own making, or a JSONDecodeError, which quotes none
            raise _malformed(str(problem)) from None

    def _bytes(self) -> bytes:
        most = MOST_BODY_BYTES * 4 // 3 + 4 if self.is_base64 else MOST_BODY_BYTES
        if len(self.body) <= most:
            try:
                data = _decoded(self.body) if self.is_base64 else self.body.encode()
            except ValueError:
                raise _malformed("it is no base64 text, or no UTF-8") from None
            if len(data) <= MOST_BODY_BYTES:
                return data
        raise Refused("contentTooLarge", f"a body has at most {MOST_BODY_BYTES:,} bytes")


def _decoded(text: str) -> bytes:
    return base64.b64decode(text, validate=True)  # binascii.Error is a ValueError


def _depth(text: str) -> int:
    deepest = level = 0
    for found in _TEXT_OR_BRACKET.finditer(text):
        level += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        deepest = max(deepest, level)
    return deepest


def _number(text: str) -> int | Decimal:
    try:
        number = Decimal(text if len(text) <= _LONGEST_NUMBER else "")
    except ArithmeticError:
        raise ValueError("a number is outside DynamoDB's range, or has too many digits") from None
    return int(number) if text.lstrip("-").isdecimal() else number


def _no_number(name: str) -> Any:
    raise ValueError(f"DynamoDB holds no {name}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    named = dict(pairs)
    if len(named) < len(pairs):
        raise ValueError("an object has a name twice")
    return named


def _malformed(why: str) -> Refused:
    return Refused("invalidRequest", f"body: {why}")
