"""What a dead letter says: every shape in which work comes back, as the work itself. Pure.

The shapes are those of Lambda's on-failure destinations (names of records straight to a queue, or
an object with the payload and S3's notification of it), of conflict events in a queue's or a rule's
dead-letter queue, and of parked changes. What is none of them is an `UnreadableLetter`, with the
reason; nothing is raised.
Source: Lambda guide, "Retaining discarded records"; S3 guide, "Event message structure";
EventBridge guide, "Using dead-letter queues".
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from reconciler.conflict.event import ConflictEvent, parse_event
from reconciler.deployment.wiring import CERTIFICATE_DETAIL_TYPE
from reconciler.detection.change import parse
from reconciler.errors import MALFORMED, Undecodable, reason_of
from reconciler.ports import Record, StreamRange

_S3_NOTICE = "Object Created"
_MOST_DIGITS = 40  # of a sequence number


@dataclass(frozen=True)
class NamedRecords:
    """Records of a stream by name: they must be read again. `told` is all that is known of them."""

    range: StreamRange
    told: Mapping[str, Any]


@dataclass(frozen=True)
class WholeRecords:
    """Records of a stream, whole, in order; `parked` if one of them was set aside as unreadable."""

    records: Sequence[Record]
    parked: bool = False


@dataclass(frozen=True)
class FailedEvent:
    """A conflict event that was not resolved; `parked` if it was set aside for a person."""

    event: ConflictEvent
    parked: bool = False


@dataclass(frozen=True)
class StoredWork:
    """A document somewhere else that holds the work; `batch` if it is one that Lambda wrote."""

    reference: str
    batch: bool = False


@dataclass(frozen=True)
class NoWork:
    """A message that asks for nothing: another one like it will come."""


@dataclass(frozen=True)
class UnreadableLetter:
    """A message of no shape that anything here sends; `reason` says why."""

    reason: str


Content = NamedRecords | WholeRecords | FailedEvent | StoredWork | NoWork | UnreadableLetter


def contents(body: str) -> list[Content]:
    """Return what a message or a document holds: one piece of work, or several."""
    try:
        return _contents(json.loads(body)) or [UnreadableLetter("it holds no work")]
    except (*MALFORMED, Undecodable) as problem:
        return [UnreadableLetter(reason_of(problem))]


def keys_of(content: Content) -> list[Any]:
    """Return the keys, in wire format, of the items that the work is about, if it says."""
    if isinstance(content, FailedEvent):
        return [content.event.key]
    if isinstance(content, WholeRecords):
        return [parse(each).readable_key() for each in content.records]
    return []


def _contents(told: Any) -> list[Content]:
    if not isinstance(told, dict):
        raise Undecodable("not a JSON document")
    if "DDBStreamBatchInfo" in told:
        return [_given_up(told)]
    if told.get("Type") == "Notification" and "Message" in told:
        return contents(_text(told["Message"]))  # of an SNS topic between function and queue
    if "Records" in told:
        return [_stored(each["s3"]) for each in told["Records"]]
    if told.get("Event") == "s3:TestEvent":
        return [NoWork()]
    if told.get("detail-type") == _S3_NOTICE:
        return [_stored_as(told["detail"], told["detail"]["object"]["key"])]
    if "detail" in told:
        closed = told.get("detail-type") == CERTIFICATE_DETAIL_TYPE
        return [NoWork() if closed else FailedEvent(parse_event(told["detail"]))]
    return _parked(told)


def _given_up(told: Mapping[str, Any]) -> Content:
    if "payload" in told:
        return WholeRecords(tuple(json.loads(told["payload"])["Records"]))
    batch = told["DDBStreamBatchInfo"]
    numbers = [_text(batch[part]) for part in ("startSequenceNumber", "endSequenceNumber")]
    if not all(each.isdecimal() and len(each) <= _MOST_DIGITS for each in numbers):
        raise Undecodable("the batch has no sequence numbers")
    place = [_text(batch[part]) for part in ("streamArn", "shardId")]
    return NamedRecords(StreamRange(*place, *numbers), told)


def _stored(place: Mapping[str, Any]) -> Content:
    return _stored_as(place, unquote_plus(place["object"]["key"]))


def _stored_as(place: Mapping[str, Any], key: str) -> Content:
    return StoredWork(f"s3://{_text(place['bucket']['name'])}/{key}", batch=True)


def _parked(told: Mapping[str, Any]) -> list[Content]:
    if "document_ref" in told:
        return [StoredWork(_text(told["document_ref"]))]
    if "record" in told:
        return [WholeRecords((told["record"],), parked=True)]
    if "event" in told:
        return [FailedEvent(parse_event(told["event"]), parked=True)]
    if "message" in told:
        return contents(_text(told["message"]))
    raise Undecodable(
        "none of the shapes that work comes back in: a batch of the stream that Lambda gave up,"
        " a conflict event, or a parked change"
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Undecodable("a text of the letter is none")
    return value
