"""The ledger, the bus, the evidence bucket and the parked queue, over their AWS APIs.

Behaviour: whatever is not certainly safe is reported as not done; doing it again is harmless.
Source: API References of DynamoDB BatchWriteItem, EventBridge PutEvents, S3 and SQS.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from reconciler.aws.clients import idempotent, translated
from reconciler.codec import Image, digest, to_json
from reconciler.deployment import (
    CERTIFICATE_DETAIL_TYPE,
    DETAIL_TYPE,
    EVENT_SOURCE,
    LEDGER_STATE_INDEX,
)
from reconciler.errors import ReconcilerError
from reconciler.events import ConflictEvent, Event
from reconciler.ledger import LedgerRow, State
from reconciler.ports import EvidenceStore

_ROWS_PER_CALL = 25
_ENTRIES_PER_CALL = 10
_CALL_BYTES = 1_000_000  # PutEvents takes 1,048,576 bytes, entries' own overhead included
_ENTRY_OVERHEAD_BYTES = 200
_MESSAGE_BYTES = 1_000_000

Note = Callable[..., object]  # `Telemetry.note`: told why something was not done


def _unheard(message: str, **fields: Any) -> None:
    """Tell nobody."""


class DynamoLedger:
    """A `Ledger`."""

    def __init__(self, table: str, dynamodb: Any, note: Note = _unheard) -> None:
        self._table = table
        self._client = dynamodb
        self._note = note

    def record(self, rows: Sequence[LedgerRow]) -> set[str]:
        """Write rows, 25 a call; return the ids that were not written."""
        latest = {row.conflict_id: row for row in rows}  # a batch must not name a key twice
        ids = list(latest)
        unwritten: set[str] = set()
        for start in range(0, len(ids), _ROWS_PER_CALL):
            chunk = ids[start : start + _ROWS_PER_CALL]
            unwritten |= self._write([latest[each] for each in chunk])
        return unwritten

    def rows_of(self, item_key: str) -> list[Image]:
        """Return the rows of one item, read consistently, page after page."""
        wanted = {
            "ConsistentRead": True,
            "KeyConditionExpression": "item_key = :key",
            "ExpressionAttributeValues": {":key": {"S": item_key}},
        }
        return list(self._query(wanted))

    def in_state(self, state: State) -> Iterator[Image]:
        """Yield the rows in a state, the oldest loss first, page after page, as the index has them.

        An index follows its table within moments; it cannot be read consistently.
        """
        wanted = {
            "IndexName": LEDGER_STATE_INDEX,
            "KeyConditionExpression": "#state = :state",
            "ExpressionAttributeNames": {"#state": "state"},
            "ExpressionAttributeValues": {":state": {"S": state.value}},
        }
        return self._query(wanted)

    def _query(self, wanted: Mapping[str, Any]) -> Iterator[Image]:
        start: dict[str, Any] = {}
        while True:
            with idempotent("Query"):
                page = self._client.query(TableName=self._table, **wanted, **start)
            yield from page["Items"]
            if not page.get("LastEvaluatedKey"):
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def _write(self, rows: Sequence[LedgerRow]) -> set[str]:
        requests = [{"PutRequest": {"Item": row.item}} for row in rows]
        try:
            with translated("BatchWriteItem"):
                answer = self._client.batch_write_item(RequestItems={self._table: requests})
        except ReconcilerError as problem:
            left, why = requests, str(problem)
        else:
            left = answer.get("UnprocessedItems", {}).get(self._table, [])
            why = "BatchWriteItem: left over, as when the table is throttled"
        unwritten = {each["PutRequest"]["Item"]["conflict_id"]["S"] for each in left}
        if unwritten:
            self._note("rows not written", error=why, conflict_ids=sorted(unwritten))
        return unwritten


class EventBridgeBus:
    """A `ConflictBus`. `trace` returns the X-Ray header that an event travels with, "" for none."""

    def __init__(
        self,
        bus: str,
        events: Any,
        trace: Callable[[Event], str] = lambda _: "",
        note: Note = _unheard,
    ) -> None:
        self._bus = bus
        self._client = events
        self._trace = trace
        self._note = note

    def publish(self, events: Sequence[Event]) -> set[str]:
        """Send events, ten a call and under 1 MB; each entry's own result is read."""
        unsent: dict[str, str] = {}  # and why
        about = {event.identifier: self._about(event) for event in events}
        for batch in batches([(event.identifier, event.to_detail()) for event in events]):
            entries = [{**about[identifier], "Detail": detail} for identifier, detail in batch]
            refusals = zip(batch, self._refusals(entries), strict=True)
            unsent |= {identifier: why for (identifier, _), why in refusals if why}
        for why in sorted(set(unsent.values())):
            identifiers = sorted(each for each in unsent if unsent[each] == why)
            self._note("events not sent", error=why, identifiers=identifiers)
        return set(unsent)

    def _refusals(self, entries: Sequence[Mapping[str, str]]) -> list[str]:
        """Send one call's entries; return why each was not accepted, "" if it was."""
        try:
            with translated("PutEvents"):
                results = self._client.put_events(Entries=entries)["Entries"]
        except ReconcilerError as problem:
            return [str(problem)] * len(entries)
        return [
            ""
            if "EventId" in each
            else f"PutEvents: {each.get('ErrorCode')}: {each.get('ErrorMessage')}"
            for each in results
        ]

    def _about(self, event: Event) -> dict[str, str]:
        is_loss = isinstance(event, ConflictEvent)
        about = {
            "EventBusName": self._bus,
            "Source": EVENT_SOURCE,
            "DetailType": DETAIL_TYPE if is_loss else CERTIFICATE_DETAIL_TYPE,
        }
        header = self._trace(event)  # counts towards no limit
        return {**about, "TraceHeader": header} if header else about


