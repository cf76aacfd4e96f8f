"""Global tables over real HTTP: what reaches whom, and what each stream says about it."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reconciler.local.cloud import LocalCloud
from reconciler.local.provision import TableSpec
from tests.local.support import (
    AP,
    EU,
    US,
    event_names,
    lose,
    open_stream,
    put,
    sorted_scan,
    stream_records,
)

PARTIES, ORDERS, VISITS = "parties", "orders", "visits"


@pytest.fixture(scope="module")
def shared_cloud() -> Iterator[LocalCloud]:
    kinds = {"who": "B", "at": "N"}
    tables = [TableSpec(PARTIES, "id"), TableSpec(ORDERS, "id", "line")]
    tables.append(TableSpec(VISITS, "who", "at", kinds=kinds))
    with LocalCloud(tables, lag_ms=(5, 30), seed=7) as cloud:
        yield cloud


@pytest.fixture
def cloud(shared_cloud: LocalCloud) -> Iterator[LocalCloud]:
    yield shared_cloud
    shared_cloud.heal()
    shared_cloud.settle()


def update(cloud: LocalCloud, region: str, key: str, **arguments: Any) -> None:
    client = cloud.client("dynamodb", region)
    client.update_item(TableName=PARTIES, Key={"id": {"S": key}}, **arguments)


def get(cloud: LocalCloud, region: str, key: str) -> dict[str, Any] | None:
    client = cloud.client("dynamodb", region)
    item: dict[str, Any] | None = client.get_item(TableName=PARTIES, Key={"id": {"S": key}}).get(
        "Item"
    )
    return item


def assert_replicas_are_identical(cloud: LocalCloud, table: str = PARTIES) -> None:
    first, *others = (sorted_scan(cloud, table, region) for region in cloud.regions)
    assert all(other == first for other in others)


def test_a_put_an_update_and_a_delete_reach_every_region(cloud: LocalCloud) -> None:
    put(cloud, US, PARTIES, id="basic", name="Ada")
    cloud.settle()
    update(
        cloud,
        EU,
        "basic",
        UpdateExpression="SET age = :a",
        ExpressionAttributeValues={":a": {"N": "36"}},
    )
    cloud.settle()
    assert [get(cloud, r, "basic") for r in cloud.regions] == [
        {"id": {"S": "basic"}, "name": {"S": "Ada"}, "age": {"N": "36"}}
    ] * 3

    cloud.client("dynamodb", AP).delete_item(TableName=PARTIES, Key={"id": {"S": "basic"}})
    cloud.settle()

    assert [get(cloud, r, "basic") for r in cloud.regions] == [None] * 3
    assert event_names(cloud, PARTIES, US, "basic") == ["INSERT", "MODIFY", "REMOVE"]


def test_batches_and_transactions_are_replicated_item_by_item(cloud: LocalCloud) -> None:
    items = [{"id": {"S": f"batch-{n}"}, "line": {"S": str(n)}} for n in range(5)]
    client = cloud.client("dynamodb", US)
    client.batch_write_item(RequestItems={ORDERS: [{"PutRequest": {"Item": i}} for i in items]})
    client.transact_write_items(
        TransactItems=[
            {"Delete": {"TableName": ORDERS, "Key": items[0]}},
            {"Put": {"TableName": PARTIES, "Item": {"id": {"S": "from a transaction"}}}},
        ]
    )
    cloud.settle()

    assert_replicas_are_identical(cloud, ORDERS)
    assert len(cloud.scan(ORDERS, AP)) == 4
    assert get(cloud, AP, "from a transaction") is not None


def test_only_the_stream_of_the_region_that_lost_shows_the_lost_write(cloud: LocalCloud) -> None:
    lose(cloud, PARTIES, "conflict")

    overwritten = stream_records(cloud, PARTIES, US, "conflict")[-1]
    assert overwritten["eventName"] == "MODIFY"
    assert overwritten["dynamodb"]["OldImage"]["name"] == {"S": "lost"}
    assert overwritten["dynamodb"]["NewImage"]["name"] == {"S": "won"}
    assert event_names(cloud, PARTIES, EU, "conflict") == ["INSERT"]


def test_a_record_names_the_region_whose_stream_it_is_in(cloud: LocalCloud) -> None:
    put(cloud, US, PARTIES, id="where")
    cloud.settle()

    assert [stream_records(cloud, PARTIES, r, "where")[0]["awsRegion"] for r in (US, EU, AP)] == [
        US,
        EU,
        AP,
    ]


def test_a_write_that_changes_nothing_leaves_no_record_anywhere(cloud: LocalCloud) -> None:
    for _ in range(3):
        put(cloud, US, PARTIES, id="same", tags={"SS": ["a", "b"]}, n={"N": "1"})
    put(cloud, US, PARTIES, id="same", tags={"SS": ["b", "a"]}, n={"N": "1.0"})
    cloud.settle()

    assert [event_names(cloud, PARTIES, r, "same") for r in cloud.regions] == [["INSERT"]] * 3
    assert_replicas_are_identical(cloud)


def test_the_same_bytes_written_in_two_regions_replicate_to_no_record(cloud: LocalCloud) -> None:
    cloud.partition(US, EU)
    for region in (US, EU):
        put(cloud, region, PARTIES, id="merged", total={"N": "7"})
    cloud.heal()
    cloud.settle()

    assert [event_names(cloud, PARTIES, r, "merged") for r in cloud.regions] == [["INSERT"]] * 3


def test_an_update_of_an_absent_item_leaves_one_insert_with_the_whole_item(
    cloud: LocalCloud,
) -> None:
    update(
        cloud,
        US,
        "upsert",
        UpdateExpression="SET n = :n",
        ExpressionAttributeValues={":n": {"N": "1"}},
    )
    cloud.settle()

    [record] = stream_records(cloud, PARTIES, US, "upsert")
    assert record["eventName"] == "INSERT"
    assert record["dynamodb"]["NewImage"] == {"id": {"S": "upsert"}, "n": {"N": "1"}}


def test_a_nested_update_does_not_rewrite_the_images_of_earlier_records(cloud: LocalCloud) -> None:
    put(cloud, US, PARTIES, id="nested", m={"M": {"l": {"L": [{"S": "before"}]}}})
    update(
        cloud,
        US,
        "nested",
        UpdateExpression="SET m.l[0] = :v",
        ExpressionAttributeValues={":v": {"S": "after"}},
    )
    cloud.settle()

    images = [r["dynamodb"]["NewImage"]["m"] for r in stream_records(cloud, PARTIES, US, "nested")]
    assert images == [
        {"M": {"l": {"L": [{"S": "before"}]}}},
        {"M": {"l": {"L": [{"S": "after"}]}}},
    ]


def test_a_cancelled_transaction_leaves_no_trace_and_keeps_open_iterators_alive(
    cloud: LocalCloud,
) -> None:
    iterator = open_stream(cloud, PARTIES, US)
    client, streams = cloud.client("dynamodb", US), cloud.client("dynamodbstreams", US)
    with pytest.raises(ClientError, match="TransactionCanceled"):
        client.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": PARTIES, "Item": {"id": {"S": "cancelled"}}}},
                {
                    "Put": {
                        "TableName": PARTIES,
                        "Item": {"id": {"S": "refused"}},
                        "ConditionExpression": "attribute_exists(id)",
                    }
                },
            ]
        )
    put(cloud, US, PARTIES, id="after the cancelled one")
    cloud.settle()

    seen = [
        record["dynamodb"]["Keys"]["id"]["S"]
        for record in streams.get_records(ShardIterator=iterator)["Records"]
    ]
    assert seen[-1] == "after the cancelled one"
    assert "cancelled" not in seen
    assert get(cloud, EU, "cancelled") is None
    assert get(cloud, EU, "after the cancelled one") is not None


def test_a_failed_condition_shows_the_item_and_replicates_nothing(cloud: LocalCloud) -> None:
    put(cloud, US, PARTIES, id="conditional", n={"N": "1"})
    cloud.settle()
    with pytest.raises(ClientError) as refused:
        update(
            cloud,
            EU,
            "conditional",
            UpdateExpression="SET n = :n",
            ConditionExpression="n = :expected",
            ExpressionAttributeValues={":n": {"N": "3"}, ":expected": {"N": "2"}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    cloud.settle()

    assert refused.value.response["Item"]["n"] == {"N": "1"}  # type: ignore[typeddict-item]
    assert event_names(cloud, PARTIES, EU, "conditional") == ["INSERT"]


def test_binary_values_arrive_as_they_were_written_in_items_and_in_records(
    cloud: LocalCloud,
) -> None:
    nested = {"M": {"l": {"L": [{"B": b"\x00\xff"}]}}}
    put(cloud, US, PARTIES, id="binary", b={"B": b"\x01"}, bs={"BS": [b"2", b"3"]}, m=nested)
    cloud.settle()

    expected = {
        "id": {"S": "binary"},
        "b": {"B": b"\x01"},
        "bs": {"BS": [b"2", b"3"]},
        "m": nested,
    }
    for region in cloud.regions:
        assert get(cloud, region, "binary") == expected
        [record] = stream_records(cloud, PARTIES, region, "binary")
        assert record["dynamodb"]["NewImage"] == expected


def test_an_older_put_that_arrives_after_a_delete_stays_away(cloud: LocalCloud) -> None:
    cloud.isolate(AP)
    put(cloud, AP, PARTIES, id="gone", name="older")
    put(cloud, US, PARTIES, id="gone", name="newer")
    cloud.client("dynamodb", US).delete_item(TableName=PARTIES, Key={"id": {"S": "gone"}})

    cloud.heal()
    cloud.settle()

    assert [get(cloud, r, "gone") for r in cloud.regions] == [None] * 3


def test_a_write_under_a_binary_key_and_of_binary_values_reaches_every_region(
    cloud: LocalCloud,
) -> None:
    client = cloud.client("dynamodb", US)
    key = {"who": {"B": b"\x01\xff"}, "at": {"N": "1.5"}}
    values = {"one": {"B": b"\x00"}, "all": {"L": [{"BS": [b"\xfe"]}]}}
    client.put_item(TableName=VISITS, Item={**key, **values})
    cloud.settle()

    cloud.client("dynamodb", EU).update_item(
        TableName=VISITS,
        Key=key,
        UpdateExpression="SET seen = :seen",
        ConditionExpression="one = :one",
        ExpressionAttributeValues={":seen": {"BOOL": True}, ":one": values["one"]},
    )
    cloud.settle()

    assert_replicas_are_identical(cloud, VISITS)
    assert cloud.scan(VISITS, AP) == [{**key, **values, "seen": {"BOOL": True}}]
    client.delete_item(TableName=VISITS, Key=key)
    cloud.settle()
    assert [cloud.scan(VISITS, region) for region in cloud.regions] == [[], [], []]


def test_a_number_as_a_key_is_one_key_however_it_is_written(cloud: LocalCloud) -> None:
    client = cloud.client("dynamodb", US)
    for written in ("7", "7.0", "0.7e1"):
        item = {"who": {"B": b"n"}, "at": {"N": written}, "as": {"S": written}}
        client.put_item(TableName=VISITS, Item=item)
    cloud.settle()

    [found] = [i for i in cloud.scan(VISITS, EU) if i["who"] == {"B": b"n"}]
    assert found["as"] == {"S": "0.7e1"}
    client.delete_item(TableName=VISITS, Key={"who": {"B": b"n"}, "at": {"N": "7"}})


def hammer(cloud: LocalCloud, region: str, writes: int) -> None:
    client = cloud.client("dynamodb", region)
    for number in range(writes):
        key = {"id": {"S": f"hot-{number % 2}"}}
        if number % 10 == 9:
            client.delete_item(TableName=PARTIES, Key=key)
        else:
            client.update_item(
                TableName=PARTIES,
                Key=key,
                UpdateExpression="SET n = :n, #r = :n ADD tags :t",
                ExpressionAttributeNames={"#r": region},
                ExpressionAttributeValues={
                    ":n": {"N": str(number)},
                    ":t": {"SS": [f"{region}-{number}"]},
                },
            )


def test_replicas_are_identical_after_all_regions_hammered_the_same_items() -> None:
    # Lag 0 makes a replicated put follow its write at once, into the next client's write.
    with LocalCloud([TableSpec(PARTIES, "id")], lag_ms=(0, 3), seed=7) as cloud:
        threads = [
            threading.Thread(target=hammer, args=(cloud, region, 120)) for region in cloud.regions
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        cloud.settle()

        assert_replicas_are_identical(cloud)
        for region in cloud.regions:
            for key in ("hot-0", "hot-1"):
                assert_records_form_a_chain(stream_records(cloud, PARTIES, region, key))


def assert_records_form_a_chain(records: list[dict[str, Any]]) -> None:
    """Every record starts from the image that the one before it ended in."""
    before = None
    for record in records:
        assert record["dynamodb"].get("OldImage") == before
        before = record["dynamodb"].get("NewImage")
