"""Updates that only take away, where no item is, as DynamoDB carries them out."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.aws.conftest import clients, credentials
from tests.aws.test_contract import make_table

__all__ = ["clients", "credentials"]

KEY = {"id": {"S": "p1"}}
X = {"ExpressionAttributeValues": {":x": {"SS": ["x"]}}}


@pytest.fixture
def dynamodb(credentials: None, clients: None) -> Iterator[Any]:
    with mock_aws():
        yield make_table("parties", "id")


def made(dynamodb: Any, **update: Any) -> Any:
    """Return what an update makes of nothing."""
    dynamodb.update_item(TableName="parties", Key=KEY, **update)
    return dynamodb.get_item(TableName="parties", Key=KEY).get("Item")


@pytest.mark.parametrize(
    "update",
    [
        {"UpdateExpression": "REMOVE a, b.c"},
        {"UpdateExpression": "DELETE a :x REMOVE b", **X},
        {"AttributeUpdates": {"a": {"Action": "DELETE"}}},
        {"UpdateExpression": "REMOVE a", "ConditionExpression": "attribute_not_exists(id)"},
    ],
    ids=str,
)
def test_they_make_no_item(dynamodb: Any, update: dict[str, Any]) -> None:
    assert made(dynamodb, **update) is None
    assert dynamodb.scan(TableName="parties")["Items"] == []


@pytest.mark.parametrize(
    "update",
    [
        {"UpdateExpression": "REMOVE a SET b = :x", **X},
        {"UpdateExpression": "ADD a :x REMOVE b", **X},
        {"AttributeUpdates": {}},
    ],
    ids=str,
)
def test_others_do(dynamodb: Any, update: dict[str, Any]) -> None:
    assert made(dynamodb, **update)["id"] == KEY["id"]


def test_their_conditions_are_looked_at(dynamodb: Any) -> None:
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        made(dynamodb, UpdateExpression="REMOVE a", ConditionExpression="attribute_exists(id)")


def test_what_cannot_be_read_is_refused(dynamodb: Any) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        made(dynamodb, UpdateExpression="REMOVE")
