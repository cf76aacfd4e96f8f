"""New items in batches: what is sent, and what an answer means."""

from typing import Any

import pytest

from reconciler.aws.clients import client
from reconciler.aws.new_items import DynamoNewItems
from reconciler.errors import Unavailable
from reconciler.values.wire import Image
from tests.aws.conftest import REGION
from tests.ingest.region import IngestRegion

ODD: Image = {
    "id": {"S": 'it\'s "é"'},
    "it's": {"B": b"\x00\xff"},
    "n": {"N": "1.5"},
    "ü": {"L": []},
}


@pytest.fixture
def items(aws: None) -> DynamoNewItems:
    IngestRegion(REGION)
    return DynamoNewItems("parties", client("dynamodb", REGION, attempts=1))


def test_items_are_written_as_they_are_whatever_their_attributes_are_called(
    items: DynamoNewItems,
) -> None:
    assert items.insert([ODD, {"id": {"S": "p1"}}]) == [True, True]
    found = items.images([{"id": ODD["id"]}, {"id": {"S": "p2"}}])
    assert found == [ODD, None]


def test_an_item_that_stands_there_is_left_and_those_beside_it_are_written(
    items: DynamoNewItems,
) -> None:
    first, later = {"id": {"S": "p1"}, "n": {"N": "1"}}, {"id": {"S": "p1"}, "n": {"N": "2"}}
    assert items.insert([first]) == [True]
    assert items.insert([later, {"id": {"S": "p2"}}]) == [False, True]
    assert items.images([{"id": {"S": "p1"}}]) == [first]


def test_a_client_that_is_shared_sends_what_others_ask_for_as_it_is(
    items: DynamoNewItems,
) -> None:
    again = DynamoNewItems("parties", items._client)
    assert again.insert([{"id": {"S": "p1"}}]) == [True]
    assert items.insert([{"id": {"S": "p1"}}]) == [False]


def test_a_refused_call_says_that_nothing_was_written(
    items: DynamoNewItems, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(**_: Any) -> Any:
        raise items._client.exceptions.ProvisionedThroughputExceededException(
            {"Error": {"Code": "ThrottlingException"}, "ResponseMetadata": {"HTTPStatusCode": 400}},
            "BatchExecuteStatement",
        )

    monkeypatch.setattr(items._client, "batch_execute_statement", refuses)
    with pytest.raises(Unavailable, match="ThrottlingException"):
        items.insert([{"id": {"S": "p1"}}])
