"""What a request says about versions and repetitions: entity tags, and idempotency keys.

An item's tag is a digest of its whole image, metadata included: so it changes with every write,
whoever makes it, and is the same in all regions that hold the same image.
Limits: what is done around the library between the look at an item and the write changes no version
token, so DynamoDB's condition does not see it; the detector does. A tag also changes when metadata
alone is stated anew, as by a fold: then a request is refused that need not be.
Source: RFC 9110, sections 8.8.3 and 13; IETF draft "The Idempotency-Key HTTP Header Field".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.api.answers import Refused
from reconciler.causality.keys import Once
from reconciler.errors import InvalidInput
from reconciler.item.image import read
from reconciler.values.wire import Image, canonical_image, digest, to_json

_ANY = "*"
_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\uffff]*"'
_TAGS = re.compile(rf"\s*{_TAG}\s*(?:,\s*{_TAG}\s*)*")
_ONE_TAG = re.compile(_TAG)
_MOST_TAGS_TEXT = 4_096
_LONGEST_KEY = 256
_MILLISECONDS = re.compile(r"[0-9]{1,15}", re.ASCII)


def etag_of(image: Image) -> str:
    """Return the strong entity tag of an item, quotes included."""
    return f'"{digest(to_json(canonical_image(image)).encode(), 22)}"'


@dataclass(frozen=True)
class Conditions:
    """What must hold of an item: the tags that it may have, and those that it must not have.

    None: the request says nothing; "*" stands for every tag.
    """

    match: frozenset[str] | None = None
    none_match: frozenset[str] | None = None

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> "Conditions":
        """Read them; Refused for a header that is no list of tags."""
        return cls(_tags(headers, "If-Match"), _tags(headers, "If-None-Match"))

    @property
    def are_given(self) -> bool:
        return self.match is not None or self.none_match is not None

    def check(self, image: Image | None) -> None:
        """Refuse a write of an item that is not as it must be."""
        there = image is not None and read(image) is not None
        tag = etag_of(image) if image is not None and there else None
        if self.match is not None and (tag is None or not {tag, _ANY} & self.match):
            raise Refused("preconditionFailed", "If-Match: read the item again, and its ETag")
        if self.none_match is not None and tag is not None and self.has(tag):
            raise Refused("preconditionFailed", "If-None-Match: the item exists")

    def has(self, tag: str) -> bool:
        """Return whether If-None-Match names the tag; by weak comparison, as readers ask."""
        named = {each.removeprefix("W/") for each in self.none_match or ()}
        return bool({tag, _ANY} & named)


def once_in(headers: Mapping[str, str], payload: bytes, *, is_required: bool) -> Once | None:
    """Return the idempotency key that stands for `payload`; None if the request has none."""
    issued = headers.get("idempotency-issued-at", "").strip()
    key = headers.get("idempotency-key", "").strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]  # as the draft writes it
    if not key:
        if is_required or issued:
            raise _invalid("Idempotency-Key: send a UUIDv7 or ULID, the same at each repetition")
        return None
    if not key.isascii() or not key.isprintable() or len(key) > _LONGEST_KEY:
        raise _invalid(f"Idempotency-Key: it has at most {_LONGEST_KEY} printable ASCII characters")
    if issued and not _MILLISECONDS.fullmatch(issued):
        raise _invalid("Idempotency-Issued-At: it is a time in milliseconds since 1970")
    try:
        return Once.of(key, int(issued) if issued else None, payload)
    except InvalidInput as problem:
        told = str(problem).replace("issued_at_ms", "Idempotency-Issued-At")
        raise _invalid(f"Idempotency-Key: {told}") from None


def _tags(headers: Mapping[str, str], name: str) -> frozenset[str] | None:
    text = headers.get(name.lower(), "").strip()
    if not text:
        return None
    if text == _ANY:
        return frozenset({_ANY})
    if len(text) > _MOST_TAGS_TEXT or not _TAGS.fullmatch(text):
        raise _invalid(f'{name}: it is *, or lists entity tags, such as "abc", "def"')
    return frozenset(_ONE_TAG.findall(text))


def _invalid(message: str) -> Refused:
    return Refused("invalidRequest", message)
