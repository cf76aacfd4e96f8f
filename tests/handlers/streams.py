"""Stream events as Lambda delivers them: binary as base64 text, numbers as text."""

from collections.abc import Mapping
from typing import Any

from tests.builders import Replica, as_stream, assign, increment, written

LOST = written(assign("name", "Ada"), increment("balance", 5), assign("photo", b"\x00\xff"))
WINNER = written(assign("note", "Eve"), replica="euw1", at=2_000)


def record(number: int, old: Any, new: Any, **changed: Any) -> dict[str, Any]:
    """Return one record of a stream event."""
    change: dict[str, Any] = {
        "ApproximateCreationDateTime": 1_700_000_000.0,
        "Keys": {"id": {"S": "p1"}},
        "SequenceNumber": f"{number:021d}",
        "SizeBytes": 26,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
        "OldImage": as_stream(old),
    }
    if new is not None:
        change["NewImage"] = as_stream(new)
    return {
        "eventID": f"{number:032x}",
        "eventName": "MODIFY" if new is not None else "REMOVE",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": change | changed,
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/parties/stream/2026",
    }


def lost(number: int) -> dict[str, Any]:
    return record(number, LOST, WINNER)


def clean(number: int) -> dict[str, Any]:
    replica = Replica("use1")
    return record(number, replica.write(assign("name", "Ada")), replica.write(increment("balance")))


def undecodable(number: int) -> dict[str, Any]:
    return record(number, WINNER | {"_rec": {"M": {"v": {"N": "0"}}}}, WINNER)


def batch(*records: Mapping[str, Any]) -> dict[str, Any]:
    return {"Records": list(records)}
