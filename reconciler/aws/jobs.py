"""One region's table of ingest jobs, over the DynamoDB API.

What changes a part and what it adds to its job are one transaction, conditional on the state that
the part had: of several deliveries that do the same, one counts.
Source: DynamoDB API Reference, TransactWriteItems, PutItem, UpdateItem, Query.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from itertools import islice
from random import random
from typing import Any

from reconciler.aws.clients import idempotent, pages
from reconciler.clock import now_ms
from reconciler.deployment.tables import JOBS_EXPIRY, JOBS_KEPT_DAYS, JOBS_TIME_INDEX
from reconciler.errors import Unavailable
from reconciler.ingest.jobs import JOB_PART, LISTED, Counts, Job, Part, PartState, part_name
from reconciler.ingest.messages import PartName
from reconciler.values.wire import Image

_REFUSED = "ConditionalCheckFailed"  # of one write or of one in a transaction
_IN_THE_WAY, _TRIES = "TransactionConflict", 8
_NEW = "attribute_not_exists(job)"


class DynamoJobs:
    """The jobs table; a row expires so many days after it was put there."""

    def __init__(self, table: str, dynamodb: Any, kept_days: int = JOBS_KEPT_DAYS) -> None:
        self._table = table
        self._client = dynamodb
        self._kept_ms = kept_days * 86_400_000

    def job(self, name: str) -> Job | None:
        """Return a job."""
        row = self._row(name, JOB_PART)
        return None if row is None else Job.of(row)

    def open(self, job: Job) -> Job:
        """Write a job unless it is there; return the one that is."""
        return job if self._is_put(job.row) else self.job(job.id) or job

    def begun(self, name: str, at_ms: int) -> None:
        """Note that the work on a job has begun, unless that is noted."""
        with _refusable():
            _patiently(
                "UpdateItem",
                self._client.update_item,
                TableName=self._table,
                Key=_key(name, JOB_PART),
                UpdateExpression="SET began_at_ms = :at",
                ConditionExpression="attribute_exists(job) AND attribute_not_exists(began_at_ms)",
                ExpressionAttributeValues={":at": {"N": str(at_ms)}},
            )

    def plan(self, parts: Sequence[Part]) -> None:
        """Write the parts that a job has counted when it was opened, unless they are there."""
        for part in parts:
            self._is_put(part.row)

    def go_on(self, part: Part) -> None:
        """Write one part more, which its job counts, unless it is there."""
        put = {"Item": self._expiring(part.row), "ConditionExpression": _NEW}
        self._both({"Put": put}, part.job, {"open": 1})

    def part(self, name: PartName) -> Part | None:
        """Return a part."""
        row = self._row(name.job, part_name(name.start))
        return None if row is None else Part.of(row)

    def parts(self, name: str) -> list[Part]:
        """Return the parts of a job, in order."""
        wanted = {
            "TableName": self._table,
            "ConsistentRead": True,
            "KeyConditionExpression": "job = :job AND begins_with(part, :part)",
            "ExpressionAttributeValues": {":job": {"S": name}, ":part": {"S": "part-"}},
        }
        found = pages(self._client, "Query", **wanted)
        return [Part.of(row) for page in found for row in page["Items"]]

    def close(self, part: Part, at_ms: int) -> None:
        """Write how a part ended, and count it, unless it is done already."""
        before = self.part(PartName(part.job, part.range.start))
        if before is None or before.state in (PartState.DONE, part.state):
            return
        failed = (part.state is PartState.FAILED) - (before.state is PartState.FAILED)
        adds = {"failed": failed}
        if part.state is PartState.DONE:
            adds |= {"open": -1, **asdict(part.counts)}
        if not self._both(self._instead(part, before.state), part.job, adds, finished_at_ms=at_ms):
            self.close(part, at_ms)  # another delivery was first: is it done by now?

    def reopen(self, part: Part) -> None:
        """Let a part that failed wait for its turn again, unless it does."""
        waits = replace(part, state=PartState.OPEN, counts=Counts(), reason="")
        self._both(self._instead(waits, PartState.FAILED), part.job, {"failed": -1})

    def forget(self, job: Job) -> None:
        """Remove a job that could not begin, so that it can begin anew."""
        with _refusable(), idempotent("DeleteItem"):
            self._client.delete_item(
                TableName=self._table,
                Key=_key(job.id, JOB_PART),
                ConditionExpression="reason <> :none",
                ExpressionAttributeValues={":none": {"S": ""}},
            )

    def latest(self, most: int) -> Iterator[Job]:
        """Yield the jobs, the newest first, as the index has them."""
        wanted = {
            "TableName": self._table,
            "IndexName": JOBS_TIME_INDEX,
            "ScanIndexForward": False,
            "KeyConditionExpression": "listed = :listed",
            "ExpressionAttributeValues": {":listed": {"S": LISTED}},
        }
        rows = (row for page in pages(self._client, "Query", **wanted) for row in page["Items"])
        yield from map(Job.of, islice(rows, most))

    def _row(self, name: str, part: str) -> Image | None:
        with idempotent("GetItem"):
            answer = self._client.get_item(
                TableName=self._table, Key=_key(name, part), ConsistentRead=True
            )
        row: Image | None = answer.get("Item")
        return row

    def _is_put(self, row: Image) -> bool:
        """Return whether a row was written, because there was none."""
        with _refusable() as refused, idempotent("PutItem"):
            item = self._expiring(row)
            self._client.put_item(TableName=self._table, Item=item, ConditionExpression=_NEW)
        return not refused

    def _both(
        self, write: Mapping[str, Any], job: str, adds: Mapping[str, int], **times: int
    ) -> bool:
        """Write a part and what it adds to its job; return whether the part was as expected."""
        [(verb, given)] = write.items()
        values = {f":{name}": {"N": str(value)} for name, value in {**adds, **times}.items()}
        sets = f" SET {', '.join(f'{name} = :{name}' for name in times)}" if times else ""
        added = ", ".join(f"#{name} :{name}" for name in adds)
        update = {
            "TableName": self._table,
            "Key": _key(job, JOB_PART),
            "UpdateExpression": f"ADD {added}{sets}",
            "ExpressionAttributeNames": {f"#{name}": name for name in adds},
            "ExpressionAttributeValues": values,
        }
        writes = [{verb: {"TableName": self._table, **given}}, {"Update": update}]
        with _refusable() as refused:
            send = self._client.transact_write_items
            _patiently("TransactWriteItems", send, TransactItems=writes)
        return not refused

    def _instead(self, part: Part, state: PartState) -> dict[str, Any]:
        """Return the write of a part in the place of the same one in a state."""
        return {
            "Put": {
                "Item": self._expiring(part.row),
                "ConditionExpression": "#state = :was",
                "ExpressionAttributeNames": {"#state": "state"},
                "ExpressionAttributeValues": {":was": {"S": state.value}},
            }
        }

    def _expiring(self, row: Image) -> Image:
        expires = (now_ms() + self._kept_ms) // 1_000
        return {**row, JOBS_EXPIRY: {"N": str(expires)}}


@contextmanager
def _refusable() -> Iterator[list[Unavailable]]:
    """Let a condition refuse a write; what is yielded holds its refusal, if it did."""
    refused: list[Unavailable] = []
    try:
        yield refused
    except Unavailable as problem:
        if _REFUSED not in str(problem):
            raise
        refused.append(problem)


def _patiently(call: str, send: Callable[..., object], **given: Any) -> None:
    """Make a call that many functions make on one job's row, again while others are in the way.

    The SDK does not do so; HAZARD for the counts if it were left to the message's next delivery,
    for that repeats all lines of the part.
    """
    for attempt in range(_TRIES):
        try:
            with idempotent(call):
                send(**given)
                return
        except Unavailable as problem:
            if attempt == _TRIES - 1 or _IN_THE_WAY not in str(problem) or _REFUSED in str(problem):
                raise
            time.sleep(random() * 0.05 * 2**attempt)


def _key(name: str, part: str) -> Image:
    return {"job": {"S": name}, "part": {"S": part}}
