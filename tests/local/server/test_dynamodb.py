"""DynamoDB of the local cloud refuses, repeats, describes and expires as AWS does."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reconciler.aws import connect
from reconciler.item.schema import Schema
from reconciler.local.cloud import LocalCloud
from reconciler.local.provision import TableSpec
from tests.local.support import EU, US, put, stream_records

TABLE, ALONE = "parties", "alone"
LARGE = {"S": "x" * 410_000}
NOW = 1_800_000_000


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud([TableSpec(TABLE, "id")], regions=(US, EU), lag_ms=(1, 5)) as cloud:
        cloud.client("dynamodb", US).create_table(
            TableName=ALONE,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield cloud


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"S": "leaf"}
    for _ in range(levels - 1):
        value = {"M": {"in": value}}
    return value


def item(key: str, **attributes: Any) -> dict[str, Any]:
    return {"id": {"S": key}, **attributes}


def get(cloud: LocalCloud, key: str, region: str = US, table: str = TABLE) -> Any:
    client = cloud.client("dynamodb", region)
    return client.get_item(TableName=table, Key=item(key)).get("Item")


def append(cloud: LocalCloud, key: str, value: dict[str, Any], table: str = TABLE) -> None:
    cloud.client("dynamodb", US).update_item(
        TableName=table,
        Key=item(key),
        UpdateExpression="SET more = :value",
        ExpressionAttributeValues={":value": value},
    )


@pytest.mark.parametrize(
    ("value", "complaint"),
    [(LARGE, "Item size has exceeded"), (nested(32), "Nesting Levels have exceeded")],
)
def test_an_item_beyond_the_limits_is_refused_by_put_and_by_a_whole_batch(
    cloud: LocalCloud, value: dict[str, Any], complaint: str
) -> None:
    client = cloud.client("dynamodb", US)
    with pytest.raises(ClientError, match=f"ValidationException.*{complaint}"):
        put(cloud, US, TABLE, id="beyond", value=value)

    items = [item("neighbour"), item("beyond", value=value)]
    with pytest.raises(ClientError, match=f"ValidationException.*{complaint}"):
        client.batch_write_item(RequestItems={TABLE: [{"PutRequest": {"Item": i}} for i in items]})

    assert get(cloud, "beyond") is None
    assert get(cloud, "neighbour") is None


def test_an_item_at_the_limit_of_depth_is_taken(cloud: LocalCloud) -> None:
    put(cloud, US, TABLE, id="deep", value=nested(31))

    assert get(cloud, "deep")["value"] == nested(31)


@pytest.mark.parametrize("table", [TABLE, ALONE])
@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ({"S": "y" * 210_000}, "Item size to update has exceeded"),
        (nested(32), "Nesting Levels have exceeded"),
    ],
)
def test_an_update_that_would_pass_the_limits_leaves_the_item_as_it_was(
    cloud: LocalCloud, value: dict[str, Any], complaint: str, table: str
) -> None:
    key = f"update {complaint}"
    put(cloud, US, table, id=key, value={"S": "x" * 210_000}, b={"B": b"\x00\xff"})

    with pytest.raises(ClientError, match=f"ValidationException.*{complaint}"):
        append(cloud, key, value, table)
    with pytest.raises(ClientError, match="ValidationException"):
        append(cloud, f"{key} of none", {"S": "y" * 410_000}, table)

    assert get(cloud, key, table=table).keys() == {"id", "value", "b"}
    assert get(cloud, key, table=table)["b"] == {"B": b"\x00\xff"}
    assert get(cloud, f"{key} of none", table=table) is None
    if table == TABLE:
        cloud.settle()
        assert [r["eventName"] for r in stream_records(cloud, TABLE, US, key)] == ["INSERT"]


def test_a_transaction_beyond_the_limits_is_cancelled_with_the_reason_and_leaves_nothing(
    cloud: LocalCloud,
) -> None:
    client = cloud.client("dynamodb", US)
    put(cloud, US, TABLE, id="t-update", value={"S": "x" * 210_000})
    update = {
        "TableName": TABLE,
        "Key": item("t-update"),
        "UpdateExpression": "SET more = :value",
        "ExpressionAttributeValues": {":value": {"S": "y" * 210_000}},
    }
    beyond = {"Put": {"TableName": TABLE, "Item": item("t-put", value=nested(32))}}
    for action in ({"Update": update}, beyond):
        first = {"Put": {"TableName": TABLE, "Item": item("t-first")}}
        with pytest.raises(ClientError, match="TransactionCanceledException") as refused:
            client.transact_write_items(TransactItems=[first, action])

        reasons: Any = refused.value.response["CancellationReasons"]
        assert [reason["Code"] for reason in reasons] == ["None", "ValidationError"]
        assert get(cloud, "t-first") is None
    assert "more" not in get(cloud, "t-update")


def test_a_batch_of_26_is_refused_and_one_of_25_is_taken(cloud: LocalCloud) -> None:
    client = cloud.client("dynamodb", US)
    puts = [{"PutRequest": {"Item": item(f"batch-{number}")}} for number in range(26)]

    with pytest.raises(ClientError, match=r"ValidationException.*Too many items"):
        client.batch_write_item(RequestItems={TABLE: puts})
    assert get(cloud, "batch-0") is None

    client.batch_write_item(RequestItems={TABLE: puts[:25]})
    assert get(cloud, "batch-24") is not None


def add_one(cloud: LocalCloud, token: str, amount: str = "1", region: str = US) -> None:
    update = {
        "TableName": TABLE,
        "Key": item("counted"),
        "UpdateExpression": "ADD n :n",
        "ExpressionAttributeValues": {":n": {"N": amount}},
    }
    cloud.client("dynamodb", region).transact_write_items(
        TransactItems=[{"Update": update}], ClientRequestToken=token
    )


def test_a_transaction_with_a_token_is_applied_once(cloud: LocalCloud) -> None:
    for token in ("a", "a", "b"):
        add_one(cloud, token)

    assert get(cloud, "counted")["n"] == {"N": "2"}
    with pytest.raises(ClientError, match="IdempotentParameterMismatchException"):
        add_one(cloud, "a", amount="2")


def test_a_cancelled_transaction_leaves_its_token_free(cloud: LocalCloud) -> None:
    client = cloud.client("dynamodb", US)
    check = {
        "TableName": TABLE,
        "Key": item("awaited"),
        "ConditionExpression": "attribute_exists(id)",
    }
    request: Any = {
        "TransactItems": [
            {"ConditionCheck": check},
            {"Put": {"TableName": TABLE, "Item": item("once it is there")}},
        ],
        "ClientRequestToken": "again",
    }
    with pytest.raises(ClientError, match="TransactionCanceledException"):
        client.transact_write_items(**request)
    put(cloud, US, TABLE, id="awaited")

    client.transact_write_items(**request)

    assert get(cloud, "once it is there") is not None


def test_a_global_table_describes_its_other_replicas(cloud: LocalCloud) -> None:
    described = cloud.client("dynamodb", EU).describe_table(TableName=TABLE)["Table"]

    assert described["Replicas"] == [{"RegionName": US, "ReplicaStatus": "ACTIVE"}]
    alone = cloud.client("dynamodb", US).describe_table(TableName=ALONE)["Table"]
    assert not alone.get("Replicas")


def expire_by(cloud: LocalCloud, attribute: str) -> None:
    client = cloud.client("dynamodb", US)
    known = client.describe_time_to_live(TableName=TABLE)["TimeToLiveDescription"]
    if known.get("AttributeName") != attribute:
        specification = {"Enabled": True, "AttributeName": attribute}
        client.update_time_to_live(TableName=TABLE, TimeToLiveSpecification=specification)


def test_ttl_deletes_what_has_expired_and_says_so_in_the_region_that_ran_it_alone(
    cloud: LocalCloud,
) -> None:
    put(cloud, US, TABLE, id="ttl-old", expires={"N": str(NOW - 1)})
    put(cloud, US, TABLE, id="ttl-new", expires={"N": str(NOW + 1)})
    put(cloud, US, TABLE, id="ttl-text", expires=str(NOW - 1))
    cloud.settle()
    assert cloud.expire(EU, TABLE, NOW) == 0  # it is not on

    expire_by(cloud, "expires")
    assert cloud.expire(EU, TABLE, NOW) == 1  # settings of TTL hold in every region
    cloud.settle()

    assert [get(cloud, "ttl-old", region) for region in (US, EU)] == [None, None]
    assert get(cloud, "ttl-new") is not None
    assert get(cloud, "ttl-text") is not None
    there, here = (stream_records(cloud, TABLE, region, "ttl-old")[-1] for region in (EU, US))
    assert there["eventName"] == here["eventName"] == "REMOVE"
    assert there["userIdentity"] == {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
    assert "userIdentity" not in here


def test_an_item_that_the_library_deleted_goes_by_the_tables_own_ttl_when_its_tombstone_is_due(
    cloud: LocalCloud,
) -> None:
    expire_by(cloud, "expires")
    schema = Schema.of(table=TABLE, key=["id"], ttl_attribute="expires")
    parties = connect(schema, region=US, dynamodb=cloud.client("dynamodb", US))
    with parties.edit({"id": "own"}) as party:
        party["expires"] = 4_000_000_000
    with parties.edit({"id": "own"}) as party:
        party.delete()
    cloud.settle()
    due = int(get(cloud, "own", EU)["expires"]["N"])

    cloud.expire(EU, TABLE, due - 1)
    cloud.settle()
    assert get(cloud, "own") is not None
    assert cloud.expire(EU, TABLE, due + 1) == 1
    cloud.settle()
    assert get(cloud, "own") is None
