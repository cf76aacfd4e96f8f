"""The stream of one replica, as DynamoDB writes it and moto does not.

moto's table tells the shard what a request touches; when the request is over, the owner of the
table drains that and emits records whose images nothing changes afterwards. A record is JSON as it
is sent (`stream_reads`).
moto alone: UpdateItem of an absent item emits two INSERTs; an image it has emitted shares nested
maps with the stored item, so a later nested SET rewrites history; a cancelled transaction puts
copies of the tables back and orphans every shard iterator; awsRegion is always us-east-1.
Source: Amazon DynamoDB Streams API reference, Record and StreamRecord.
"""

import base64
import json
import time
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import StreamRecord, StreamShard, Table
from moto.dynamodbstreams.models import dynamodbstreams_backends

from reconciler.aws_model.equality import Item
from reconciler.deployment.tables import BOTH_IMAGES
from reconciler.local.provision import ACCOUNT
from reconciler.values.wire import number_text

# On AWS an iterator lives for 15 minutes; this many last longer even if a stream is polled fast.
_KEPT_ITERATORS = 10_000


def _wire(value: DynamoType) -> dict[str, Any]:
    """Copy a stored value out of moto, sharing nothing that a later update could change."""
    content = value.value
    match value.type:
        case "M":
            content = {name: _wire(inner) for name, inner in content.items()}
        case "L":
            content = [_wire(inner) for inner in content]
        case "SS" | "NS" | "BS":
            content = [_text(element) for element in content]
        case "B":
            content = _text(content)
    return {value.type: content}


def _text(element: Any) -> Any:
    return base64.b64encode(element).decode() if isinstance(element, bytes) else element


def _key(value: DynamoType) -> dict[str, Any]:
    """Return a key's value as DynamoDB writes it: 1.0 and 1 are one key."""
    if value.type == "N":
        return {"N": number_text(Decimal(value.value))}
    return _wire(value)


def image(stored: Any) -> dict[str, Any] | None:
    """Return a stored moto item in wire format, None for none; binary values are base64 text."""
    if stored is None:
        return None
    return {name: _wire(value) for name, value in stored.attrs.items()}


class _Record(StreamRecord):
    """One stream record, complete and immutable once it is made."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.record = record


class ReplicaShard(StreamShard):
    """The only shard of one replica's stream; it notes what moto touches until a request ends."""

    def __init__(self, region: str, table: Table) -> None:
        super().__init__(ACCOUNT, table)
        self.region = region
        self.touched: dict[str, tuple[dict[str, Any], Item | None]] = {}

    def __deepcopy__(self, memo: dict[int, Any]) -> "ReplicaShard":
        """Stay the same shard when moto copies its table to be able to roll it back."""
        return self

    def add(self, old: Any, new: Any) -> None:
        """Remember how an item stood when the running request touched it first."""
        stored = new if old is None else old
        keys = {name: _key(stored.attrs[name]) for name in self.table.table_key_attrs}
        self.touched.setdefault(json.dumps(keys, sort_keys=True), (keys, image(old)))

    def get(self, start: int, quantity: int) -> list[dict[str, Any]]:
        """Return records, and let the oldest iterators expire: moto keeps one for every read."""
        iterators = dynamodbstreams_backends[ACCOUNT][self.region].shard_iterators
        while len(iterators) > _KEPT_ITERATORS:
            del iterators[next(iter(iterators))]
        if start < self.starting_sequence_number:
            raise JsonRESTError("TrimmedDataAccessException", "older than the stream's records")
        records: list[dict[str, Any]] = super().get(start, quantity)
        return records

    def drain(self) -> list[tuple[str, dict[str, Any], Item | None]]:
        """Hand over what was touched: canonical key, keys, and the item as it was before."""
        touched = [(key, *before) for key, before in self.touched.items()]
        self.touched.clear()
        return touched

    def emit(
        self,
        keys: dict[str, Any],
        old: Item | None,
        new: Item | None,
        user_identity: Mapping[str, str] | None = None,
    ) -> None:
        """Append the record of a change from `old` to `new` to the stream.

        `user_identity`: who made it, if that was DynamoDB itself.
        """
        both = {"OldImage": old, "NewImage": new}
        images = {name: item for name, item in both.items() if item is not None}
        event_name = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
        change = {
            "ApproximateCreationDateTime": int(time.time()),
            "Keys": keys,
            **images,
            "SequenceNumber": str(self.starting_sequence_number + len(self.items)),
            "SizeBytes": len(json.dumps([keys, images])),
            "StreamViewType": BOTH_IMAGES,
        }
        record = {
            "eventID": uuid.uuid4().hex,
            "eventName": event_name,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": self.region,
            "dynamodb": change,
            **({} if user_identity is None else {"userIdentity": user_identity}),
        }
        self.items.append(_Record(record))

    def trim(self, up_to: int) -> None:
        """Forget the records numbered up to and including `up_to`, as a stream does after a day."""
        del self.items[: up_to + 1 - self.starting_sequence_number]
        self.starting_sequence_number = up_to + 1

    def last_sequence_number(self) -> int:
        """Return the number of the newest record, one less than the first while there is none."""
        return int(self.starting_sequence_number) + len(self.items) - 1
