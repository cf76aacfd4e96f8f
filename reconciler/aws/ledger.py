"""One region's ledger of losses, over the DynamoDB API.

Behaviour: a row that is not certainly written is reported as not written; writing it again is
harmless. Source: DynamoDB API Reference, BatchWriteItem, Query.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.aws.clients import Note, pages, translated
from reconciler.conflict.row import Row, State
from reconciler.deployment.tables import LEDGER_STATE_INDEX
from reconciler.errors import ReconcilerError, Unavailable

_ROWS_PER_CALL = 25
_LEFT_OVER = "BatchWriteItem: left over, as when the table is throttled"


class DynamoLedger:
    """The ledger in a DynamoDB table; `note` hears which rows were not written, and why."""

    def __init__(self, table: str, dynamodb: Any, note: Note) -> None:
        self._table = table
        self._client = dynamodb
        self._note = note

    def record(self, rows: Sequence[Row]) -> set[str]:
        """Write rows, 25 a call; return the ids that were not written."""
        latest = {row.conflict_id: row for row in rows}  # a batch must not name a key twice
        ids = list(latest)
        unwritten: set[str] = set()
        for start in range(0, len(ids), _ROWS_PER_CALL):
            chunk = ids[start : start + _ROWS_PER_CALL]
            unwritten |= self._write([latest[each] for each in chunk])
        return unwritten

    def rows_of(self, item_key: str) -> list[Row]:
        """Return the rows of one item, read consistently, page after page."""
        wanted = {
            "ConsistentRead": True,
            "KeyConditionExpression": "item_key = :key",
            "ExpressionAttributeValues": {":key": {"S": item_key}},
        }
        return list(self._query(wanted))

    def in_state(self, state: State) -> Iterator[Row]:
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

    def _query(self, wanted: Mapping[str, Any]) -> Iterator[Row]:
        for page in pages(self._client, "Query", TableName=self._table, **wanted):
            yield from map(Row.of, page["Items"])

    def _write(self, rows: Sequence[Row]) -> set[str]:
        requests = [{"PutRequest": {"Item": row.image}} for row in rows]
        why: ReconcilerError
        try:
            with translated("BatchWriteItem"):
                answer = self._client.batch_write_item(RequestItems={self._table: requests})
        except ReconcilerError as problem:
            left, why = requests, problem
        else:
            left = answer.get("UnprocessedItems", {}).get(self._table, [])
            why = Unavailable(_LEFT_OVER, call="BatchWriteItem", code="left over")
        unwritten = {Row.of(each["PutRequest"]["Item"]).conflict_id for each in left}
        if unwritten:
            self._note("rows not written", error=why, conflict_ids=sorted(unwritten))
        return unwritten
