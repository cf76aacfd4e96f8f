"""One region's replica gone through item by item, over the DynamoDB API.

All calls may be made again when their answer is lost: reads change nothing, and a stamp that was
carried out refuses the next one.
Source: DynamoDB API Reference, Scan, BatchGetItem (UnprocessedKeys), UpdateItem.
"""

from collections.abc import Sequence
from typing import Any

from reconciler.aws.clients import idempotent
from reconciler.errors import InvalidInput, Unavailable
from reconciler.item.metadata import METADATA, NAMES
from reconciler.ports import Page, Segment, Stamp, TableFacts
from reconciler.values.wire import Image, canonical_image, to_json

_ASKED_AGAIN = 8  # an answer holds 16 MB, so 100 of the largest items take three


class DynamoReplica:
    """The items of one table, over a boto3 DynamoDB client; the SDK may try again."""

    def __init__(self, table: str, dynamodb: Any) -> None:
        self._table = table
        self._client = dynamodb

    def facts(self) -> TableFacts:
        """Return what the table is; how many items it has is as of some hours ago."""
        with idempotent("DescribeTable"):
            found = self._client.describe_table(TableName=self._table)["Table"]
        if found.get("MultiRegionConsistency") == "STRONG":
            raise InvalidInput(f"{self._table}: its regions are strongly consistent: none differs")
        roles = {each["KeyType"]: each["AttributeName"] for each in found["KeySchema"]}
        return TableFacts(
            key=tuple(roles[role] for role in ("HASH", "RANGE") if role in roles),
            elsewhere=frozenset(each["RegionName"] for each in found.get("Replicas", ())),
            items=found["ItemCount"],
        )

    def page(self, segment: Segment, after: Image | None) -> Page:
        """Return the next items of a segment, up to 1 MB, read consistently."""
        place = {"ExclusiveStartKey": after} if after else {}
        with idempotent("Scan"):
            answer = self._client.scan(
                TableName=self._table,
                Segment=segment.number,
                TotalSegments=segment.of,
                ConsistentRead=True,
                **place,
            )
        return Page(answer["Items"], answer.get("LastEvaluatedKey"))

    def images(self, keys: Sequence[Image]) -> Sequence[Image | None]:
        """Return the items of up to 100 different keys, read consistently, in their order."""
        left = {"Keys": list(keys), "ConsistentRead": True}
        found: dict[str, Image] = {}
        for _ in range(_ASKED_AGAIN):
            with idempotent("BatchGetItem"):
                answer = self._client.batch_get_item(RequestItems={self._table: left})
            for image in answer["Responses"].get(self._table, ()):
                found[_name({each: image[each] for each in keys[0]})] = image
            if self._table not in answer.get("UnprocessedKeys", {}):
                return [found.get(_name(key)) for key in keys]
            left = answer["UnprocessedKeys"][self._table]
        raise Unavailable("BatchGetItem: keys are left over each time: read more slowly")

    def stamp(self, write: Stamp) -> bool:
        """Write metadata if the item is just as it was; return whether it was."""
        names, values = {"#rec": METADATA}, {":rec": write.image[METADATA]}
        tests, sets = ["attribute_not_exists(#rec)"], ["#rec = :rec"]
        if NAMES in write.image:
            names["#names"], values[":left"] = NAMES, write.image[NAMES]
            sets.append("#names = :left")
        for number, (name, value) in enumerate(sorted(write.replacing.items())):
            names[f"#a{number}"], values[f":a{number}"] = name, value
            tests.append(f"#a{number} = :a{number}")
        for number, name in enumerate(write.absent):
            names[f"#m{number}"] = name
            tests.append(f"attribute_not_exists(#m{number})")
        with idempotent("UpdateItem"):
            try:
                self._client.update_item(
                    TableName=self._table,
                    Key=write.key,
                    UpdateExpression=f"SET {', '.join(sets)}",
                    ConditionExpression=" AND ".join(tests),
                    ExpressionAttributeNames=names,
                    ExpressionAttributeValues=values,
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
        return True


def _name(key: Image) -> str:
    return to_json(canonical_image(key))
