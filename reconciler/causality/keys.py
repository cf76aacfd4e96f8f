"""Idempotency keys: a write with one counts once, in whichever regions it is carried out.

A key tells when it was made, so what may be forgotten of it is known: a UUIDv7 or a ULID does, or
the time is given beside it. It becomes a lineage of the replica `=`, beside the write's own: every
region that carries the same key out spends the same one, and a counter keeps one amount for it.
HAZARD if the time of the *write* were its epoch: the second execution would be another write.
Source: RFC 9562, section 5.7 (UUIDv7); the ULID specification.
"""

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from reconciler.causality.context import KEYED, Lineage
from reconciler.causality.hlc import NONCE_WIDTH, WALL_WIDTH, fixed_width, number_of
from reconciler.errors import InvalidInput

_UUID7 = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    re.IGNORECASE | re.ASCII,
)
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ULID = re.compile(rf"[0-7][{_CROCKFORD}]{{25}}", re.IGNORECASE | re.ASCII)
_PAYLOAD_WIDTH = 4  # 24 bits: one reused key in 16 million with another payload is not noticed
_LONGEST = 256
LIFETIME_MINUTES = 1_440  # of a key, unless a schema says otherwise


@dataclass(frozen=True)
class Once:
    """An idempotency key: its text, when it was made, in milliseconds since 1970, and of what.

    `payload` is what the key stands for, whatever its form; the same key with another payload is
    refused. Letters of a UUIDv7 and of a ULID are of either case, and held in the usual one.
    InvalidInput for what is no key, and for a time beside a key that tells another.
    """

    key: str
    issued_at_ms: int
    payload: bytes = b""

    def __post_init__(self) -> None:
        is_text = isinstance(self.key, str) and 1 <= len(self.key) <= _LONGEST
        if not is_text or not _is_encodable(self.key):
            raise InvalidInput(f"an idempotency key is a text of 1 to {_LONGEST} characters")
        at_ms = self.issued_at_ms
        if type(at_ms) is not int or not 0 < at_ms < 64**WALL_WIDTH:
            raise InvalidInput("issued_at_ms is a time in milliseconds since 1970")
        if not isinstance(self.payload, bytes):
            raise InvalidInput("the payload of an idempotency key is bytes")
        # HAZARD if another time took the place of the key's own: sent with and without, the key
        # would be two, and count twice.
        if time_in(self.key) not in (None, at_ms):
            raise InvalidInput(
                "this idempotency key tells when it was made, and issued_at_ms says another time:"
                " leave issued_at_ms out"
            )
        # HAZARD if it were folded where it is used: one who forgets takes one key for two.
        object.__setattr__(self, "key", _usual(self.key))

    @classmethod
    def of(cls, key: "str | Once", issued_at_ms: int | None = None, payload: bytes = b"") -> "Once":
        """Return the key written as text: a UUIDv7, a ULID, or any other with its time beside it.

        InvalidInput says what is missing.
        """
        if isinstance(key, Once):
            return key
        at_ms = time_in(key) if issued_at_ms is None and isinstance(key, str) else issued_at_ms
        if at_ms is None and isinstance(key, str) and key:
            raise InvalidInput(
                "this idempotency key does not tell when it was made: take a UUIDv7 or a ULID, or"
                " say issued_at_ms beside it, the same at each repetition"
            )
        return cls(key, 1 if at_ms is None else at_ms, payload)

    def lineage(self) -> Lineage:
        """Return the lineage that every execution of the key spends."""
        text = self.key.lower() if _ULID.fullmatch(self.key) else self.key  # as it was always named
        named = _digits(text.encode(), NONCE_WIDTH - _PAYLOAD_WIDTH)
        of_what = _digits(self.payload, _PAYLOAD_WIDTH)
        return Lineage.of(KEYED, fixed_width(self.issued_at_ms, WALL_WIDTH) + named + of_what)


def stem_of(key: Lineage) -> str:
    """Return what the lineages of one key have in common, whatever its payload."""
    return key[:-_PAYLOAD_WIDTH]


def is_reused(one: Lineage, other: Lineage) -> bool:
    """Return whether two lineages are of one key, with two payloads."""
    return one != other and one.replica == other.replica == KEYED and stem_of(one) == stem_of(other)


def _is_encodable(text: str) -> bool:
    try:
        return bool(text.encode())
    except UnicodeEncodeError:
        return False


def _usual(key: str) -> str:
    """Return a key as its specification spells it, whatever the case of its letters."""
    if _UUID7.fullmatch(key):
        return key.lower()
    return key.upper() if _ULID.fullmatch(key) else key


def time_in(key: str) -> int | None:
    """Return when a key was made, in milliseconds since 1970, if its text tells; else None."""
    if _UUID7.fullmatch(key):
        return int(key.replace("-", "")[:12], 16)
    if _ULID.fullmatch(key):
        milliseconds = 0
        for digit in key[:10].upper():
            milliseconds = milliseconds * 32 + _CROCKFORD.index(digit)
        return milliseconds
    return None


def _digits(data: bytes, width: int) -> str:
    number = int.from_bytes(blake2b(data, digest_size=16).digest())
    return fixed_width(number % 64**width, width)


def issued_ms(lineage: Lineage) -> int:
    """Return when the key of a keyed lineage was made."""
    return number_of(lineage.epoch[:WALL_WIDTH])


def as_key(once: Any, payload: bytes = b"") -> Once | None:
    """Return the key that a caller gave, in whatever form; None if he gave none."""
    return None if once is None else Once.of(once, payload=payload)
