"""Clients of two regions that know nothing of the library, at once: what they did is all there."""

from random import Random
from typing import Any

import boto3
import pytest

from reconciler import instrument, merge, read
from reconciler.values.wire import Image
from tests.aws.test_contract import make_table
from tests.aws.test_instrumented import OURS, SCHEMA, quick_first, wires

KEY = wires(id="p1")


class Regions:
    """Two replicas of a table with one item, each with clients of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, clients: int) -> None:
        self._raw: list[Any] = []
        self.clients: list[Any] = []
        for region in ("us-east-1", "eu-west-1"):
            monkeypatch.setattr("tests.aws.test_contract.REGION", region)
            self._raw.append(make_table(OURS, "id"))
            for _ in range(clients):
                self.clients.append(boto3.client("dynamodb", region_name=region))
                instrument(self.clients[-1], SCHEMA)
        self.clients[0].put_item(TableName=OURS, Item={**KEY, **wires(points=5, name="Ada")})
        first = self._raw[0].get_item(TableName=OURS, Key=KEY)["Item"]
        self._raw[1].put_item(TableName=OURS, Item=first)

    def repaired(self) -> dict[str, Any] | None:
        """Let both regions have what they have together, as the pipeline would; return it."""
        here, there = (raw.get_item(TableName=OURS, Key=KEY)["Item"] for raw in self._raw)
        merged = merge(here, there)
        assert merged == merge(there, here)
        for raw in self._raw:
            raw.put_item(TableName=OURS, Item=merged)
        return read(merged)


def add(client: Any, amount: int, tag: str) -> None:
    client.update_item(
        TableName=OURS,
        Key=KEY,
        UpdateExpression="ADD points :n, tags :t",
        ExpressionAttributeValues={":n": {"N": str(amount)}, ":t": {"SS": [tag]}},
    )


@pytest.mark.parametrize("seed", quick_first(range(20), 5))
def test_increments_and_members_of_updates_and_of_stale_puts_are_exact(
    aws: None, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    regions, random = Regions(monkeypatch, clients=2), Random(seed)
    held: dict[int, Image] = {}
    total = 5
    tags: set[str] = set()
    for step in range(40):
        number = random.randrange(4)
        client, amount, tag = regions.clients[number], random.randint(-3, 9), f"t{step}"
        done = random.choice(["add", "read", "put", "put", "repair"])
        if done == "repair":
            regions.repaired()
        elif done == "read" or (done == "put" and number not in held):
            held[number] = client.get_item(TableName=OURS, Key=KEY, ConsistentRead=True)["Item"]
        else:
            total, tags = total + amount, {*tags, tag}
            if done == "add":
                add(client, amount, tag)
                held.pop(number, None)
                continue
            item = held[number]
            points = int(item["points"]["N"]) + amount
            known = {*item.get("tags", {"SS": []})["SS"], tag}
            held[number] = {**item, **wires(points=points, tags=known)}
            client.put_item(TableName=OURS, Item=held[number])

    assert regions.repaired() == {"id": "p1", "points": total, "name": "Ada"} | (
        {"tags": tags} if tags else {}
    )


def test_what_one_region_deletes_and_another_updates_is_back_whole(
    aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    regions = Regions(monkeypatch, clients=1)
    here, there = regions.clients
    here.delete_item(TableName=OURS, Key=KEY)
    add(there, 2, "new")

    assert regions.repaired() == {"id": "p1", "points": 7, "name": "Ada", "tags": {"new"}}
    assert here.get_item(TableName=OURS, Key=KEY)["Item"]["points"] == {"N": "7"}


def test_what_both_regions_delete_is_gone(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    regions = Regions(monkeypatch, clients=1)
    for client in regions.clients:
        client.delete_item(TableName=OURS, Key=KEY, ConditionExpression="attribute_exists(id)")

    assert regions.repaired() is None
    assert "Item" not in regions.clients[0].get_item(TableName=OURS, Key=KEY)
