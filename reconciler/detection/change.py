"""A stream record as Lambda delivers it, parsed once into what became of one item.

Whatever comes, nothing is raised: a record that cannot be read says why, so it can be parked whole.
The images are not looked into: a clean record must stay cheap (D4).
Source: Lambda guide, "Using AWS Lambda with Amazon DynamoDB", example event.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from reconciler.deployment.tables import BOTH_IMAGES
from reconciler.errors import InvalidInput, Undecodable, UnsupportedStream
from reconciler.ports import Record
from reconciler.values.wire import Image, canonical_image, digest, to_json

_TTL = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
_VIEW_TYPES = (BOTH_IMAGES, "NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY")
_NUMBER = re.compile(r"[0-9]{1,40}")
_LATEST_MS = 10**15 - 1
_NOTHING: Mapping[str, Any] = {}


class Change(NamedTuple):
    """What one record says: the item's key and images, or why that cannot be read.

    `record` is the whole of it, as delivered. `number` is its sequence number, "" if it has none.
    `created_at_ms` is when the write was made, which AWS rounds down to a second; None if unknown.
    `by_ttl`: this region's time-to-live removed the item; where the delete arrives by replication,
    it does not say so.
    """

    record: Record
    number: str
    keys: Mapping[str, Any]
    old: Mapping[str, Any] | None
    new: Mapping[str, Any] | None
    created_at_ms: int | None
    view_type: str
    unreadable: str
    by_ttl: bool

    def has_number(self) -> bool:
        """Return whether the record has a sequence number of the form that streams give."""
        return bool(_NUMBER.fullmatch(self.number))

    def name(self) -> str:
        """Return the record's sequence number; of one that has none, a digest of the record."""
        if self.has_number():
            return self.number
        return digest(to_json(self.record).encode(), 22)

    def readable_key(self) -> Image:
        """Return the key in canonical form, {} if nobody can read it."""
        try:
            return canonical_image(self.keys)
        except Undecodable:
            return {}


def records_in(event: Any) -> Sequence[Record]:
    """Return the records of a function's event; InvalidInput if it is that of another source."""
    records = event.get("Records") if isinstance(event, Mapping) else None
    if not isinstance(records, list):
        raise InvalidInput(
            "the event has no Records: the detector's event source is the table's DynamoDB stream,"
            f" with {BOTH_IMAGES}; to try the function, use the console's template dynamodb-update"
        )
    return records


def parse(record: Record) -> Change:
    """Return the change that a record shows, or why it shows none."""
    told = record.get("dynamodb") if type(record) is dict else None
    if type(told) is not dict:
        why = "not a record of a DynamoDB stream"
        return Change(
            record, "", _NOTHING, None, None, None, BOTH_IMAGES, f"Undecodable: {why}", False
        )
    keys, old, new = told.get("Keys"), told.get("OldImage"), told.get("NewImage")
    number, view_type = told.get("SequenceNumber"), told.get("StreamViewType", BOTH_IMAGES)
    by_ttl = record.get("userIdentity") == _TTL
    created_at_ms = _milliseconds(told.get("ApproximateCreationDateTime"))
    if (
        type(keys) is dict
        and keys
        and type(number) is str
        and (old is None or type(old) is dict)
        and (new is None or type(new) is dict)
        and view_type in _VIEW_TYPES
    ):
        return Change(record, number, keys, old, new, created_at_ms, view_type, "", by_ttl)
    why = "Undecodable: the record's key, number, images or view type are none"
    keys = keys if type(keys) is dict else _NOTHING
    named = number if type(number) is str else ""
    return Change(record, named, keys, None, None, created_at_ms, BOTH_IMAGES, why, by_ttl)


def check_view_type(change: Change) -> None:
    """Refuse a stream that hides an image: UnsupportedStream says what to change."""
    if change.view_type != BOTH_IMAGES:
        raise UnsupportedStream(
            f"the stream's view type is {change.view_type}, which hides the write that was lost;"
            f" disable the stream and enable it again with {BOTH_IMAGES}, then point the event"
            " source at the new stream ARN"
        )


def _milliseconds(seconds: Any) -> int | None:
    if seconds is None:
        return None
    try:
        at_ms = int(float(seconds) * 1000)
    except (ValueError, TypeError, OverflowError):
        return None  # the time is for people and for folds, which do without
    return at_ms if 0 <= at_ms <= _LATEST_MS else None
