"""Reading a DynamoDB stream record as Lambda delivers it, however malformed it may be.

Source: Lambda guide, "Using AWS Lambda with Amazon DynamoDB", example event.
"""

from collections.abc import Mapping
from typing import Any

from reconciler.deployment.tables import BOTH_IMAGES
from reconciler.errors import ReconcilerError, UnsupportedStream
from reconciler.values.wire import Image, canonical_image

Record = Mapping[str, Any]
MALFORMED = (KeyError, ValueError, TypeError, IndexError, AttributeError, ArithmeticError)


def check_view_type(record: Record) -> None:
    """Refuse a stream that hides an image: UnsupportedStream says what to change."""
    view_type = record.get("dynamodb", {}).get("StreamViewType", BOTH_IMAGES)
    if view_type != BOTH_IMAGES:
        raise UnsupportedStream(
            f"the stream's view type is {view_type}, which hides the write that was lost; disable"
            f" the stream and enable it again with {BOTH_IMAGES}, then point the event source at"
            " the new stream ARN"
        )


def sequence_number(record: Record) -> str:
    """Return a record's sequence number, "" if it has none."""
    return str(record.get("dynamodb", {}).get("SequenceNumber", ""))


def readable_key(record: Record) -> Image:
    """Return the record's key, {} if nobody can read it: the parked record has it as it is."""
    try:
        return canonical_image(record.get("dynamodb", {}).get("Keys") or {})
    except (ReconcilerError, *MALFORMED):
        return {}


def created_at_ms(record: Record, default: int) -> int:
    """Return the approximate creation time, which AWS rounds down to a second, in milliseconds."""
    seconds = record.get("dynamodb", {}).get("ApproximateCreationDateTime")
    return default if seconds is None else int(float(seconds) * 1000)
