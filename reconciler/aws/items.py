"""One region's replica of the table, over the DynamoDB API.

Every write but a named one is conditional on the image it replaces. The SDK's own retries are off
for writes: a retried write that was applied the first time looks refused, or counts twice, and only
the write client, which knows its dot, can tell the difference.
Source: DynamoDB API Reference, PutItem (ReturnValuesOnConditionCheckFailure), TransactWriteItems.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from reconciler.aws.clients import idempotent, pages, translated
from reconciler.aws.named_updates import update_of
from reconciler.client.replacing import replacement_of
from reconciler.errors import InvalidInput, Unavailable
from reconciler.item.metadata import (
    METADATA,
    NAMES,
    is_managed,
    key_names_in,
    reading,
    token_of,
)
from reconciler.ports import Naming, Replacement, Restatement, Superseded
from reconciler.values.wire import Image, digest, to_json

_INVALID = ("ValidationError", "ItemCollectionSizeLimitExceeded")


class DynamoItems:
    """The items of one table, over a boto3 DynamoDB client that makes one attempt a call."""

    def __init__(self, table: str, dynamodb: Any) -> None:
        self._table = table
        self._client = dynamodb

    def get(self, key: Image) -> Image | None:
        """Return the current item, read consistently, or None."""
        with idempotent("GetItem"):
            answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        item: Image | None = answer.get("Item")
        return item

    def put(self, write: Replacement) -> Superseded | None:
        """Write if the item is still the one to replace; None means written."""
        with translated("PutItem"):
            try:
                self._client.put_item(**self._conditional(write))
            except self._client.exceptions.ConditionalCheckFailedException as refusal:
                return Superseded(refusal.response.get("Item") or None)
        return None

    def put_all(self, writes: Sequence[Replacement]) -> Sequence[Superseded | None] | None:
        """Write all or nothing; the request token makes sending it again harmless.

        After ten minutes the request token is forgotten; the images' own tokens are not.
        """
        items = [{"Put": self._conditional(write)} for write in writes]
        token = digest(to_json([write.image for write in writes]).encode(), 36)
        with translated("TransactWriteItems"):
            try:
                self._client.transact_write_items(TransactItems=items, ClientRequestToken=token)
            except self._client.exceptions.TransactionCanceledException as error:
                refusals = _refusals(error)
                carried_out = any(map(_is_written, writes, refusals))
                return None if carried_out else refusals
        return None

    def update(self, write: Naming) -> Image | Superseded:
        """Carry out a named write in one call, which reads nothing; return the item after it."""
        with translated("UpdateItem"):
            try:
                answer = self._client.update_item(
                    TableName=self._table,
                    Key=write.key,
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **update_of(write),
                )
            except self._client.exceptions.ConditionalCheckFailedException as refusal:
                return Superseded(refusal.response.get("Item") or None)
        after: Image = answer["Attributes"]
        return after

    def restate(self, write: Restatement) -> bool:
        """Write metadata if it and the names in front are as they were; return whether it was."""
        filed = range(write.filed)
        tests = [f"#names[{each}] = :n{each}" for each in filed]
        names, values = {"#rec": METADATA}, {":rec": write.image[METADATA]}
        if write.filed:
            names["#names"] = NAMES
            values |= {f":n{each}": write.replacing[NAMES]["L"][each] for each in filed}
        if is_managed(write.replacing):
            values[":was"] = write.replacing[METADATA]
            tests.append("#rec = :was")
        else:
            tests.append("attribute_not_exists(#rec)")
        gone = ", ".join(f"#names[{each}]" for each in filed)
        key = {name: write.image[name] for name in reading(write.image, key_names_in)}
        with translated("UpdateItem"):
            try:
                self._client.update_item(
                    TableName=self._table,
                    Key=key,
                    UpdateExpression="SET #rec = :rec" + (f" REMOVE {gone}" if gone else ""),
                    ConditionExpression=" AND ".join(tests),
                    ExpressionAttributeNames=names,
                    ExpressionAttributeValues=values,
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def query(self, parameters: Mapping[str, Any]) -> Iterator[Image]:
        """Yield the images that DynamoDB's Query finds, page after page."""
        for page in pages(self._client, "Query", TableName=self._table, **parameters):
            yield from page["Items"]

    def scan(self) -> Iterator[Image]:
        """Yield the images of the table, in no order, page after page as they are wanted."""
        for page in pages(self._client, "Scan", TableName=self._table, Limit=100):
            yield from page["Items"]

    def _conditional(self, write: Replacement) -> dict[str, Any]:
        return {"TableName": self._table, **replacement_of(write)}


def _is_written(write: Replacement, refusal: Superseded | None) -> bool:
    current = refusal.current if refusal is not None else None
    return (
        current is not None and is_managed(current) and token_of(current) == token_of(write.image)
    )


def _refusals(error: ClientError) -> list[Superseded | None]:
    reasons: list[dict[str, Any]] = error.response.get("CancellationReasons", [])  # type: ignore[assignment]  # the stubs do not know this field
    codes = {reason.get("Code") for reason in reasons}
    invalid = [str(each.get("Message")) for each in reasons if each.get("Code") in _INVALID]
    if invalid:
        raise InvalidInput(f"TransactWriteItems: {'; '.join(invalid)}")
    if "ConditionalCheckFailed" not in codes:
        raise Unavailable(f"TransactWriteItems: cancelled: {sorted(map(str, codes))}")
    return [
        Superseded(reason.get("Item") or None)
        if reason.get("Code") == "ConditionalCheckFailed"
        else None
        for reason in reasons
    ]
