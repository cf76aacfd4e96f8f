"""What a dead letter says: every shape in which work comes back, as the work itself. Pure.

Behaviour: the shapes are those of Lambda's on-failure destinations (names of records straight to a
queue, or an object with the payload and S3's notification of it), of conflict events in a queue's
or a rule's dead-letter queue, and of parked changes. What is none of them is `Unreadable`, with the
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
from reconciler.detection.change import MALFORMED, Record, parse
from reconciler.errors import Undecodable
from reconciler.ports import StreamRange


@dataclass(frozen=True)
class Named:
    """Records of a stream by name: they must be read again. `told` is all that is known of them."""

    range: StreamRange
    told: Mapping[str, Any]


@dataclass(frozen=True)
class Records:
    """Records of a stream, whole, in order; `parked` if one of them was set aside as unreadable."""

    records: Sequence[Record]
    parked: bool = False


@dataclass(frozen=True)
class Loss:
    """A conflict event that was not resolved; `parked` if it was set aside for a person."""

    event: ConflictEvent
    parked: bool = False


@dataclass(frozen=True)
class Reference:
    """A document somewhere else that holds the work; `batch` if it is one that Lambda wrote."""

    reference: str
    batch: bool = False


@dataclass(frozen=True)
class Nothing:
    """A message that asks for nothing: another one like it will come."""


@dataclass(frozen=True)
class Unreadable:
    """None of the shapes."""

    reason: str


Work = Named | Records | Loss | Reference | Nothing | Unreadable


def works(body: str) -> list[Work]:
    """Return the work in a message or in a document."""
    try:
        return _works(json.loads(body)) or [Unreadable("it holds no work")]
    except (*MALFORMED, Undecodable, RecursionError) as problem:
        return [Unreadable(f"{type(problem).__name__}: {problem}")]


def keys_of(work: Work) -> list[Any]:
    """Return the keys, in wire format, of the items a piece of work is about, if it says."""
    if isinstance(work, Loss):
        return [work.event.key]
    records = work.records if isinstance(work, Records) else ()
    return [parse(each).readable_key() for each in records]


def _works(told: Any) -> list[Work]:
    if "DDBStreamBatchInfo" in told:
        return [_given_up(told)]
    if "Records" in told:
        return [_stored(each["s3"]) for each in told["Records"]]
    if told.get("Event") == "s3:TestEvent":
        return [Nothing()]
    if "detail" in told:
        closed = told.get("detail-type") == CERTIFICATE_DETAIL_TYPE
        return [Nothing() if closed else Loss(parse_event(told["detail"]))]
    return _parked(told)


def _given_up(told: Mapping[str, Any]) -> Work:
    if "payload" in told:
        return Records(tuple(json.loads(told["payload"])["Records"]))
    batch = told["DDBStreamBatchInfo"]
    parts = ("streamArn", "shardId", "startSequenceNumber", "endSequenceNumber")
    return Named(StreamRange(*(str(batch[part]) for part in parts)), told)


def _stored(place: Mapping[str, Any]) -> Work:
    name = unquote_plus(place["object"]["key"])
    return Reference(f"s3://{place['bucket']['name']}/{name}", batch=True)


def _parked(told: Mapping[str, Any]) -> list[Work]:
    if "document_ref" in told:
        return [Reference(told["document_ref"])]
    if "record" in told:
        return [Records((told["record"],), parked=True)]
    if "event" in told:
        return [Loss(parse_event(told["event"]), parked=True)]
    return works(told["message"])
