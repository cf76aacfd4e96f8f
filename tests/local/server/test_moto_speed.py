"""What is replaced in moto for its speed answers as moto does."""

import time
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.core.common_models import BaseModel
from moto.core.serialize import BaseJSONSerializer, JSONSerializer
from moto.sqs.models import SQSBackend

from reconciler.local.server.moto_speed import _is_retained, _serialize_structure, _untracked

DAY = 86_400


@pytest.fixture
def queues() -> Any:
    backend = SQSBackend("eu-west-1", "123456789012")
    backend.create_queue("waiting", MessageRetentionPeriod=DAY)
    return backend


@pytest.mark.parametrize(("age_seconds", "retained"), [(DAY - 60, True), (DAY + 60, False)])
def test_a_message_is_kept_for_the_retention_period_of_its_queue(
    queues: Any, age_seconds: int, *, retained: bool
) -> None:
    message = queues.send_message("waiting", "hello")
    message.sent_timestamp = (time.time() - age_seconds) * 1000

    assert _is_retained(queues, "waiting", message) is retained
    asked = queues.is_message_valid_based_on_retention_period("waiting", message)
    assert asked is retained


NESTED = {"L": [{"S": "é"}, {"N": "1.50"}, {"NULL": True}, {"BOOL": False}, {"M": {}}, {"L": []}]}
ITEM: dict[str, Any] = {
    "id": {"S": "1"},
    "binary": {"B": b"\x00\xff"},
    "binaries": {"BS": [b"1", b"2"]},
    "strings": {"SS": ["a", "b"]},
    "numbers": {"NS": ["1", "2.5"]},
    "map": {"M": {"deep": {"M": {"binary": {"B": b"\xfe"}, "list": NESTED}}}},
}


def answers() -> Any:
    """Put an item and let it come back in each way."""
    make: Any = boto3.client
    with mock_aws():
        client = make(
            "dynamodb",
            "eu-west-1",
            aws_access_key_id="x",
            aws_secret_access_key="x",  # noqa: S106
        )
        client.create_table(
            TableName="t",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        client.put_item(TableName="t", Item=ITEM)
        put = client.put_item(TableName="t", Item=ITEM, ReturnValues="ALL_OLD")
        key = {"id": ITEM["id"]}
        read = client.get_item(TableName="t", Key=key)
        scanned = client.scan(TableName="t")
        updated = client.update_item(
            TableName="t",
            Key=key,
            UpdateExpression="SET #map.more = :more",
            ExpressionAttributeNames={"#map": "map"},
            ExpressionAttributeValues={":more": NESTED},
            ReturnValues="ALL_NEW",
        )
    return put["Attributes"], read["Item"], scanned["Items"], updated["Attributes"]


def test_every_kind_of_value_is_sent_as_moto_sends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        JSONSerializer, "_serialize_type_structure", BaseJSONSerializer._serialize_type_structure
    )
    before = answers()
    monkeypatch.setattr(JSONSerializer, "_serialize_type_structure", _serialize_structure)

    assert answers() == before
    assert before[0] == ITEM


def test_nothing_that_moto_has_forgotten_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BaseModel, "__new__", _untracked)

    class Told(BaseModel):
        def __init__(self, name: str) -> None:
            self.name = name

    assert Told("a").name == "a"
    tracker: Any = Told
    assert tracker.instances_tracked == []
