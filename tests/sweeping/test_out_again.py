"""The document's way out: what the library put into items goes, what they show stays."""

import re
from pathlib import Path
from typing import Any

import pytest

from reconciler.item.image import DELETE, read
from reconciler.item.metadata import EXPIRY, METADATA, NAMES
from reconciler.values.wire import Image
from tests.aws.conftest import aws, clients, credentials
from tests.aws.test_contract import make_table
from tests.builders import Replica, add, assign, increment
from tests.named import named_on

__all__ = ["aws", "clients", "credentials"]

DOCUMENT = (Path(__file__).parents[2] / "reconciler/sweeping/README.md").read_text(encoding="utf-8")
ITEMS: dict[str, Image] = {
    "plain": {"name": {"S": "Ada"}},
    "written": Replica("use1").write(increment("balance", 5), add("tags", "x"), at=1_000),
    "named": named_on({"name": {"S": "Ada"}}, increment("balance", 5)),
    "both": named_on(Replica("use1").write(assign("name", "Ada"), at=1_000), add("tags", "x")),
    "deleted": Replica("use1", Replica("use1").write(increment("balance", 5), at=1_000)).write(
        DELETE, at=2_000
    ),
}


def test_what_the_library_put_into_items_is_taken_out_and_nothing_else(
    aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.aws.test_contract.REGION", "eu-west-1")
    dynamodb = make_table("parties", "id")
    before = {name: {**item, "id": {"S": name}} for name, item in ITEMS.items()}
    for item in before.values():
        dynamodb.put_item(TableName="parties", Item=item)
    (example,) = re.findall(r"```python\n(import boto3\nfrom boto3.*?)```", DOCUMENT, re.DOTALL)

    for _ in range(2):
        exec(compile(example, "README.md", "exec"), {})  # noqa: S102 (it is our own example)

    after: dict[str, Any] = {
        item["id"]["S"]: item for item in dynamodb.scan(TableName="parties")["Items"]
    }
    assert after.pop("deleted").keys() == {"id", METADATA, EXPIRY}
    assert after.keys() == before.keys() - {"deleted"}
    for name, item in after.items():
        assert item == {n: v for n, v in before[name].items() if n not in (METADATA, NAMES)}
        assert read(item) == read(before[name])
