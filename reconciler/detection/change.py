"""A stream record as Lambda delivers it, parsed once into what became of one item.

Behaviour: a record that cannot be read says why, so it can be parked whole. The images are not
looked into: a clean record must stay cheap (D4).
Source: Lambda guide, "Using AWS Lambda with Amazon DynamoDB", example event.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from reconciler.deployment.tables import BOTH_IMAGES
from reconciler.errors import ReconcilerError, UnsupportedStream
from reconciler.values.wire import Image, canonical_image

Record = Mapping[str, Any]
_TTL = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
MALFORMED = (KeyError, ValueError, TypeError, IndexError, AttributeError, ArithmeticError)


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

    def readable_key(self) -> Image:
        """Return the key in canonical form, {} if nobody can read it."""
        try:
            return canonical_image(self.keys)
        except (ReconcilerError, *MALFORMED):
            return {}


def parse(record: Record) -> Change:
    """Return the change that a record shows, or why it shows none."""
    told = record.get("dynamodb", {})
    keys = told.get("Keys") or {}
    return Change(
        record,
        str(told.get("SequenceNumber", "")),
        keys,
        told.get("OldImage"),
        told.get("NewImage"),
        _milliseconds(told.get("ApproximateCreationDateTime")),
        told.get("StreamViewType", BOTH_IMAGES),
        _unreadable(told),
        record.get("userIdentity") == _TTL,
    )


def check_view_type(change: Change) -> None:
    """Refuse a stream that hides an image: UnsupportedStream says what to change."""
    if change.view_type != BOTH_IMAGES:
        raise UnsupportedStream(
            f"the stream's view type is {change.view_type}, which hides the write that was lost;"
            f" disable the stream and enable it again with {BOTH_IMAGES}, then point the event"
            " source at the new stream ARN"
        )


def _unreadable(told: Mapping[str, Any]) -> str:
    if not told.get("Keys"):
        return "Undecodable: the record has no keys"
    if not told.get("SequenceNumber"):
        return "Undecodable: the record has no sequence number"  # so no name to report it by
    return ""


def _milliseconds(seconds: Any) -> int | None:
    try:
        return None if seconds is None else int(float(seconds) * 1000)
    except (ValueError, TypeError, OverflowError):
        return None  # the time is for people and for folds, which do without