def batches(details: Sequence[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    """Yield (id, detail) pairs in calls of at most ten entries and under 1 MB together."""
    batch: list[tuple[str, str]] = []
    size = 0
    for identifier, detail in details:
        weight = len(detail.encode()) + _ENTRY_OVERHEAD_BYTES
        if batch and (len(batch) == _ENTRIES_PER_CALL or size + weight > _CALL_BYTES):
            yield batch
            batch, size = [], 0
        batch.append((identifier, detail))
        size += weight
    if batch:
        yield batch


class S3Evidence:
    """An `EvidenceStore`; references are s3:// addresses."""

    def __init__(self, bucket: str, s3: Any) -> None:
        self._bucket = bucket
        self._client = s3

    def put(self, name: str, document: str) -> str:
        """Keep a JSON document; the same name and document again changes nothing."""
        key = f"conflicts/{name}.json"
        with idempotent("PutObject"):
            self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=document.encode(),
                ContentType="application/json",
            )
        return f"s3://{self._bucket}/{key}"

    def get(self, reference: str) -> str:
        """Return the document behind a reference."""
        bucket, _, key = reference.removeprefix("s3://").partition("/")
        with idempotent("GetObject"):
            body: bytes = self._client.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body.decode()


class SqsParked:
    """`ParkedChanges` in a queue; what is too large for a message goes to the evidence bucket."""

    def __init__(self, queue_url: str, sqs: Any, evidence: EvidenceStore) -> None:
        self._queue_url = queue_url
        self._client = sqs
        self._evidence = evidence

    def park(self, document: Mapping[str, Any]) -> None:
        """Keep the change; it is safe once this returns."""
        body = to_json(document)
        if len(body.encode()) > _MESSAGE_BYTES:
            name = f"parked-{digest(body.encode(), 22)}"
            reason = document.get("reason")
            body = json.dumps({"reason": reason, "document_ref": self._evidence.put(name, body)})
        with idempotent("SendMessage"):
            self._client.send_message(QueueUrl=self._queue_url, MessageBody=body)
