"""PartiQL's INSERT in batches, as DynamoDB carries it out."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from reconciler.aws.clients import client
from tests.aws.conftest import REGION, clients, credentials
from tests.ingest.region import IngestRegion

__all__ = ["clients", "credentials"]

INSERT = """INSERT INTO "parties" VALUE {'id': ?, 'a ''quoted'' name': ?}"""


@pytest.fixture
def dynamodb(credentials: None, clients: None) -> Iterator[Any]:
    with mock_aws():
        IngestRegion(REGION)
        yield client("dynamodb", REGION)


def inserted(dynamodb: Any, *values: dict[str, Any], statement: str = INSERT) -> list[str | None]:
    """Return, for each statement of a batch, the code of its refusal."""
    statements = [{"Statement": statement, "Parameters": [each, {"N": "1"}]} for each in values]
    answer = dynamodb.batch_execute_statement(Statements=statements)
    return [each.get("Error", {}).get("Code") for each in answer["Responses"]]


def test_an_item_is_inserted_where_there_is_none_and_refused_where_there_is_one(
    dynamodb: Any,
) -> None:
    one, other = {"S": "p1"}, {"S": "p2"}
    assert inserted(dynamodb, one) == [None]
    assert inserted(dynamodb, one, other, other) == ["DuplicateItem", None, "DuplicateItem"]
    found = dynamodb.get_item(TableName="parties", Key={"id": one})["Item"]
    assert found == {"id": one, "a 'quoted' name": {"N": "1"}}


def test_one_that_cannot_be_inserted_holds_up_no_other(dynamodb: Any) -> None:
    answers = inserted(dynamodb, {"N": "7"}, {"S": "x" * 500_000}, {"S": "p1"})
    assert answers == ["ValidationError", "ValidationError", None]


def test_a_table_that_is_not_there_and_a_statement_that_is_too_long_are_told(
    dynamodb: Any,
) -> None:
    other = INSERT.replace("parties", "others")
    assert inserted(dynamodb, {"S": "p1"}, statement=other) == ["ResourceNotFound"]
    long = INSERT.replace("quoted", "q" * 8_192)
    assert inserted(dynamodb, {"S": "p1"}, statement=long) == ["ValidationError"]


def test_a_batch_of_more_than_25_is_refused(dynamodb: Any) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        inserted(dynamodb, *({"S": f"p{number}"} for number in range(26)))
