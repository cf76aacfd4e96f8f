"""One region's ledger of losses, over the DynamoDB API.

A row that is not certainly written is reported as not written; writing it again is harmless. One
row that DynamoDB will never take makes it refuse the whole call: such rows go one by one, and what
is refused alone goes in with its images in the evidence bucket.
Source: DynamoDB API Reference, BatchWriteItem, UpdateItem, Query.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from reconciler.aws.clients import Note, idempotent, pages, translated
from reconciler.conflict.row import Row, State
from reconciler.deployment.tables import LEDGER_STATE_INDEX
from reconciler.errors import InvalidInput, ReconcilerError, Unavailable
from reconciler.ports import EvidenceStore
from reconciler.values.wire import Image, to_json

_ROWS_PER_CALL = 25
_LEFT_OVER = "BatchWriteItem: left over, as when the table is throttled"


class DynamoLedger:
    """The ledger in a DynamoDB table; `note` hears which rows were not written, and why.

    `evidence` returns where the images of rows are kept that DynamoDB refuses.
    """

    def __init__(
        self, table: str, dynamodb: Any, evidence: Callable[[], EvidenceStore], note: Note
    ) -> None:
        self._table = table
        self._client = dynamodb
        self._evidence = evidence
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

    def set_state(self, rows: Sequence[Row]) -> set[str]:
        """Say where losses stand now, a row a call; return the ids of which that was not written.

        A loss that has no row, as after its retention, gets it whole.
        """
        return {row.conflict_id for row in rows if not self._is_set(row)}

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
        return self._query(_by_state(state))

    def page(
        self, state: State, most: int, after: Image | None = None
    ) -> tuple[list[Row], Image | None]:
        """Return up to `most` rows in a state, the oldest loss first, and what the next are after.

        None: there are no more. `after` is what an earlier page returned.
        """
        wanted = _by_state(state) | ({"ExclusiveStartKey": after} if after else {})
        with idempotent("Query"):
            page = self._client.query(TableName=self._table, Limit=most, **wanted)
        return list(map(Row.of, page["Items"])), page.get("LastEvaluatedKey")

    def _query(self, wanted: Mapping[str, Any]) -> Iterator[Row]:
        for page in pages(self._client, "Query", TableName=self._table, **wanted):
            yield from map(Row.of, page["Items"])

    def _is_set(self, row: Row) -> bool:
        try:
            with idempotent("UpdateItem"):
                self._client.update_item(TableName=self._table, **_outcome(row))
        except Unavailable as problem:
            if problem.evidence.get("code") == "ConditionalCheckFailedException":
                return not self.record([row])
            why: ReconcilerError = problem
        except ReconcilerError as problem:
            why = problem
        else:
            return True
        self._note("row not closed", error=why, conflict_ids=[row.conflict_id])
        return False

    def _write(self, rows: Sequence[Row]) -> set[str]:
        requests = [{"PutRequest": {"Item": row.image}} for row in rows]
        why: ReconcilerError
        try:
            with translated("BatchWriteItem"):
                answer = self._client.batch_write_item(RequestItems={self._table: requests})
        except InvalidInput as problem:
            return self._write_one_by_one(rows, problem)
        except ReconcilerError as problem:
            left, why = requests, problem
        else:
            left = answer.get("UnprocessedItems", {}).get(self._table, [])
            why = Unavailable(_LEFT_OVER, call="BatchWriteItem", code="left over")
        return self._noted([Row.of(each["PutRequest"]["Item"]) for each in left], why)

    def _write_one_by_one(self, rows: Sequence[Row], problem: InvalidInput) -> set[str]:
        """Write rows of which one was refused for good."""
        if len(rows) > 1:
            return {name for row in rows for name in self._write([row])}
        (row,) = rows
        if row.lost is None and row.winner is None:
            return self._noted(rows, problem)
        document = to_json({"lost": row.lost, "winner": row.winner})
        try:
            return self._write([row.kept_at(self._evidence().put(row.conflict_id, document))])
        except ReconcilerError as unkept:
            return self._noted(rows, unkept)

    def _noted(self, rows: Sequence[Row], why: ReconcilerError) -> set[str]:
        unwritten = {row.conflict_id for row in rows}
        if unwritten:
            self._note("rows not written", error=why, conflict_ids=sorted(unwritten))
        return unwritten


def _by_state(state: State) -> dict[str, Any]:
    return {
        "IndexName": LEDGER_STATE_INDEX,
        "KeyConditionExpression": "#state = :state",
        "ExpressionAttributeNames": {"#state": "state"},
        "ExpressionAttributeValues": {":state": {"S": state.value}},
    }


def _outcome(row: Row) -> dict[str, Any]:
    """Return the update that changes a row's outcome, and nothing that is not there."""
    outcome = row.outcome()
    said = [name for name, wire in outcome.items() if wire is not None]
    silent = [name for name, wire in outcome.items() if wire is None]
    sets = ", ".join(f"#{name} = :{name}" for name in said)
    removes = f" REMOVE {', '.join(f'#{name}' for name in silent)}" if silent else ""
    return {
        "Key": row.ledger_key,
        "UpdateExpression": f"SET {sets}{removes}",
        "ConditionExpression": "attribute_exists(conflict_id)",
        "ExpressionAttributeNames": {f"#{name}": name for name in outcome},
        "ExpressionAttributeValues": {f":{name}": outcome[name] for name in said},
    }
